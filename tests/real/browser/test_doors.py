"""Doors in a real browser: a secure context by default and by TLS, two side by side, no token left behind."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.names import fresh
from tests.real.browser.test_vscode import SETTINGS, command, open_file
from tests.real.conftest import FLAGS, SLOW_MS, Envkit
from tests.real.doors.conftest import Opened, brought_up

pytestmark = pytest.mark.real

CLIPBOARD = (
    "async text => { await navigator.clipboard.writeText(text); return navigator.clipboard.readText() }"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, with VS Code's settings and something to preview."""
    folder = tmp_path_factory.mktemp("doors")
    settings = folder / "home" / ".local" / "share" / "code-server" / "User" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    (folder / "home" / "notes.md").write_text("# A rendered title\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def plain(envkit: Envkit, image: str, folder: Path) -> Iterator[Opened]:
    """An environment as it is by default."""
    with brought_up(envkit, image, folder, fresh("plain")) as opened:
        yield opened


@pytest.fixture(scope="module")
def beside(envkit: Envkit, image: str, folder: Path) -> Iterator[Opened]:
    """Another one beside it."""
    with brought_up(envkit, image, folder, fresh("beside")) as opened:
        yield opened


@pytest.fixture(scope="module")
def exposed(envkit: Envkit, image: str, folder: Path) -> Iterator[Opened]:
    """One that is published at every address of the machine."""
    with brought_up(envkit, image, folder, fresh("exposed"), "--expose") as opened:
        yield opened


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of a person's who has just sat down."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SLOW_MS)
    yield context
    context.close()


@pytest.fixture
def trusting(playwright: Playwright, exposed: Opened, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser that was told to trust envkit's authority, as a person would tell it."""
    home, flags = tmp_path / "person", list(FLAGS)
    if shutil.which("certutil"):
        store = home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        words = ["certutil", "-d", f"sql:{store}"]
        subprocess.run([*words, "-N", "--empty-password"], check=True, timeout=60)
        subprocess.run(
            [*words, "-A", "-t", "C,,", "-n", "envkit", "-i", exposed.authority], check=True, timeout=60
        )
    else:  # without Debian's libnss3-tools: the one certificate, by its key
        shown = ssl.get_server_certificate((exposed.address, exposed.port))
        asked = ["openssl", "x509", "-pubkey", "-noout"]
        key = subprocess.run(asked, input=shown.encode(), capture_output=True, check=True).stdout
        der = ssl.PEM_cert_to_DER_cert(key.decode().replace("PUBLIC KEY", "CERTIFICATE"))
        digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
        flags.append(f"--ignore-certificate-errors-spki-list={digest}")
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=flags, env={**os.environ, "HOME": str(home)}
    )
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SLOW_MS)
    yield context
    browser.close()


def is_secure(page: Page) -> None:
    """Ask for all that browsers keep to secure contexts, in the page itself."""
    assert page.evaluate("isSecureContext")
    assert page.evaluate("'serviceWorker' in navigator && !!crypto.subtle && !!crypto.randomUUID()")
    assert page.evaluate(CLIPBOARD, "copied") == "copied"


def everything_works(context: BrowserContext, one: Opened, origin: str) -> None:
    """Walk through both IDEs and TensorBoard as their owner."""
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    page = context.new_page()
    page.goto(one.urls["jupyterlab"])
    expect(page.locator("#jp-main-dock-panel")).to_be_visible()
    page.bring_to_front()
    is_secure(page)
    page.goto(one.urls["vscode"])
    expect(page.get_by_role("treeitem", name="notes.md")).to_be_visible()
    is_secure(page)
    open_file(page, "notes.md")
    command(page, "Markdown: Open Preview to the Side")
    preview = page.frame_locator("iframe.webview.ready").frame_locator("#active-frame")
    try:
        expect(preview.locator("h1")).to_have_text("A rendered title")
    except AssertionError:  # on a busy machine Chromium may give up on a worker's script: a person reloads
        page.reload()
        expect(preview.locator("h1")).to_have_text("A rendered title")
    inside = (
        "title => [isSecureContext, title.ownerDocument.defaultView.isSecureContext, !!navigator.clipboard]"
    )
    assert preview.locator("h1").evaluate(inside) == [True, True, True]
    page.goto(one.urls["tensorboard"])
    expect(page.locator("tb-webapp")).to_be_attached()


def test_by_default_everything_is_a_secure_context(context: BrowserContext, plain: Opened) -> None:
    everything_works(context, plain, f"http://127.0.0.1:{plain.port}")


def test_through_tls_everything_is_a_secure_context(trusting: BrowserContext, exposed: Opened) -> None:
    everything_works(trusting, exposed, f"https://{exposed.address}:{exposed.port}")


def test_a_browser_that_was_told_nothing_is_warned(context: BrowserContext, exposed: Opened) -> None:
    with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
        context.new_page().goto(exposed.urls["jupyterlab"])


def test_two_side_by_side_stay_logged_in(context: BrowserContext, plain: Opened, beside: Opened) -> None:
    for one in (plain, beside):
        page = context.new_page()
        page.goto(one.urls["jupyterlab"])
        expect(page.locator("#jp-main-dock-panel")).to_be_visible()
    for one in (plain, beside, plain):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{one.port}{one.base}/vscode/?folder=/work/home")
        expect(page.get_by_role("treeitem", name="notes.md")).to_be_visible()
        assert context.request.get(f"http://127.0.0.1:{one.port}{one.base}/api/status").status == 200
    names = [cookie["name"] for cookie in context.cookies() if cookie["name"].startswith("username-")]
    assert len(names) == len(set(names)) == 2


def test_a_login_leaves_no_token_behind(context: BrowserContext, plain: Opened) -> None:
    told: list[str] = []
    context.on("request", lambda request: told.append(f"{request.url} {request.headers.get('referer', '')}"))
    for name in ("jupyterlab", "vscode", "tensorboard"):
        page = context.new_page()
        page.goto(plain.urls[name])
        page.wait_for_load_state("networkidle")
        assert plain.token not in page.url
    login = [line for line in told if plain.token in line]
    assert len(told) > 50
    assert {line.split("?")[0] for line in login} == {f"http://127.0.0.1:{plain.port}{plain.base}/login"}
