import asyncio
import threading
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from rnnts.dashboard.security import HEADERS, Limits, guarded
from rnnts.project import Project
from tests.rnnts.dashboard.conftest import Look
from tests.rnnts.dashboard.looker import Looker


def slow_app(gate: threading.Event) -> ASGIApp:
    def wait(_request: Request) -> PlainTextResponse:
        gate.wait(30)
        return PlainTextResponse("at last")

    def quick(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("quick")

    return Starlette(routes=[Route("/", wait), Route("/quick", quick), Route("/healthz", quick)])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", ""])
def test_a_name_that_is_not_this_machine_is_refused(
    project: Project, look: Look, host: str
) -> None:
    answer = look(project).get("/", {"host": host})
    assert answer.status_code == 400
    assert "departures" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4280", "[::1]:4280", "LOCALHOST:80"])
def test_every_name_of_this_machine_is_answered(project: Project, look: Look, host: str) -> None:
    assert look(project).get("/healthz", {"host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/series", "/series/1", "/series/999", "/nowhere", "/healthz", "/?at=never"]
)
def test_every_answer_carries_the_headers(project: Project, look: Look, path: str) -> None:
    headers = look(project).get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["cache-control"] == "no-store"
    assert not any(name.startswith("access-control") for name in headers)


def test_a_refusal_carries_the_headers_too(project: Project, look: Look) -> None:
    headers = look(project).get("/", {"host": "evil.example"}).headers
    assert headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_the_policy_allows_no_script_but_ours() -> None:
    policy = HEADERS["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http:" not in policy
    assert "https:" not in policy


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_through_the_page(project: Project, look: Look, method: str) -> None:
    answer = look(project).ask(method, "/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere"])
def test_a_head_is_answered_as_a_get_without_its_body(
    project: Project, look: Look, path: str
) -> None:
    client = look(project)
    head, get = client.ask("HEAD", path), client.get(path)
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.content == b""


def test_a_large_body_is_refused_before_it_is_read(project: Project, look: Look) -> None:
    assert look(project).ask("GET", "/", body=b"x" * 65_537).status_code == 413


def test_a_body_of_unknown_size_is_refused(project: Project, look: Look) -> None:
    answer = look(project).ask("GET", "/", {"transfer-encoding": "chunked"})
    assert answer.status_code == 413


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    gate = threading.Event()
    app = guarded(slow_app(gate), Limits(request_seconds=0.2))

    async def look() -> int:
        answer = await Looker(app)._ask("GET", "/", None, b"")
        gate.set()  # else the loop would wait for the thread
        return answer.status_code

    assert asyncio.run(look()) == 503


def test_beyond_so_many_at_once_the_next_is_told_to_come_again_but_health_is_answered() -> None:
    gate = threading.Event()
    client = Looker(guarded(slow_app(gate), Limits(at_once=2)))

    async def look() -> tuple[int, int, int]:
        waiting = [asyncio.create_task(client._ask("GET", "/", None, b"")) for _ in range(2)]
        await until(lambda: len(working(client.app)) == 2)
        refused = await client._ask("GET", "/quick", None, b"")
        healthy = await client._ask("GET", "/healthz", None, b"")
        gate.set()
        await asyncio.gather(*waiting)
        again = await client._ask("GET", "/quick", None, b"")
        return refused.status_code, healthy.status_code, again.status_code

    assert asyncio.run(look()) == (503, 200, 200)


def working(app: ASGIApp) -> set[object]:
    found: set[object] = app.app.app._working  # type: ignore[attr-defined] # through the three layers
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the threads below set no event of the loop
            await asyncio.sleep(0)
