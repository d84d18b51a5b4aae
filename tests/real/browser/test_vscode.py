"""VS Code as a person sees it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PatienceOver

from tests.real.conftest import Ide

pytestmark = pytest.mark.real

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "train.py"

# Drawn as text rather than on a canvas, so that a test can read it.
SETTINGS = {"terminal.integrated.gpuAcceleration": "off"}


@pytest.fixture
def workbench(page: Page, ide: Ide) -> Page:
    """VS Code with /work/home open, its tree of files filled."""
    (ide.home / "notes.md").write_text("# A rendered title\n\nAnd *text*.\n", encoding="utf-8")
    (ide.home / "hello.py").write_text("print('hello')\n", encoding="utf-8")
    shutil.copy(SCRIPT, ide.home / "train.py")
    settings = ide.home / ".local" / "share" / "code-server" / "User" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    page.goto(f"{ide.url}/vscode/?folder=/work/home")
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible(timeout=60_000)
    return page


def open_file(page: Page, name: str) -> None:
    """Open a file from the tree and put the cursor into it."""
    page.get_by_role("treeitem", name=name).dblclick()
    page.locator(f".monaco-editor[data-uri$='{name}'] .view-lines").click()


def command(page: Page, name: str) -> None:
    """Run a command from the palette, which learns late what the extensions offer."""
    offer = page.locator(".quick-input-list .monaco-list-row", has_text=name).first
    for _ in range(12):
        page.keyboard.press("F1")
        with contextlib.suppress(PatienceOver):  # a slow page may shut the palette again
            page.locator(".quick-input-widget input").first.fill(f">{name}", timeout=5_000)
            offer.click(timeout=5_000)
            return
        page.keyboard.press("Escape")
    pytest.fail(f"VS Code does not offer {name!r}")


def wait_for_text(path: Path, text: str) -> None:
    """Wait until a file on the disk holds exactly this text."""
    end = time.monotonic() + 30
    while time.monotonic() < end and not (path.is_file() and path.read_text("utf-8") == text):
        time.sleep(0.2)
    assert path.read_text("utf-8") == text


def test_a_file_is_edited_and_saved(workbench: Page, ide: Ide) -> None:
    open_file(workbench, "hello.py")
    workbench.keyboard.press("Control+End")
    workbench.keyboard.type("from_vs_code = 42")  # no brackets: the editor closes those, sometimes late
    workbench.keyboard.press("Control+s")
    wait_for_text(ide.home / "hello.py", "print('hello')\nfrom_vs_code = 42")
    assert (ide.home / "hello.py").stat().st_uid == os.getuid()


def test_the_terminal_prints(workbench: Page, ide: Ide, screenshots: Path) -> None:
    open_file(workbench, "train.py")
    command(workbench, "Terminal: Create New Terminal")
    terminal = workbench.locator(".terminal-wrapper.active")
    rows = terminal.locator(".xterm-rows")
    expect(rows).to_contain_text(re.compile(r"[$#]"))  # the prompt: what is typed earlier is lost
    terminal.click()
    workbench.keyboard.type("echo $((6 * 7)) | tee answer.txt\n")
    wait_for_text(ide.home / "answer.txt", "42\n")
    workbench.keyboard.type("clear; MODEL_PATH=first python train.py --steps 200\n")
    expect(rows).to_contain_text(re.compile(r"done after 200 steps.*[$#]"))
    workbench.screenshot(path=screenshots / "vscode.png")


def test_a_markdown_preview_renders(workbench: Page) -> None:
    open_file(workbench, "notes.md")
    command(workbench, "Markdown: Open Preview to the Side")
    preview = workbench.frame_locator("iframe.webview.ready").frame_locator("#active-frame")
    expect(preview.locator("h1")).to_have_text("A rendered title")
    assert preview.locator("h1").evaluate("title => title.ownerDocument.defaultView.isSecureContext")
