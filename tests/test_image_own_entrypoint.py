"""What an image's own entrypoint does to a command."""

from __future__ import annotations

from dataclasses import replace

from envkit.image.own_entrypoint import try_entrypoint
from envkit.plan.kept import OwnEntrypoint
from tests.adoptions import IMAGE, Image


def tried(*words: str, environment: bytes | None) -> OwnEntrypoint | None:
    image = Image(wraps=environment)
    image.facts = replace(image.facts, entrypoint=words)
    engine = image.engine()
    found = engine.images.inspect(IMAGE)
    assert found is not None
    return try_entrypoint(engine, found)


def test_an_image_without_one_is_not_tried() -> None:
    assert tried(environment=None) is None


def test_one_that_runs_its_words_wraps_and_what_it_sets_is_seen() -> None:
    environment = b"TEAM=vision\0PATH=/team/bin:/app/venv/bin:/bin\0HOME=/home/app\0HOSTNAME=x\0"
    sets = (("PATH", "/team/bin:/app/venv/bin:/bin"), ("TEAM", "vision"))
    assert tried("/entry.sh", environment=environment) == OwnEntrypoint(
        words=("/entry.sh",), wraps=True, sets=sets
    )


def test_no_secret_proxy_or_card_of_this_machine_becomes_the_image_s() -> None:
    environment = b"API_TOKEN=x\0https_proxy=http://p\0CUDA_VISIBLE_DEVICES=0\0TWO=a\nb\0LD_LIBRARY_PATH=/l\0"
    found = tried("/entry.sh", environment=environment)
    assert found is not None and found.sets == (("LD_LIBRARY_PATH", "/l"),)


def test_a_program_that_takes_the_command_for_its_options_does_not_wrap() -> None:
    assert tried("python", environment=None) == OwnEntrypoint(words=("python",), wraps=False)
