"""The door as a browser meets it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from envkit.environment.door import Ask, Urls, opens, refuses, shows_vscode, urls

SERVICES = ("jupyterlab", "code-server", "tensorboard")


def door(answers: Mapping[tuple[str, str | None], int]) -> Ask:
    def ask(port: int, path: str, token: str | None) -> int | None:
        return answers.get((path, token))

    return ask


def test_every_url_logs_in_and_none_hands_the_token_to_a_service_behind_the_proxy() -> None:
    assert urls("http://127.0.0.1:20001", "/env/cpu", "t0", SERVICES, None) == Urls(
        jupyterlab="http://127.0.0.1:20001/env/cpu/login?next=%2Fenv%2Fcpu%2Flab&token=t0",
        vscode="http://127.0.0.1:20001/env/cpu/login?next=%2Fenv%2Fcpu%2Fvscode%2F&token=t0",
        tensorboard="http://127.0.0.1:20001/env/cpu/login?next=%2Fenv%2Fcpu%2Ftensorboard%2F&token=t0",
        own_door=None,
    )


def test_without_the_token_the_urls_are_where_the_login_leads() -> None:
    assert urls("http://127.0.0.1:20001", "/env/cpu", None, SERVICES, None) == Urls(
        jupyterlab="http://127.0.0.1:20001/env/cpu/lab",
        vscode="http://127.0.0.1:20001/env/cpu/vscode/",
        tensorboard="http://127.0.0.1:20001/env/cpu/tensorboard/",
    )


def test_a_service_that_is_not_in_the_image_has_no_url() -> None:
    assert urls("http://127.0.0.1:1", "/env/x", "t", ("jupyterlab",), None).vscode is None


def test_the_tokens_do_not_show_in_a_representation() -> None:
    assert "t0" not in repr(urls("http://127.0.0.1:20001", "/env/cpu", "t0", SERVICES, None))


@pytest.mark.parametrize(("status", "shut"), [(403, True), (200, False), (None, False), (503, False)])
def test_a_door_that_opens_without_the_token_is_not_shut(status: int | None, shut: bool) -> None:
    answers = {} if status is None else {("/env/x/api/status", None): status}
    assert refuses(door(answers), 1, "/env/x") is shut


@pytest.mark.parametrize(("api", "lab", "is_open"), [(200, 200, True), (403, 200, False), (200, 500, False)])
def test_jupyterlab_is_open_when_its_interface_and_its_page_are(api: int, lab: int, is_open: bool) -> None:
    answers = {("/env/x/api/status", "t"): api, ("/env/x/lab", "t"): lab}
    assert opens(door(answers), 1, "/env/x", "t") is is_open


@pytest.mark.parametrize(("status", "there"), [(200, True), (500, False), (502, False)])
def test_vscode_is_there_when_its_page_is(status: int, there: bool) -> None:
    assert shows_vscode(door({("/env/x/vscode/", "t"): status}), 1, "/env/x", "t") is there
