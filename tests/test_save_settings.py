"""No secret stays in an image's settings or history."""

from __future__ import annotations

import base64

from envkit.save.findings import Finding
from envkit.save.settings import cleaned, scan_config, values_in
from envkit.save.values import Value
from tests.secret_samples import SAMPLES

VALUE = Value(name="WANDB_API_KEY", bytes=b"9f3c1e5a77b0d2")
HF = SAMPLES["hf"]
CONFIG = {
    "Env": [
        "PATH=/usr/bin",
        "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568",
        "HF_TOKEN_PATH=/run/secrets/hf",
        "DB_PASSWORD=correct-horse",
        f"PLAIN={HF}",
        "CODED=" + base64.b64encode(b"k:" + VALUE.bytes).decode(),
        "http_proxy=http://me:pa55word@proxy:3128",
    ],
    "Cmd": ["serve", "--key=9f3c1e5a77b0d2"],
    "Healthcheck": {"Test": ["CMD", "curl", f"http://localhost/?t={HF}"]},
    "Labels": {"note": f"uses {HF}", "io.envkit.kind": "image"},
    "ExposedPorts": {"8888/tcp": {}},
    "User": "1000:0",
}
HISTORY = ("COPY . /", f"|1 T={HF} /bin/sh -c pip install x")


def test_settings_and_history_are_searched() -> None:
    found = scan_config(CONFIG, HISTORY, (VALUE,))
    rows = [(one.where, one.path, one.rule, one.remedy) for one in found]
    assert rows == [
        ("variable", "DB_PASSWORD", "a secret, by its name", "unset"),
        ("variable", "PLAIN", "a Hugging Face token", "unset"),
        ("variable", "CODED", "the value of WANDB_API_KEY", "unset"),
        ("variable", "http_proxy", "a login in an address", "unset"),
        ("command", "Cmd", "the value of WANDB_API_KEY", "edit"),
        ("command", "Healthcheck", "a Hugging Face token", "edit"),
        ("label", "note", "a Hugging Face token", "edit"),
        ("history", "line 2", "a Hugging Face token", "edit"),
    ]


def test_cleaned_settings_keep_the_rest_and_hold_nothing() -> None:
    config, history = cleaned(CONFIG, HISTORY, (VALUE,))
    assert scan_config(config, history, (VALUE,)) == ()
    assert config["Env"] == CONFIG["Env"][:3]
    assert config["Cmd"] == ["serve", "--key=REMOVED-BY-ENVKIT"]
    assert config["User"] == "1000:0"
    assert config["ExposedPorts"] == {"8888/tcp": {}}
    assert history == ("COPY . /", "|1 T=REMOVED-BY-ENVKIT /bin/sh -c pip install x")


def test_cleaning_twice_changes_nothing() -> None:
    once = cleaned(CONFIG, HISTORY, (VALUE,))
    assert cleaned(*once, (VALUE,)) == once


def test_a_setting_that_is_not_there_is_no_finding() -> None:
    assert scan_config({"Env": None, "Labels": None}, (), (VALUE,)) == ()
    assert cleaned({"Env": None}, (), ()) == ({"Env": []}, ())


def test_what_a_secret_variable_holds_is_looked_for_in_files_too() -> None:
    assert [value.name for value in values_in(CONFIG)] == ["DB_PASSWORD"]


def test_a_name_that_holds_a_value_is_not_printed() -> None:
    found = scan_config({"Labels": {"9f3c1e5a77b0d2": ""}}, (), (VALUE,))
    assert found == (
        Finding(where="label", path="REMOVED-BY-ENVKIT", rule="the value of WANDB_API_KEY", remedy="edit"),
    )
