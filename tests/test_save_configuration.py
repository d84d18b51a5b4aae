"""What a saved image is set to."""

from __future__ import annotations

from envkit.save.configuration import added_variables, configuration

IMAGE = {
    "Env": ["PATH=/bin", "TOKEN=x"],
    "Cmd": ["ide"],
    "Entrypoint": ["tini"],
    "User": "1000:0",
    "Healthcheck": {"Test": ["CMD", "status"]},
    "Labels": {"io.envkit.plan-digest": "sha256:1", "io.envkit.manifest": "{}", "mine": "1"},
}


def test_all_that_starts_the_image_stays() -> None:
    made = configuration(IMAGE, {}, {}, ())
    for key in ("Env", "Cmd", "Entrypoint", "User", "Healthcheck"):
        assert made[key] == IMAGE[key]


def test_labels_that_were_true_of_the_image_before_go_and_others_stay() -> None:
    # With the plan's digest `envkit build` would take the save for what it had built.
    made = configuration(IMAGE, {}, {"io.envkit.lineage": "{}"}, ())
    assert made["Labels"] == {"mine": "1", "io.envkit.lineage": "{}"}


def test_a_variable_is_unset_or_added() -> None:
    made = configuration(IMAGE, {"LANG": "C"}, {}, ("TOKEN",))
    assert made["Env"] == ["PATH=/bin", "LANG=C"]


def test_what_up_told_the_container_is_not_the_user_s() -> None:
    told = {"PATH": "/bin", "ENVKIT_NAME": "lab", "JUPYTER_RUNTIME_DIR": "/run/secrets/jupyter", "LANG": "C"}
    assert added_variables({"PATH": "/bin"}, told) == {"LANG": "C"}
