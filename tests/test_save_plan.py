"""The plan of a save: what becomes part of the image, what does not, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.values import ImageFacts
from envkit.errors import EnvkitError, UsageError
from envkit.image.diff import Change
from envkit.save.findings import Finding
from envkit.save.lineage import Ancestor
from envkit.save.plan import (
    CommitOptions,
    CommitPlan,
    CommitRefused,
    Dropped,
    plan_commit,
    refuse_at_work,
    refuse_findings,
    refuse_hiding,
    refuse_left,
)
from envkit.save.sight import Path, Unkept
from tests.environments import image
from tests.saves import BEFORE, a_sight, added

TOKEN = Finding(where="file", path="/root/.netrc", rule="logins (.netrc)", remedy="drop")
BENEATH = Finding(where="lower layer", path="/root/.netrc", rule="logins (.netrc)", remedy="flatten", layer=2)
SAVE = Ancestor(image="sha256:1", tag="cpu:dev", layers=20, when="2026-01-01T00:00:00Z")


def planned(*files: Path, present: ImageFacts | None = None, **other: object) -> CommitPlan:
    return plan_commit(a_sight(*files, **other), CommitOptions(tag="lab:1"), present)


def test_what_ran_is_dropped_and_what_was_installed_is_saved() -> None:
    plan = planned(added("/opt/mine/a", 5), added("/tmp/x", 7), added("/var/cache/apt/archives/a.deb", 9))
    assert [(one.path, one.files) for one in plan.saved] == [("/opt/mine", 1)]
    assert plan.dropped == (
        Dropped(why="caches of package managers", files=1, size_bytes=9),
        Dropped(why="scratch files", files=1, size_bytes=7),
    )
    assert (plan.files, plan.saved_bytes) == (1, 5)


def test_a_deletion_is_saved_wherever_it_is() -> None:
    plan = planned(Path(path="/var/log/old.log", kind="deleted"))
    assert [(one.path, one.deleted) for one in plan.saved] == [("/var/log", 1)]


def test_packages_are_compared_with_the_image_s_own_list() -> None:
    now = replace(BEFORE, apt={"less": "643", "tree": "2.1"}, pip={})
    assert planned(now=now).packages == (
        Change(group="apt", name="tree", before=None, after="2.1"),
        Change(group="pip", name="numpy", before="2.0", after=None),
    )


def test_of_a_stopped_one_less_is_known_and_that_is_said() -> None:
    plan = planned(added("/opt/a", None), now=None, unseen="it is stopped")
    assert plan.packages is None
    assert plan.saved_bytes == 1000  # what the engine says of its whole layer
    assert plan.warnings[0].startswith("it is stopped: sizes, packages, secrets")


def test_a_name_of_somebody_else_s_image_is_refused() -> None:
    theirs = replace(image(), labels={})
    with pytest.raises(UsageError, match="lab:1 is there already, and it is not envkit's"):
        planned(present=theirs)


def test_a_name_of_ours_moves_and_that_is_said() -> None:
    plan = planned(present=image())
    assert plan.replaces == image().id
    assert "lab:1 is there already (envkit's, aaaaaaaaaaaa): the name moves to the new one" in plan.warnings


@pytest.mark.parametrize("tag", ["Lab:1", "lab@sha256:00", "-x", "a b", "lab:"])
def test_what_is_no_image_s_name_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="cannot be an image's name"):
        plan_commit(a_sight(), CommitOptions(tag=tag), None)


def test_before_the_engine_s_limit_of_layers_it_warns_and_at_it_squashes() -> None:
    for layers, squash, word in ((99, False, ""), (100, False, "--squash"), (123, True, "become one layer")):
        plan = planned(image=replace(image(), layers=layers), saves=(SAVE,))
        assert plan.squash is squash
        assert word in " ".join(plan.warnings)


def test_what_no_layer_can_hold_is_told_and_not_counted_as_saved() -> None:
    socket = Unkept(path="/opt/a/socket", why="a socket")
    plan = planned(added("/opt/a/file"), added(socket.path, 0), unkept=(socket,))
    assert (plan.files, plan.unkept) == (1, (socket,))
    refuse_hiding(plan)


def test_a_name_that_would_delete_another_file_is_refused() -> None:
    one = Unkept(path="/usr/share/.wh.doc", why="its name means a deletion", hides=True)
    with pytest.raises(
        CommitRefused, match=r"deletes what is called by the rest of it: /usr/share/\.wh\.doc"
    ):
        refuse_hiding(planned(added(one.path), unkept=(one,)))


def test_lower_layers_are_searched_when_secrets_were_handed_over_and_they_are_near() -> None:
    assert planned().deep is False
    assert planned(was_handed_secrets=True).deep is True
    assert planned(was_handed_secrets=True, engine_is_here=False).deep is False
    asked = CommitOptions(tag="lab:1", deep=True)
    assert plan_commit(a_sight(engine_is_here=False), asked, None).deep is True


def test_secrets_in_the_settings_are_found_before_anything_is_done() -> None:
    plan = planned(container_env={"PATH": "/bin", "API_TOKEN": "ahf83hf9q2hf9a8"})
    assert [(one.where, one.path) for one in plan.findings] == [("variable", "API_TOKEN")]


def test_secrets_are_refused_by_name_with_the_way_out() -> None:
    with pytest.raises(CommitRefused) as caught:
        refuse_findings((TOKEN,), scrub=False)
    assert caught.value.exit_code == 1
    assert "1 secret:\n    /root/.netrc: logins (.netrc)" in caught.value.what
    assert caught.value.fix.endswith("take them out of the image: --scrub")


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        (("/opt/x/tests/a.pem",), "/opt/x/tests/a.pem"),
        (("/opt/x/tests/a.pem", "/opt/x/tests/b/c.pem"), "/opt/x/tests"),
        (("/opt/x.pem", "/opt/y.pem"), "/opt/x.pem"),  # never all of /opt
    ],
)
def test_keys_may_be_a_projects_own_and_it_says_how_to_answer_for_them(
    paths: tuple[str, ...], place: str
) -> None:
    keys = [replace(TOKEN, path=path, rule="a private key") for path in paths]
    with pytest.raises(CommitRefused) as caught:
        refuse_findings((TOKEN, *keys), scrub=False)
    assert caught.value.fix.endswith(f"; a project's keys for its tests are no secrets: --allow {place}")


def test_what_the_user_answers_for_is_in_no_plan() -> None:
    key = replace(TOKEN, path="/opt/x/tests/a.pem", rule="a private key")
    options = CommitOptions(tag="lab:1", allow=("/opt/x/tests",))
    assert plan_commit(a_sight(found=(TOKEN, key)), options, None).findings == (TOKEN,)


def test_one_in_a_lower_layer_needs_more() -> None:
    with pytest.raises(CommitRefused) as caught:
        refuse_findings((BENEATH,), scrub=False)
    assert caught.value.fix.endswith("--scrub --squash")


def test_with_scrub_they_are_no_reason_to_stop_but_in_the_finished_bytes_always() -> None:
    refuse_findings((TOKEN,), scrub=True)
    with pytest.raises(CommitRefused, match="still held 1 secret"):
        refuse_left((TOKEN,))


def test_nothing_is_saved_in_the_midst_of_an_installation() -> None:
    plan = planned(busy=("pip install torch (pid 71 in it)",))
    with pytest.raises(EnvkitError, match=r"is installing something: pip install torch \(pid 71 in it\)"):
        refuse_at_work(plan)
