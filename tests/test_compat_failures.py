"""Every failure text finds its own row first, what is harmless none; causes come before wrappers."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.compat.failures import BUILD, Failure, explain, explain_error, failures, likely, of_build
from tests.failure_texts import TEXTS

LOGS = Path(__file__).with_name("logs")
NO_CANN = "libhccl.so: cannot open shared object file: No such file or directory"
WRAPPER = "Failed to load the backend extension: torch_npu."


def ids(text: str) -> list[str]:
    return [one.failure.id for one in explain(text)]


@pytest.mark.parametrize("failure", failures(), ids=lambda failure: failure.id)
def test_a_text_that_was_printed_finds_its_own_row_first(failure: Failure) -> None:
    assert [ids(sample)[0] for sample in failure.samples] == [failure.id] * len(failure.samples)


@pytest.mark.parametrize("failure", failures(BUILD), ids=lambda failure: failure.id)
def test_a_text_of_a_build_finds_its_own_row_first(failure: Failure) -> None:
    found = [of_build(f"some line\n{sample}") for sample in failure.samples]
    assert found == [failure] * len(failure.samples)


@pytest.mark.parametrize("failure", (*failures(), *failures(BUILD)), ids=lambda failure: failure.id)
def test_each_pattern_is_a_text_of_its_own_row(failure: Failure) -> None:
    """A sample need not show every pattern, but each row must say what, what to do, and who says so."""
    assert failure.patterns and failure.cause and failure.fix and failure.source
    assert failure.rank in (1, 2, 3, 4)
    assert not any(pattern.search("") for pattern in failure.patterns)


@pytest.mark.parametrize(("failure", "text"), TEXTS)
def test_another_text_of_a_row_finds_it_too(failure: str, text: str) -> None:
    assert ids(text)[:1] == [failure]


def test_every_pattern_of_every_row_has_a_text() -> None:
    texts = [text for _, text in TEXTS]
    for failure in (*failures(), *failures(BUILD)):
        lines = [line for text in (*failure.samples, *texts) for line in (text, *text.splitlines())]
        untried = [one.pattern for one in failure.patterns if not any(map(one.search, lines))]
        assert untried == [], failure.id


def test_no_two_rows_have_one_name() -> None:
    both = (*failures(), *failures(BUILD))
    assert len({failure.id for failure in both}) == len(both)


def test_every_row_of_the_facts_is_covered() -> None:
    covered = {row for failure in failures() for row in failure.covers}
    assert covered == {f"A7 #{n}" for n in range(1, 63)} | {f"N4 #{n}" for n in range(1, 49)}


@pytest.mark.parametrize("log", sorted(LOGS.glob("*.txt")), ids=lambda log: log.stem)
def test_a_log_of_what_went_well_finds_nothing(log: Path) -> None:
    assert ids(log.read_text("utf-8")) == []


def test_a_failure_is_found_in_the_middle_of_what_went_well() -> None:
    around = (LOGS / "train.txt").read_text("utf-8")
    (found,) = explain(f"{around}ImportError: {NO_CANN}\n{around}")
    assert found.failure.id == "ascend-cann-not-found"
    assert found.line == f"ImportError: {NO_CANN}"
    assert found.number == around.count("\n") + 1


def test_the_line_that_is_shown_is_the_text_and_not_the_code_that_says_it() -> None:
    text = '  File "x.py", line 3\n    raise AssertionError("Torch not compiled with CUDA enabled")\n'
    (found,) = explain(f"{text}AssertionError: Torch not compiled with CUDA enabled\n")
    assert (found.line, found.number) == ("AssertionError: Torch not compiled with CUDA enabled", 3)


def test_a_cause_comes_before_what_wraps_it_whatever_the_order() -> None:
    expected = ["ascend-cann-not-found", "ascend-backend-not-loaded"]
    assert ids(f"ImportError: {NO_CANN}\nRuntimeError: {WRAPPER}") == expected
    assert ids(f"RuntimeError: {WRAPPER}\nImportError: {NO_CANN}") == expected


def test_an_exception_is_read_with_what_it_came_from() -> None:
    try:
        try:
            raise ImportError(NO_CANN)
        except ImportError as error:
            raise RuntimeError(WRAPPER) from error
    except RuntimeError as error:
        found = explain_error(error)
    assert [one.failure.id for one in found] == ["ascend-cann-not-found", "ascend-backend-not-loaded"]


def test_an_exception_that_names_itself_as_its_cause_ends() -> None:
    error = RuntimeError(WRAPPER)
    error.__cause__ = error
    assert [one.failure.id for one in explain_error(error)] == ["ascend-backend-not-loaded"]


def test_the_same_words_mean_another_thing_beside_torch_npu() -> None:
    words = "AssertionError: Torch not compiled with CUDA enabled"
    assert ids(words) == ["torch-without-cuda"]
    assert ids(f"{words}\n  File torch_npu/utils.py") == ["ascend-cuda-asked-for"]


def test_a_harmless_note_is_no_likely_cause() -> None:
    note = "groups: cannot find name for group ID 11"
    (found,) = explain(note)
    assert found.is_harmless
    assert likely(note) is None
    best = likely(f"{note}\nRuntimeError: CUDA error: invalid device ordinal")
    assert best is not None and best.id == "nvidia-ordinal"


def test_of_two_rows_for_one_line_the_more_special_one_counts() -> None:
    assert ids("RuntimeError: CUDA error: invalid device ordinal") == ["nvidia-ordinal"]
    assert ids("RuntimeError: CUDA error: something new") == ["cuda-error"]


def test_a_terminals_own_signs_are_not_shown() -> None:
    (found,) = explain("\x1b[31mRuntimeError: CUDA error: invalid device ordinal\x1b[0m\x07\n")
    assert found.line == "RuntimeError: CUDA error: invalid device ordinal"


def test_a_line_without_end_is_searched_at_its_beginning_only() -> None:
    assert ids("x" * 10_000_000) == []
    assert ids("RuntimeError: CUDA error: invalid device ordinal " + "x" * 5_000_000) == ["nvidia-ordinal"]
