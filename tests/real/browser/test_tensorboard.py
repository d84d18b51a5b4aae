"""TensorBoard behind Jupyter's login: its page, a curve, what is written late, and nobody else gets in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from envkit.run.folder import End
from tests.names import fresh
from tests.real.conftest import Envkit, Ide
from tests.run_folders import make

pytestmark = pytest.mark.real

WRITE = """
import sys, time
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "ab") as file:
    writer = RecordWriter(file)
    for step in range(first, last):
        value = Summary.Value(tag="loss", simple_value=1 / (step + 1))
        event = Event(step=step, wall_time=time.time(), summary=Summary(value=[value]))
        writer.write(event.SerializeToString())
    writer.flush()
"""
MODEL = "/work/home/task/first/model"
SCALARS = "tensorboard/data/plugin/scalars/scalars?tag=loss&run=first%2Fmodel"
TOOLS = "/opt/envkit/jupyter/bin/python"


def write(ide: Ide, file: str, first: int, last: int, folder: str = MODEL) -> None:
    done = ide.container.exec_run(
        [
            "sh",
            "-c",
            f'mkdir -p {folder} && exec {TOOLS} -I -c "$0" "$@"',
            WRITE,
            f"{folder}/{file}",
            str(first),
            str(last),
        ]
    )
    assert done.exit_code == 0, done.output.decode()


def wait_for_step(page: Page, ide: Ide, step: int, path: str = SCALARS) -> list[Any]:
    """Return the curve once it has reached that step."""
    end = time.monotonic() + 60
    while True:
        answer = page.request.get(f"{ide.url}/{path}")
        points: list[Any] = answer.json() if answer.ok else []
        if points and points[-1][1] >= step:
            return points
        assert time.monotonic() < end, (answer.status, points[-1:])
        time.sleep(0.5)


def board(ide: Ide) -> str:
    """Return the process id of TensorBoard."""
    found = ide.container.exec_run(["sh", "-c", "grep -la [t]ensorboard_door /proc/[0-9]*/cmdline | head -1"])
    return str(found.output.decode()).split("/")[2]


def test_a_curve_is_drawn_with_everything_below_its_own_address(
    page: Page, ide: Ide, screenshots: Path
) -> None:
    write(ide, "events.out.tfevents.1.a", 0, 20)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{ide.url}/tensorboard/")
    wait_for_step(page, ide, 19)
    page.reload()
    expect(page.locator("scalar-card, tb-scalar-card").first).to_be_visible()
    expect(page.locator("scalar-card line-chart, scalar-card svg").first).to_be_visible()
    page.wait_for_timeout(1500)  # the curve is drawn on a canvas, which nothing announces
    page.screenshot(path=screenshots / "tensorboard.png")
    ours = [answer for answer in answers if answer.url.startswith("http://127.0.0.1")]
    assert [answer.url for answer in ours if not answer.url.startswith(f"{ide.url}/")] == []
    assert [answer.url for answer in ours if answer.status >= 400] == []


def test_chosen_runs_are_shown_alone_and_live(
    page: Page, ide: Ide, envkit: Envkit, screenshots: Path
) -> None:
    ended = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
    one, other, left_out = fresh("chosen-a"), fresh("chosen-b"), fresh("left-out")
    for name in (one, other, left_out):
        make(ide.home, name, end=ended)
        write(ide, "events.out.tfevents.1.a", 0, 20, f"/work/home/task/{name}/model")
    page.goto(envkit("tensorboard", other, one, "--print").strip())
    expect(page.locator("scalar-card").first).to_be_visible()
    expect(page.get_by_text(f"{one}/model").first).to_be_visible()
    expect(page.get_by_text(f"{other}/model").first).to_be_visible()
    expect(page.get_by_text(f"{left_out}/model")).to_have_count(0)
    page.wait_for_timeout(1500)  # the curve is drawn on a canvas, which nothing announces
    page.screenshot(path=screenshots / "tensorboard-runs.png")
    write(ide, "events.out.tfevents.1.a", 20, 25, f"/work/home/task/{one}/model")
    scalars = f"tensorboard/only/{one},{other}/data/plugin/scalars/scalars?tag=loss&run={one}%2Fmodel"
    assert len(wait_for_step(page, ide, 24, scalars)) == 25


def test_what_a_resumed_run_adds_to_an_older_file_is_shown(page: Page, ide: Ide) -> None:
    write(ide, "events.out.tfevents.2.a", 20, 25)
    assert len(wait_for_step(page, ide, 24)) == 25
    write(ide, "events.out.tfevents.1.a", 30, 35)
    assert wait_for_step(page, ide, 34)[-1][1] == 34


def test_killed_it_is_there_at_the_next_request(page: Page, ide: Ide) -> None:
    wait_for_step(page, ide, 0)
    before = board(ide)
    assert ide.container.exec_run(["sh", "-c", f"kill -9 {before}"]).exit_code == 0
    wait_for_step(page, ide, 0)
    assert board(ide) != before


def test_only_its_owner_can_reach_it_and_no_port_is_published(page: Page, ide: Ide) -> None:
    wait_for_step(page, ide, 0)
    socket = ide.container.exec_run(["sh", "-c", "stat -c %a /tmp/envkit-$(id -u)/tensorboard.sock"])
    assert socket.output.decode().strip() == "600"
    ide.container.reload()
    assert [port for port, bound in ide.container.ports.items() if bound] == ["8888/tcp"]
    stranger = page.context.browser.new_context()  # type: ignore[union-attr]  # it was made by one
    assert "/login" in stranger.request.get(f"{ide.url}/{SCALARS}").url
    stranger.close()


def test_looking_at_it_is_no_activity_that_keeps_an_environment(page: Page, ide: Ide) -> None:
    page.goto("about:blank")  # JupyterLab's page asks and asks

    def last() -> str:
        return str(page.request.get(f"{ide.url}/api/status").json()["last_activity"])

    page.wait_for_timeout(2000)
    before = last()
    for _ in range(3):
        assert page.request.get(f"{ide.url}/{SCALARS}").ok
    assert last() == before
