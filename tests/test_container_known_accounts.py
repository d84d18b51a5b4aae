"""What is remembered of images' accounts."""

from __future__ import annotations

from envkit import paths
from envkit.container import known_accounts

IMAGE = f"sha256:{'a' * 64}"
TEXTS = {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n"}


def test_what_was_read_of_an_image_is_known_the_next_time() -> None:
    assert known_accounts.of(IMAGE) is None
    known_accounts.keep(IMAGE, TEXTS)
    assert known_accounts.of(IMAGE) == TEXTS


def test_only_the_newest_images_are_remembered() -> None:
    images = [f"sha256:{number:064x}" for number in range(25)]
    for image in images:
        known_accounts.keep(image, TEXTS)
    assert [image for image in images if known_accounts.of(image)] == images[-20:]


def test_a_name_may_mean_another_image_tomorrow_and_is_not_remembered() -> None:
    known_accounts.keep("cpu:dev", TEXTS)
    assert known_accounts.of("cpu:dev") is None


def test_a_damaged_memory_is_none() -> None:
    for text in ("{", "[]", '{"a": {"/etc/passwd": 1}}', f'{{"{IMAGE}": []}}'):
        paths.state().mkdir(parents=True, exist_ok=True)
        (paths.state() / "accounts.json").write_text(text)
        assert known_accounts.of(IMAGE) is None
    known_accounts.keep(IMAGE, TEXTS)
    assert known_accounts.of(IMAGE) == TEXTS


def test_a_state_folder_that_cannot_be_written_costs_nothing_but_time() -> None:
    paths.state().parent.mkdir(parents=True, exist_ok=True)
    paths.state().write_text("a file where the folder should be")
    known_accounts.keep(IMAGE, TEXTS)
    assert known_accounts.of(IMAGE) is None
