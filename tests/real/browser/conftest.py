"""A real browser, and a page that has passed the login."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

# As root Chromium has no sandbox; the rest keeps it from calling home on a machine without the internet.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW_MS = 60_000  # VS Code's first page takes about 10 s on two idle cores


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the system's, or else the one that `playwright install` brought."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    """A page that nobody has logged in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(SLOW_MS)
    yield page
    context.close()


@pytest.fixture
def page(stranger: Page, ide) -> Page:
    """A page behind Jupyter's login."""
    stranger.goto(f"{ide.url}/lab")
    stranger.fill("#password_input", ide.token)
    stranger.click("#login_submit")
    stranger.wait_for_url("**/lab**")
    return stranger


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: ENVKIT_SCREENSHOTS (for the README), else a throw-away folder."""
    folder = Path(os.environ.get("ENVKIT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
