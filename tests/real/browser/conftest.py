"""A page of the browser, and one that has passed the login."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.real.conftest import SLOW_MS


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
