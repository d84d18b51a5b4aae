"""The values of secrets: where they come from, and what is said when one is nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.environment.secrets import planned, values
from envkit.errors import UsageError
from envkit.plan.secret_plan import SecretPlan

FILE = '\ufeff# mine\r\n\n  A=1\r\nB= two words "and quotes" $HOME\nC=\nD\nA=last\n'


def write(folder: Path, text: str) -> str:
    path = folder / "env"
    path.write_bytes(text.encode())
    return str(path)


def test_a_file_is_read_as_docker_reads_it(tmp_path: Path) -> None:
    secrets = planned(write(tmp_path, FILE))
    assert secrets is not None
    assert [secret.name for secret in secrets] == ["A", "B", "C", "D"]
    assert values(secrets, {"D": "mine", "A": "not this"}) == {
        "A": b"last",
        "B": b' two words "and quotes" $HOME',
        "C": b"",
        "D": b"mine",
    }


def test_no_file_asks_for_nothing() -> None:
    assert planned(None) is None


@pytest.mark.parametrize("line", ["export A=1", "=1", "A B=1", "hunter2-the-password", "1A=2"])
def test_a_line_that_is_none_is_named_by_its_number_and_never_quoted(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="line 2: what stands before `=`") as caught:
        planned(write(tmp_path, f"A=1\n{line}\n"))
    assert line not in str(caught.value.what) + caught.value.fix


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("PATH", "every process sees the same"),
        ("LD_PRELOAD", "changes every program"),
        ("ENVKIT_NAME", "envkit sets it"),
        ("JUPYTER_TOKEN", "who gets into the IDEs"),
        ("JUPYTER_CONFIG_PATH", "who gets into the IDEs"),
        ("PASSWORD", "who gets into the IDEs"),
        ("jupyter_token", "a file of envkit's own"),
    ],
)
def test_a_name_that_opens_or_bends_the_image_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        planned(write(tmp_path, f"{name}=1\n"))


def test_names_that_look_like_secrets_are_welcome_here(tmp_path: Path) -> None:
    assert planned(write(tmp_path, "HF_TOKEN=1\nWANDB_API_KEY=2\nhttps_proxy=3\n"))


def test_a_value_comes_from_a_file_or_a_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"-----\nbytes\xff\n")
    secrets = (SecretPlan(name="KEY", file=str(tmp_path / "key")), SecretPlan(name="A"))
    assert values(secrets, {"A": "1"}) == {"KEY": b"-----\nbytes\xff\n", "A": b"1"}


def test_what_is_nowhere_is_named_all_at_once(tmp_path: Path) -> None:
    secrets = (
        SecretPlan(name="A"),
        SecretPlan(name="B", file=str(tmp_path / "none")),
        SecretPlan(name="C", optional=True),
    )
    with pytest.raises(UsageError) as caught:
        values(secrets, {})
    assert caught.value.what == (
        f"secrets without a value: A (no such variable here), B (there is no file {tmp_path}/none)"
    )
    assert values(secrets[2:], {}) == {}


def test_a_file_that_is_gone_leaves_it_to_the_variable(tmp_path: Path) -> None:
    gone = (SecretPlan(name="A", env_file=str(tmp_path / "gone")),)
    assert values(gone, {"A": "1"}) == {"A": b"1"}
    with pytest.raises(UsageError, match=r"A \(neither in .*/gone nor in a variable\)"):
        values(gone, {})


def test_no_value_shows_in_a_representation(tmp_path: Path) -> None:
    assert "hunter2" not in repr(planned(write(tmp_path, "A=hunter2\n")))
