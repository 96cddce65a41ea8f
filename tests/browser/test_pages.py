from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Open
from tests.rnnts.dashboard.nights import HOSTILE

pytestmark = pytest.mark.browser
Keep = Callable[[Page], None]
DRAWN = ".chart[data-drawn]"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_night_opens_and_says_that_the_forecast_is_out(
    opened: Open, keep: Keep, scheme: str
) -> None:
    page = opened("/", scheme=scheme)
    assert page.inner_text("h1") == "The forecast is out"
    assert page.locator(".strip li").count() == 7
    keep(page)


def test_the_chart_is_drawn_with_all_its_traces(opened: Open, keep: Keep) -> None:
    page = opened("/series/1")
    page.wait_for_selector(DRAWN)
    assert page.locator(".chart .scatterlayer .trace").count() == 10  # 3 x 2 edges, 2 issues, 2
    assert page.locator(".chart .scatterlayer .trace .js-fill").count() == 3
    assert page.locator(".chart .legendtext").all_text_contents() == [
        "observed", "median", "issued Sun 8 Dec, 02:00", "issued Sat 7 Dec, 02:00",
        "40 % range", "80 % range", "95 % range",
    ]  # fmt: skip
    ticks = page.locator(".chart .xtick").all_text_contents()
    assert ticks[-3:] == ["Mon 9 Dec", "Tue 10 Dec", "Wed 11 Dec"]
    assert page.locator(".chart .annotation-text").text_content() == (
        "issued Mon 9 Dec, 02:00 -05:00"
    )
    keep(page)


def test_a_gap_is_not_bridged(opened: Open) -> None:
    page = opened("/series/1")
    page.wait_for_selector(DRAWN)
    observed = page.locator(".chart .scatterlayer .trace").last
    assert observed.locator("path.js-line").count() == 4  # three gaps, one of a single step
    assert observed.locator(".points path").count() > 0


def test_the_charts_own_styles_are_let_in(opened: Open) -> None:
    """Without style-src 'unsafe-inline' nothing throws, but titles and legend fall apart."""
    page = opened("/series/1")
    page.wait_for_selector(DRAWN)
    overflow = page.eval_on_selector(".chart .main-svg", "svg => getComputedStyle(svg).overflow")
    assert overflow == "hidden"
    legend = page.locator(".chart .legend").bounding_box()
    plot = page.locator(".chart .nsewdrag").bounding_box()
    assert legend is not None
    assert plot is not None
    assert legend["y"] + legend["height"] <= plot["y"] + 1


@pytest.mark.parametrize("name", [HOSTILE[0], HOSTILE[1], HOSTILE[4]], ids=["img", "tag", "rtl"])
def test_a_hostile_name_is_a_heading_and_nothing_else(opened: Open, name: str) -> None:
    page = opened("/series?panel=departures")
    page.locator("tbody th a").filter(has_text=name).click()
    page.wait_for_selector(DRAWN)
    assert page.locator("h1").text_content() == name
    assert page.locator("main img").count() == 0
    assert page.locator("script").count() == 2


def test_a_script_that_slipped_in_would_not_run(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    page.goto(url)
    page.evaluate(
        "() => { const one = document.createElement('script');"
        " one.textContent = 'window.ran = true'; document.body.append(one); }"
    )
    assert page.evaluate("window.ran") is None
    page.close()


def test_the_list_shows_every_name_as_text_and_leads_to_its_chart(opened: Open, keep: Keep) -> None:
    page = opened("/series?panel=departures")
    shown = page.locator("tbody th").all_text_contents()
    assert {text.strip() for text in shown} >= {name for name in HOSTILE if len(name) < 80}
    keep(page)
    page.click("text=EWR/AA")
    page.wait_for_selector(DRAWN)
    assert page.inner_text("h1") == "EWR/AA"


def test_zooming_in_renews_the_ticks_and_a_double_click_zooms_out(opened: Open) -> None:
    page = opened("/series/1")
    page.wait_for_selector(DRAWN)
    ticks = page.locator(".chart .xtick")
    before = ticks.all_text_contents()
    box = page.locator(".chart .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 50, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.chart .xtick').textContent.includes(':')")
    page.mouse.dblclick(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.wait_for_function("!document.querySelector('.chart .xtick').textContent.includes(':')")
    assert ticks.all_text_contents() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_verdict_on_the_last_retrain_and_its_reason_need_no_scrolling(
    opened: Open, keep: Keep, scheme: str
) -> None:
    page = opened("/models", scheme=scheme)
    assert page.inner_text("h1") == "departures: rejected"
    last = page.locator(".checks li").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] < 700
    plots = page.locator("svg.plot")
    assert plots.count() == 5
    for place in range(plots.count()):
        box = plots.nth(place).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 150
    keep(page)


@pytest.mark.parametrize("path", ["/", "/series", "/series/1", "/models"])
def test_a_narrow_screen_scrolls_only_downwards(opened: Open, keep: Keep, path: str) -> None:
    page = opened(path, width=400)
    page.wait_for_selector("h1" if path != "/series/1" else DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    keep(page)


def test_the_keyboard_reaches_the_content_first(opened: Open) -> None:
    page = opened("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/series", "/series/1", "/models"])
def test_every_text_has_a_contrast_of_four_and_a_half(opened: Open, path: str, scheme: str) -> None:
    page = opened(path, scheme=scheme)
    assert page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, .skip, script")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const text = walker.currentNode.textContent.trim().slice(0, 40);
    if (contrast < 4.5) poor.push(`${text}: ${contrast.toFixed(2)}`);
  }
  return poor;
}"""
