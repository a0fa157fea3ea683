"""The web site in a browser: it asks no other host, can be read by all, and can be searched."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from built_site import build_site
from playwright.sync_api import Page, expect

from browser.conftest import assert_accessible

PAGES = (
    "index.html",
    "readings/m5_evaluation.html",
    "labs/m3_data/down_sampling.html",
    "solutions/m3_data/down_sampling.html",
    "worlds/ads.html",
    "guides/author/rules.html",
)
"""One of each kind."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the built site is served, on this machine only."""
    site = build_site(tmp_path_factory)
    assert site.succeeded, site.log[-4000:]
    handler = functools.partial(_Quiet, directory=site.html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1300), ("dark", 390)])
def test_pages_are_whole_and_can_be_read(
    address: str, page: Page, foreign: list[str], scheme: str, width: int
) -> None:
    faults: list[str] = []
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for name in PAGES:
        page.goto(f"{address}/{name}")
        assert page.locator("html").get_attribute("data-theme") == scheme
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than a window of {width} px"
        assert not faults, f"{name}: {faults}"
        assert_accessible(page, "body")
        faults.clear()  # what axe-core asks for by itself
    assert foreign == []


def test_the_search_finds_a_lab(address: str, page: Page) -> None:
    page.goto(f"{address}/search.html?q=leakage-free+splits")
    result = page.locator(".search a", has_text="Leakage-free splits").first
    expect(result).to_be_visible()
    result.click()
    expect(page.locator("h1")).to_contain_text("Leakage-free splits")
