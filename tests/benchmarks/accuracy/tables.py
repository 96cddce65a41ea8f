"""The tables: what each part left, peers beside us, as Markdown that can be pasted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from statistics import fmean, geometric_mean, median
from typing import Any

from tests.benchmarks.accuracy import results
from tests.benchmarks.accuracy.invented import KINDS, kind_of
from tests.benchmarks.accuracy.parts import OURS, PARTS

Json = dict[str, Any]
Row = Sequence[str]
GOALS = {
    "m4": "MASE / sMAPE / weighted quantile loss: must 0.74 / 9.3 / 0.026, aim 0.65 / 7.85 / "
    "0.0202; ranges within 2 points of 80 and 95 % or 2 standard errors, within 4 in every quarter",
    "ett": "MASE: must better than every peer, aim 0.79; ranges as M4 Hourly",
    "nab": "MASE: must better than seasonal naive on 80 % of series, and at most 1.1 times as bad "
    "on one whose forecasts are the network's",
    "small": "must better than seasonal naive and AutoETS",
    "flights": "skill against last week and against the median of three weeks: must 15 and 5 %, "
    "aim 30 and 15 %; counts: 80 and 95 % ranges hold at least nominal less 2 points, randomised "
    "within 3",
    "flights-holidays": "as for the flights",
    "weekly": "none asked for; nothing can be better than the last value of a walk",
    "course": "mean absolute error: must 4.75, aim 4.40",
    "late": "the 90 % range must hold 87 to 93 % in each bucket of delay",
    "missing": "must lose less than 10 %",
    "speed-training": "share of the machine's rate: must 40 %, aim 55 %",
    "speed-forecast": "must 5 times as fast as NHITS, aim 10 times",
    "speed-budget": "must within 5 %",
}
SCORES = (
    ("MASE", "mase", 3), ("sMAPE", "smape", 2), ("weighted quantile loss", "wql", 4),
    ("interval score 80", "interval_80", 3), ("95", "interval_95", 3),
)  # fmt: skip
WORSE_ALLOWED = 1.1
IDLE = 3.0
"""Load up to which nobody else worked: a part that has just ended leaves as much."""


def everything(*, quick: bool = False, only: str | None = None) -> str:
    """The tables of all parts that have run, or of one and its peers."""
    names = list(dict.fromkeys(name.removesuffix("-peers") for name in [only] if name)) or [
        *PARTS, "course", "late", "missing", "speed-training", "speed-forecast", "speed-budget"
    ]  # fmt: skip
    pieces = [_part(name, quick=quick) for name in names]
    return "\n".join(piece for piece in pieces if piece)


def _part(name: str, *, quick: bool) -> str:
    """One part, or nothing where it has not run."""
    found = [
        one for one in (results.read(each, quick=quick) for each in (name, f"{name}-peers")) if one
    ]
    if not found:
        return ""
    body = _scored(name, found) if name in PARTS else OTHERS[name](found[0])
    warning = ["", "**A quick run: it tried the machinery, and its figures say nothing.**"]
    lines = [
        "",
        f"### {found[0]['title']}",
        *(warning if quick else []),
        "",
        f"Goals: {GOALS[name]}.",
    ]
    return "\n".join([*lines, *body, "", _made(found), ""])


def _scored(name: str, found: list[Json]) -> Iterator[str]:
    """The tables of a part with cases: one a case, then what they say together."""
    cases: dict[str, list[Json]] = {}
    about: dict[str, str] = {}
    for one in found:
        for case in one["cases"]:
            cases.setdefault(case["panel"], []).extend(case["results"])
            about[case["panel"]] = (
                f"{case['series']} series, {case['windows']} windows of {case['horizon']} steps "
                f"from {case['first_target']}, MASE with m = {case['season_of_mase']}"
            )
    for panel, rows in cases.items():
        yield from ("", f"`{panel}`: {about[panel]}.", "")
        yield from markdown(*score_table(rows))
        yield from _notes(rows)
    if name == "nab":
        yield from ("", "All panels together:", "")
        yield from markdown(*over_series(cases.values()))
    if name == "weekly":
        yield ""
        yield from markdown(*by_kind(next(iter(cases.values()))))
    if name.startswith("flights"):
        yield ""
        yield from markdown(*skill_table(next(iter(cases.values()))))


def score_table(rows: Iterable[Json]) -> tuple[Row, list[Row]]:
    """Head and rows, one a method; the seeds of one method are one row, with their spread."""
    head = ["method", *(name for name, _, _ in SCORES), "in 80 %", "by quarter", "in 95 %",
            "by quarter", "unserved"]  # fmt: skip
    table: list[Row] = []
    for method, group in by_method(rows):
        ranged = "coverage_80" in group[0]
        line = [_named(method, group)]
        line += [_spread(group, key, digits) for _, key, digits in SCORES]
        for share in ("80", "95"):
            line.append(_coverage(group, share) if ranged else "")
            line.append(_quarters(group, share) if ranged else "")
        table.append([*line, f"{max(one['unserved'] for one in group)} of {group[0]['windows']}"])
    return head, table


def by_kind(rows: Iterable[Json]) -> tuple[Row, list[Row]]:
    """Errors beside those of the last value, the geometric mean of each kind of series."""
    table: list[Row] = []
    for method, group in by_method(rows):
        ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for one in group:
            for series_id, ratio in one["against_naive_by_series"].items():
                ratios[kind_of(series_id)].append(ratio)
        # A quick run may have no series of some kind
        means = [f"{geometric_mean(each):.3f}" if each else "" for each in ratios.values()]
        table.append([method, *means])
    return ["errors beside those of the last value", *KINDS], table


def over_series(cases: Iterable[list[Json]]) -> tuple[Row, list[Row]]:
    """Over the series of all panels: the median, how many beat the naive method, the worst."""
    head = ["method", "median MASE", "better than seasonal naive", "worst ratio to it",
            "worst on a series of the network"]  # fmt: skip
    rows = [row | {"method": row.get("together", row["method"])} for case in cases for row in case]
    table: list[Row] = []
    for method, group in by_method(rows):
        mase = [value for one in group for value in _known(one["mase_by_series"])]
        ratios = [value for one in group for value in _known(one["against_naive_by_series"])]
        better = sum(ratio < 1 for ratio in ratios)
        share = f"{better} of {len(ratios)} ({better / len(ratios):.0%})"
        worst = f"{max(ratios):.2f}"
        table.append([method, f"{median(mase):.3f}", share, worst, _worst_of_network(group)])
    return head, table


def skill_table(rows: Iterable[Json]) -> tuple[Row, list[Row]]:
    """Pooled skill, and the coverage of counts with ties drawn at random."""
    head = ["method", "against yesterday", "against last week", "against the median of three weeks",
            "in 80 %, randomised", "in 95 %, randomised"]  # fmt: skip
    keys = ("skill_short", "skill_long", "skill_three_weeks", "randomised_80", "randomised_95")
    return head, [
        [method, *(f"{100 * _mean(group, key):.1f} %" if key in group[0] else "" for key in keys)]
        for method, group in by_method(rows)
    ]


def by_method(rows: Iterable[Json]) -> Iterator[tuple[str, list[Json]]]:
    """Results of one method together, ours first, then in the order that they came in."""
    listed = list(rows)
    order = list(dict.fromkeys(row["method"] for row in listed))
    order.sort(key=lambda method: method != OURS)
    listed.sort(key=lambda row: order.index(row["method"]))
    for method, group in groupby(listed, key=lambda row: row["method"]):
        yield method, list(group)


def markdown(head: Row, rows: Iterable[Row]) -> list[str]:
    """A table.

    >>> markdown(["a", "b"], [["1", "2"]])
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _named(method: str, group: list[Json]) -> str:
    if method != OURS:
        return method
    seeds = f", mean of {len(group)} seeds" if len(group) > 1 else ""
    return f"**{method}, {group[0]['told']['minutes']:g} minutes{seeds}**"


def _spread(group: list[Json], key: str, digits: int) -> str:
    values = [one[key] for one in group if one.get(key) is not None]
    if not values:
        return ""
    middle = f"{fmean(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _coverage(group: list[Json], share: str) -> str:
    middle = 100 * _mean(group, f"coverage_{share}")
    error = 100 * _mean(group, f"coverage_{share}_error")
    return f"{middle:.1f} ± {error:.1f}"


def _quarters(group: list[Json], share: str) -> str:
    columns = zip(*(one[f"coverage_{share}_quarters"] for one in group), strict=True)
    return " / ".join(f"{100 * fmean(column):.1f}" for column in columns)


def _mean(group: list[Json], key: str) -> float:
    return fmean(one[key] for one in group)


def _known(by_series: Json) -> list[float]:
    return [value for value in by_series.values() if value is not None]


def _worst_of_network(group: list[Json]) -> str:
    """The worst ratio among series of which any forecast was the network's."""
    ratios = [
        one["against_naive_by_series"][series]
        for one in group
        for series, share in one.get("network_share_by_series", {}).items()
        if share > 0 and one["against_naive_by_series"][series] is not None
    ]
    if not ratios:
        return ""
    over = sum(ratio > WORSE_ALLOWED for ratio in ratios)
    return f"{max(ratios):.2f} ({over} of {len(ratios)} above {WORSE_ALLOWED})"


def _notes(rows: Iterable[Json]) -> Iterator[str]:
    """What became of each of our trainings, and what peers were set to."""
    yield ""
    for row in rows:
        told = row.get("told")
        if told and row["method"] == OURS:
            by_method = ", ".join(f"{name} {count}" for name, count in told["methods"].items())
            yield (
                f"- rnnts, seed {told['seed']}: {told['training'].get('steps')} steps; retrain "
                f"{told['retrain_seconds']:.0f} s, nights {told['night_seconds']:.0f} s; forecasts "
                f"by method: {by_method}; {told['decision']}"
            )
        elif told:
            trained = f", {told['steps']} steps" if "steps" in told else ""
            yield f"- {row['method']}: {told['seconds']:.0f} s{trained}; {_said(told['settings'])}"


def _said(settings: Json | str) -> str:
    if isinstance(settings, dict):
        return ", ".join(f"{name} {value}" for name, value in settings.items())
    return settings


def _made(found: list[Json]) -> str:
    """When, where and with what."""
    machine, dates = found[0]["machine"], sorted(one["at"][:10] for one in found)
    versions = dict(machine["versions"])
    for one in found:
        for case in one.get("cases", []):
            for row in case["results"]:
                versions |= row.get("told", {}).get("versions", {})
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    when = " and ".join(dict.fromkeys(dates))
    busy = max(one["machine"]["load_before"] for one in found)
    shared = f" (load before: {busy}, other work shared them)" if busy > IDLE else ""
    return f"{when}; {machine['cores']} cores{shared}, Python {machine['python']}, {listed}."


def _course(found: Json) -> Iterator[str]:
    yield ""
    yield from markdown(
        ["forecaster", "mean absolute error"],
        [[name, f"{error:.3f}"] for name, error in found["mae"].items()],
    )
    yield ""
    ours, theirs = found["our_seconds"], found["course_seconds"]
    yield f"Training: ours {ours:.1f} s, the course's {theirs:.1f} s."


def _late(found: Json) -> Iterator[str]:
    yield ""
    head = ["hours missing", "in 90 %", "interval score 90", "pinball loss", "published"]
    rows = []
    for bucket in found["buckets"]:
        low, high = bucket["hours"]
        held = f"{100 * bucket['coverage']:.1f} ± {100 * bucket['error']:.1f}"
        rows.append([f"{low} to {high}", held, f"{bucket['interval']:.3f}",
                     f"{bucket['pinball']:.4f}", ", ".join(bucket["methods"])])  # fmt: skip
    yield from markdown(head, rows)
    yield ""
    budget, windows = found["minutes"], found["windows"]
    yield f"{budget:g} minutes of training, {windows} windows; {found['decision']}"


def _missing(found: Json) -> Iterator[str]:
    yield ""
    rows = []
    for case in found["cases"]:
        whole, holed = case["results"]
        rows.append([f"{case['panel']}, {case['series']} series", f"{whole['mase']:.3f}",
                     f"{holed['mase']:.3f}", f"{100 * case['loss']:.1f} %",
                     _quantile_loss(whole), _quantile_loss(holed)])  # fmt: skip
    head = [
        "panel",
        "MASE whole",
        "with holes",
        "lost",
        "weighted quantile loss whole",
        "with holes",
    ]
    yield from markdown(head, rows)


def _quantile_loss(figures: Json) -> str:
    return f"{figures['wql']:.4f}"


def _training(found: Json) -> Iterator[str]:
    yield ""
    head = ["what", "measured"]
    least, most = found["machine_gflops_from"], found["machine_gflops_to"]
    yield from markdown(head, [
        [f"matrix products of a step of {found['batch']} windows, forward and backward",
         f"{found['operations_of_a_step'] / 1e9:.2f} GFLOP"],
        ["a step, evaluations and checkpoints included", f"{found['step_ms']:.1f} ms"],
        ["training loop", f"{found['gflops']:.1f} GFLOP/s"],
        ["the machine's float32 matrix product, mean of the same minutes",
         f"{found['machine_gflops']:.1f} GFLOP/s ({least:.1f} to {most:.1f})"],
        ["share", f"{100 * found['share']:.1f} %"],
    ])  # fmt: skip


def _forecasting(found: Json) -> Iterator[str]:
    yield ""
    yield from markdown(["what", "seconds"], [
        ["rnnts: gathered, forecast", f"{found['ours_seconds']:.3f}"],
        ["… the network alone", f"{found['of_that_network_seconds']:.3f}"],
        ["neuralforecast NHITS, predict", f"{found['nhits_seconds']:.3f}"],
        ["times as fast", f"{found['ratio']:.1f}"],
    ])  # fmt: skip


def _budget(found: Json) -> Iterator[str]:
    yield ""
    yield from markdown(["what", "measured"], [
        ["budget", f"{found['budget_seconds']:.0f} s"],
        ["all that the step does", f"{found['step_seconds']:.1f} s, {100 * found['off']:+.1f} %"],
        ["of it in the two trainings", f"{found['training_seconds']:.1f} s"],
    ])  # fmt: skip


OTHERS: dict[str, Callable[[Json], Iterable[str]]] = {
    "course": _course,
    "late": _late,
    "missing": _missing,
    "speed-training": _training,
    "speed-forecast": _forecasting,
    "speed-budget": _budget,
}
