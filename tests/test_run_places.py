"""Where a run goes: what is named, the environment that sees the script, ./envkit.yaml, or a preset."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import Mount, RunRequest
from envkit.environment.lookup import KIND, name_of
from envkit.environment.up import Site
from envkit.errors import AcceleratorError, EnvkitError, UsageError
from envkit.plan.devices import DeviceWish
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import RunImage, RunOptions
from envkit.plan.secret_plan import SecretPlan
from envkit.run.places import Place, Where, choose, in_environment, runnable
from envkit.run.wish import plan_job
from tests.environments import image
from tests.runs import a_site, a_wish


def refuse(spec: str) -> RunImage:
    raise AssertionError(f"{spec} is built")


def an_environment(engine: FakeEngine, name: str, home: str, *, mounts: tuple[Mount, ...] = ()) -> str:
    labels = {**KIND, "io.envkit.environment": name, "io.envkit.run": json.dumps({"device": "cuda:0,2"})}
    made = engine.containers.create(
        RunRequest(
            image=image().id,
            name=f"envkit-{name}",
            labels=labels,
            user="1000:100",
            mounts=(Mount(source=home, target="/work/home"), *mounts),
        )
    )
    engine.containers.start(made)
    return made


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    found, _, _ = a_site(tmp_path)
    monkeypatch.chdir(tmp_path)
    return found


@pytest.fixture
def engine(site: Site) -> FakeEngine:
    assert isinstance(site.engine, FakeEngine)
    return site.engine


def where(root: Path, **said: object) -> Where:
    return Where(asked=f"{root}/home/proj/train.py", **said)  # type: ignore[arg-type]


def name(place: Place) -> str:
    assert place.environment is not None
    return name_of(place.environment)


def test_the_environment_that_sees_the_script_is_taken_and_said(
    tmp_path: Path, site: Site, engine: FakeEngine
) -> None:
    an_environment(engine, "lab", f"{tmp_path}/home")
    an_environment(engine, "other", f"{tmp_path}/elsewhere")
    found = choose(site, where(tmp_path))
    assert name(found) == "lab" and found.why == "in environment lab, which sees the script"


def test_the_deepest_mount_decides_between_two(tmp_path: Path, site: Site, engine: FakeEngine) -> None:
    an_environment(engine, "wide", f"{tmp_path}/home")
    code = Mount(source=f"{tmp_path}/home/proj", target="/work/code")
    an_environment(engine, "near", f"{tmp_path}/elsewhere", mounts=(code,))
    assert name(choose(site, where(tmp_path))) == "near"


def test_two_that_see_it_alike_are_asked_about(tmp_path: Path, site: Site, engine: FakeEngine) -> None:
    for one in ("lab", "two"):
        an_environment(engine, one, f"{tmp_path}/home")
    with pytest.raises(UsageError, match=r"environments lab and two see .*: which is meant"):
        choose(site, where(tmp_path))


def test_one_that_is_stopped_is_not_meant(tmp_path: Path, site: Site, engine: FakeEngine) -> None:
    engine.containers.stop(an_environment(engine, "lab", f"{tmp_path}/home"), 0)
    (tmp_path / "envkit.yaml").touch()
    found = choose(site, where(tmp_path))
    assert found == Place(spec="envkit.yaml", why="in an image of ./envkit.yaml")
    with pytest.raises(EnvkitError, match="environment lab does not run"):
        choose(site, where(tmp_path, environment="lab"))


@pytest.mark.parametrize("said", [{"is_own": True}, {"is_copied": True}])
def test_what_an_environment_cannot_have_goes_elsewhere(
    tmp_path: Path, site: Site, engine: FakeEngine, said: dict[str, bool]
) -> None:
    an_environment(engine, "lab", f"{tmp_path}/home")
    found = choose(site, where(tmp_path, **said))
    assert found.image is None and found.spec == "preset:cpu" and "preset:cpu" in found.why


def test_an_environment_cannot_be_given_cards(tmp_path: Path, site: Site) -> None:
    with pytest.raises(UsageError, match="has its cards, folders, limits and secrets already"):
        choose(site, where(tmp_path, environment="lab", is_own=True))
    with pytest.raises(UsageError, match="one run has one place"):
        choose(site, where(tmp_path, environment="lab", image="lab:dev"))


def test_the_device_decides_which_preset(tmp_path: Path, site: Site) -> None:
    cuda = DeviceWish(accelerator="cuda", ids=(0,))
    assert choose(site, where(tmp_path, device=cuda, is_own=True)).spec == "preset:cuda"


def test_an_environment_is_planned_with_what_it_has(tmp_path: Path, site: Site, engine: FakeEngine) -> None:
    made = an_environment(engine, "lab", f"{tmp_path}/home")
    found = in_environment(site, engine.containers.require(made), None)
    assert (found.name, found.python, found.user) == ("lab", ("/opt/venv/bin/python",), "1000:100")
    assert (found.device, found.cards) == ("cuda:0,2", 2)


def test_an_image_of_ours_says_its_python_and_what_it_is_for(site: Site) -> None:
    ours = image()
    asked = RunImage(reference="lab:dev", id=ours.id, labels={"io.envkit.accelerator": "ascend"})
    found = runnable(site, asked, None, None)
    assert (found.python, found.image.accelerator) == (("/opt/venv/bin/python",), "ascend")
    assert runnable(site, asked, None, "/my/python").python == ("/my/python",)


def test_a_foreign_image_computes_on_what_is_asked_for(site: Site) -> None:
    asked = RunImage(reference="x", id=image().id, labels={})
    found = runnable(site, asked, DeviceWish(accelerator="cuda"), "/my/python")
    assert found.image.accelerator == "cuda"
    assert runnable(site, asked, None, "/my/python").image.accelerator == "cpu"


def test_absent_cards_are_refused_before_anything_is_made(
    tmp_path: Path, site: Site, engine: FakeEngine
) -> None:
    expect = '{"python_path": "/opt/venv/bin/python"}'
    engine.images.add(image(**{"io.envkit.accelerator": "cuda", "io.envkit.expect": expect}))
    with pytest.raises(AcceleratorError):
        plan_job(site, a_wish(tmp_path), refuse, lambda line: None)
    assert engine.containers.find({}) == () and not (tmp_path / "home/task").exists()


@pytest.mark.parametrize(
    ("options", "script", "says"),
    [
        (
            RunOptions(mounts=(FolderMount(name="data", source="/nosuch"),)),
            "home/proj/train.py",
            "--mount data=/nosuch: there is no such folder",
        ),
        (RunOptions(memory_mib=900_000), "home/proj/train.py", "--memory asks for 900000 MiB"),
        (RunOptions(), "outside.py", "outside.py is in no folder that the run sees"),
        (
            RunOptions(secrets=(SecretPlan(name="NOBODY_HAS_THIS"),)),
            "home/proj/train.py",
            "NOBODY_HAS_THIS",
        ),
    ],
)
def test_what_no_image_changes_is_refused_before_one_is_built(
    tmp_path: Path, site: Site, options: RunOptions, script: str, says: str
) -> None:
    (tmp_path / "outside.py").touch()
    wish = replace(a_wish(tmp_path), image="preset:cpu", options=options, script=f"{tmp_path}/{script}")
    with pytest.raises(UsageError) as caught:
        plan_job(site, wish, refuse, lambda line: None)
    assert says in f"{caught.value.what} {caught.value.fix}"


def test_where_it_goes_is_said_before_an_image_is_built(tmp_path: Path, site: Site) -> None:
    said: list[str] = []

    def build(spec: str) -> RunImage:
        assert spec == "preset:cpu" and "the run goes in an image of preset:cpu" in said[0]
        raise EnvkitError("it is built", fix="")

    with pytest.raises(EnvkitError, match="it is built"):
        plan_job(site, replace(a_wish(tmp_path), image=None), build, said.append)


def test_a_name_that_is_given_is_refused_before_an_image_is_built(tmp_path: Path, site: Site) -> None:
    (tmp_path / "home/task/x/attempts/1").mkdir(parents=True)
    with pytest.raises(UsageError, match="there is a run x already"):
        plan_job(site, replace(a_wish(tmp_path), image="preset:cpu"), refuse, lambda line: None)
