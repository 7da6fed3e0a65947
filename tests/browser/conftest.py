"""A real Chromium, and a page that lets no error and no outside request pass unseen."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Request, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import Database, sqlite_copy
from tests.workflow_service.world import World, make_world

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page might ask for outside: it must not even be looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start the machine's own Chromium; a machine without one is told so, and CI fails on it."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium on this machine: as root on Debian `make test` installs one")
    # Its profile, certificate store and font cache belong to the test, not to the user's home.
    environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(tmp_path_factory.mktemp("chromium-home"))}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS, env=environment)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open a fresh page of 1280 × 800; after the test, complain of script errors and of requests to other hosts."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN", timezone_id="Asia/Shanghai")
    context.set_default_timeout(15_000)
    page = context.new_page()
    complaints: list[str] = []

    def look(request: Request) -> None:
        if urlsplit(request.url).hostname not in {"127.0.0.1", None}:
            complaints.append(f"asked for {request.url}")

    page.on("request", look)
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    yield page
    context.close()
    assert complaints == []


@dataclass(frozen=True)
class Live:
    """A running application: its address, and the world behind it, in which a test lays out its students."""

    url: str
    world: World
    sessions: dict[tuple[str, int], list[Any]] = field(default_factory=dict)

    def sign_in(self, page: Page, username: str, path: str = "/") -> None:
        """Sign in through the page, as a person does, and go to `path`."""
        self.world.goes_on_working(username)
        page.context.clear_cookies()
        page.goto(f"{self.url}/login")
        page.fill("[name=username]", username)
        page.fill("[name=password]", "demo-2026")
        page.locator("form", has=page.locator("[name=password]")).locator("button").click()
        page.wait_for_url(lambda url: urlsplit(url).path != "/login")
        page.goto(f"{self.url}{path}")

    def come_back(self, page: Page, username: str, path: str) -> None:
        """Go to `path` as somebody who signed in before, at this instant of the world; else sign in first."""
        known = self.sessions.get((username, self.world.at))
        if known is None:
            self.sign_in(page, username, path)
            self.sessions[username, self.world.at] = page.context.cookies()
            return
        page.context.clear_cookies()
        page.context.add_cookies(known)
        page.goto(f"{self.url}{path}")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: pytest shows the application's own log where a test fails."""


def _whole(app: Flask) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    """Answer with each body read and closed at once.

    The development server does not close a body whose reader went away to the next page: the file of an icon then
    stayed open until Python complained of it, in whatever test ran just then.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with closing(app(environ, start_response)) as body:
            return [b"".join(body)]

    return answer


@contextmanager
def serving(database: Database, folder: Path) -> Iterator[Live]:
    """Serve the real application on a free port, as long as the block lasts."""
    from api.app import create_app

    world = make_world(database.url, database.owner_url, folder)
    app = create_app(world.service.settings, world.service)
    server = make_server("127.0.0.1", 0, _whole(app), threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, name="live server")
    thread.start()
    yield Live(f"http://127.0.0.1:{server.server_port}", world)
    server.shutdown()
    thread.join()
    server.server_close()
    world.service.engine.dispose()
    world.service.hot.dispose()


@pytest.fixture
def live(sqlite_database: Database, tmp_path: Path) -> Iterator[Live]:
    """An application of the test's own."""
    with serving(sqlite_database, tmp_path / "data") as found:
        yield found


@pytest.fixture(scope="module")
def shared(sqlite_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An application that the tests of a module share: each brings students of its own."""
    folder = tmp_path_factory.mktemp("shared")
    with serving(sqlite_copy(sqlite_world, folder), folder / "data") as found:
        yield found
