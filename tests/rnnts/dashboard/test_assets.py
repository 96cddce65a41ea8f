import gzip
import re
from pathlib import Path

import pytest

from rnnts.dashboard.assets import STATIC, all_assets, plotly_js
from rnnts.project import Project
from tests.rnnts.dashboard.conftest import Look

OUTSIDE = re.compile(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""")


def test_plotly_comes_whole_out_of_its_wheel_and_gzipped(project: Project, look: Look) -> None:
    url = all_assets().url("plotly.js")
    assert re.fullmatch(r"/static/plotly\.[0-9a-f]{12}\.js", url)
    answer = look(project).get(url, {"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 2_000_000
    assert answer.content == plotly_js().read_bytes()


def test_who_takes_no_gzip_gets_the_file_as_it_is(project: Project, look: Look) -> None:
    answer = look(project).get(all_assets().url("page.css"), {"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == (STATIC / "page.css").read_bytes()


def test_a_name_with_a_hash_is_kept_for_ever(project: Project, look: Look) -> None:
    answer = look(project).get(all_assets().url("chart.js"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


def test_another_content_has_another_name(tmp_path: Path) -> None:
    from rnnts.dashboard.assets import Assets

    file = tmp_path / "page.css"
    file.write_text("a")
    before = Assets({"page.css": file}).url("page.css")
    file.write_text("b")
    assert Assets({"page.css": file}).url("page.css") != before


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/page.css",
        "/static/page.css",
        "/static/..%5c..%5cerrors.py",
        "/static/%00",
        "/static/",
        "/artefacts/../../etc/passwd",
    ],
)
def test_no_path_leads_to_a_file(project: Project, look: Look, path: str) -> None:
    answer = look(project).get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_nothing_of_ours_names_the_internet() -> None:
    ours = [*STATIC.iterdir(), *(STATIC.parent / "templates").iterdir()]
    for path in ours:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not OUTSIDE.search(text), path.name


def test_no_template_has_a_script_or_a_handler_of_its_own() -> None:
    for path in (STATIC.parent / "templates").iterdir():
        text = path.read_text()
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
        assert all(not body.strip() for body in scripts), path.name
        assert not re.search(r"""\son[a-z]+\s*=|javascript:|\sstyle=""", text), path.name
        assert "| safe" not in text, path.name


def test_gzip_is_the_same_each_time() -> None:
    assets = all_assets()
    asset = assets.find(assets.url("page.css").rpartition("/")[2])
    assert asset is not None
    assert gzip.decompress(asset.zipped) == asset.plain
