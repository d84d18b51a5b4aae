"""JupyterLab as a person sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.real.conftest import Ide

pytestmark = pytest.mark.real

CELL = "total = sum(range(10))\nprint(f'the sum is {total}')"


def notebook(source: str) -> str:
    """Return a notebook of one cell, as JupyterLab saves it."""
    cell = {
        "cell_type": "code",
        "id": "one",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": [cell]}
    )


@pytest.mark.parametrize("path", ["lab", "vscode/", "tensorboard/"])
def test_a_stranger_gets_the_login_page(stranger: Page, ide: Ide, path: str) -> None:
    stranger.goto(f"{ide.url}/{path}")
    expect(stranger.locator("#password_input")).to_be_visible()
    assert "/login" in stranger.url


def test_a_wrong_token_opens_nothing(stranger: Page, ide: Ide) -> None:
    stranger.goto(f"{ide.url}/lab")
    stranger.fill("#password_input", "wrong")
    stranger.click("#login_submit")
    expect(stranger.get_by_text("Invalid credentials")).to_be_visible()


def test_a_notebook_cell_runs_and_is_saved(page: Page, ide: Ide, screenshots: Path) -> None:
    (ide.home / "first.ipynb").write_text(notebook(CELL), encoding="utf-8")
    page.goto(f"{ide.url}/lab/tree/first.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_attached()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_have_text("the sum is 45\n")
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0)
    page.screenshot(path=screenshots / "jupyterlab.png")
    saved = json.loads((ide.home / "first.ipynb").read_text(encoding="utf-8"))
    assert saved["cells"][0]["outputs"][0]["text"] == ["the sum is 45\n"]
