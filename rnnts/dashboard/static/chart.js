// Draws the chart of one series from JSON of the same origin. No name from outside comes in here.
"use strict";

(() => {
  const HOUR = 3600, DAY = 86400;
  const STRIDES = [HOUR / 4, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
    14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];
  const MONDAY = 4 * DAY; // the epoch was a Thursday
  const TICK_PIXELS = 74;
  const NARROW_PIXELS = 480; // a phone: the legend goes below, the caption names the zone
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  const two = (number) => String(number).padStart(2, "0");

  // The panel's own clock: `offsets` says from which second on which shift holds.
  const clockOf = (offsets) => {
    const shiftAt = (second) => {
      let shift = offsets[0][1];
      for (const [from, value] of offsets) if (second >= from) shift = value;
      return shift;
    };
    const parts = (second) => {
      const at = new Date(1000 * (second + shiftAt(second)));
      return {
        day: `${DAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`,
        year: at.getUTCFullYear(),
        time: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`,
        midnight: at.getUTCHours() === 0 && at.getUTCMinutes() === 0,
      };
    };
    const offset = (second) => {
      const minutes = Math.round(shiftAt(second) / 60);
      const size = Math.abs(minutes);
      return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
    };
    const short = (second) => `${parts(second).day}, ${parts(second).time}`;
    const words = (second) => `${short(second)} ${offset(second)}`;
    return { shiftAt, parts, offset, short, words };
  };

  // Ticks at round local times, as many as there is room for.
  const ticksOf = (clock, first, last, pixels) => {
    const stride = STRIDES.find((one) => (last - first) / one <= pixels / TICK_PIXELS) ?? STRIDES.at(-1);
    const origin = stride >= 7 * DAY ? MONDAY : 0;
    const begin = Math.ceil((first + clock.shiftAt(first) - origin) / stride) * stride + origin;
    const values = [], texts = [];
    let year = null;
    for (let local = begin; local - clock.shiftAt(last) <= last; local += stride) {
      const second = local - clock.shiftAt(local - clock.shiftAt(local));
      const at = clock.parts(second);
      const date = values.length === 0 || at.midnight || stride >= DAY;
      const lines = [stride < DAY ? at.time : "", date ? at.day : "", at.year === year ? "" : String(at.year)];
      year = at.year;
      values.push(second);
      texts.push(lines.filter(Boolean).join("<br>"));
    }
    return { tickvals: values, ticktext: texts };
  };

  const lonely = (values) => values.map((value, index) =>
    value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null ? 5 : 0);

  const figure = (value) => (value === null ? "none" : Number(value.toPrecision(4)).toLocaleString("en"));

  const coloursOf = (element) => {
    const style = getComputedStyle(element);
    return (name) => style.getPropertyValue(`--chart-${name}`).trim();
  };

  const tracesOf = (data, clock, colour) => {
    const { median, bands, observed, earlier } = data;
    const traces = [];
    bands.forEach((band, index) => {
      const side = { x: median.times, type: "scatter", mode: "lines", hoverinfo: "skip", legendgroup: band.name,
        line: { width: 0, color: colour("hue") } };
      traces.push({ ...side, y: band.low, showlegend: false });
      traces.push({ ...side, y: band.high, name: `${band.name} range`, fill: "tonexty",
        fillcolor: `rgba(${colour("band")}, ${0.16 + 0.1 * index})` });
    });
    earlier.map((issue, index) => [issue, index]).reverse().forEach(([issue, index]) => traces.push({
      x: issue.times, y: issue.values, type: "scatter", mode: "lines", name: `issued ${clock.short(issue.issued_at)}`,
      line: { color: colour(index === 0 ? "first" : "second"), dash: index === 0 ? "dash" : "dot", width: 1.5 },
      text: issue.times.map((second, place) => `${clock.words(second)}<br>${figure(issue.values[place])}`),
      hovertemplate: "%{text}<extra>earlier</extra>",
    }));
    traces.push({
      x: median.times, y: median.values, type: "scatter", mode: "lines", name: "median",
      line: { color: colour("hue"), width: 2 },
      text: median.times.map((second, place) => [clock.words(second), `median ${figure(median.values[place])}`,
        ...bands.map((band) => `${band.name}: ${figure(band.low[place])} to ${figure(band.high[place])}`)].join("<br>")),
      hovertemplate: "%{text}<extra></extra>",
    });
    traces.push({
      x: observed.times, y: observed.values, type: "scatter", mode: "lines+markers", name: "observed", connectgaps: false,
      line: { color: colour("ink"), width: 1.4 }, marker: { color: colour("ink"), size: lonely(observed.values) },
      text: observed.times.map((second, place) => `${clock.words(second)}<br>observed ${figure(observed.values[place])}`),
      hovertemplate: "%{text}<extra></extra>",
    });
    return traces;
  };

  const layoutOf = (data, clock, colour, first, last, pixels) => {
    const changes = data.offsets.slice(1).map(([second]) => `${clock.words(second)}`);
    const zone = changes.length === 0
      ? `time in ${data.timezone}, ${clock.offset(first)}`
      : `time in ${data.timezone}; clocks change: ${changes.join("; ")}`;
    const upright = (second, dash, width) => ({ type: "line", x0: second, x1: second, y0: 0, y1: 1, yref: "paper",
      line: { color: colour("quiet"), dash, width } });
    const narrow = pixels < NARROW_PIXELS;
    const legend = narrow ? { y: -0.25, yanchor: "top" } : { orientation: "h", y: 1.02, yanchor: "bottom" };
    return {
      margin: narrow ? { l: 40, r: 24, t: 24, b: 40 } : { l: 56, r: 44, t: 44, b: 84 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("ink"), family: "system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif", size: 13 },
      xaxis: { type: "linear", range: [first, last], tickmode: "array", ...ticksOf(clock, first, last, pixels),
        title: { text: narrow ? "" : zone, font: { size: 12, color: colour("quiet") }, standoff: 8 }, gridcolor: colour("grid"), zeroline: false },
      yaxis: { rangemode: data.from_zero ? "tozero" : "normal", gridcolor: colour("grid"), zeroline: false, fixedrange: true },
      legend: { ...legend, x: 0, traceorder: "reversed" },
      shapes: [upright(data.issued_at, "dash", 1.5), ...data.offsets.slice(1).map(([second]) => upright(second, "dot", 1))],
      annotations: [{ x: data.issued_at, y: 1, yref: "paper", xanchor: "right", yanchor: "top", showarrow: false, xshift: -4,
        text: narrow ? "issued" : `issued ${clock.words(data.issued_at)}`, font: { size: 12, color: colour("quiet") } }],
      hovermode: "closest", hoverdistance: 60, dragmode: "zoom",
    };
  };

  const draw = async (element, data) => {
    const clock = clockOf(data.offsets), colour = coloursOf(element);
    const times = [...data.observed.times, ...data.median.times, data.issued_at];
    const first = Math.min(...times), last = Math.max(...times);
    const width = () => Math.max(element.clientWidth - 100, 200);
    const layout = layoutOf(data, clock, colour, first, last, width());
    await Plotly.react(element, tracesOf(data, clock, colour), layout, { displayModeBar: false, responsive: true });
    element.removeAllListeners?.("plotly_relayout");
    element.on("plotly_relayout", (change) => {
      if ("xaxis.tickvals" in change) return; // our own
      const range = element.layout.xaxis.autorange ? [first, last] : element.layout.xaxis.range.map(Number);
      const ticks = ticksOf(clock, range[0], range[1], width());
      Plotly.relayout(element, { "xaxis.range": range, "xaxis.tickvals": ticks.tickvals, "xaxis.ticktext": ticks.ticktext });
    });
    element.dataset.drawn = "yes";
  };

  const begin = async (element) => {
    const say = (text) => { element.firstElementChild.textContent = text; };
    say("Drawing the chart …");
    const answer = await fetch(element.dataset.source, { headers: { accept: "application/json" } });
    const data = await answer.json();
    if (!answer.ok) return say(`The chart cannot be drawn: ${data.message}`);
    element.replaceChildren();
    await draw(element, data);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(element, data));
    return undefined;
  };

  for (const element of document.querySelectorAll(".chart[data-source]")) {
    begin(element).catch(() => {
      const line = document.createElement("p");
      line.textContent = "The chart cannot be drawn; the table below has its numbers.";
      element.replaceChildren(line);
    });
  }
})();
