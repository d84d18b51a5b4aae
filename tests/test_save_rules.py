"""What is never saved, what is a secret, and what only looks like one."""

from __future__ import annotations

import re

import pytest

from envkit import compat
from envkit.save.rules import as_regex, is_placeholder, never_saved, patterns
from tests.secret_samples import SAMPLES

SAVED = (
    "/etc/passwd",
    "/opt/venv/lib/python3.11/site-packages/numpy/core/x.py",
    "/opt/project/tmp/notes.md",
    "/usr/local/bin/tool",
    "/var/lib/dpkg/status",
    "/root/.local/share/code-server/User/settings.json",
    "/root/.ipython/profile_default/startup/mine.py",
    "/root/.local/share/code-server/extensions/acme.hello-1.2.3/x.js",
    "/root/.cache/torch/hub/checkpoints/resnet.pth",
    "/work/cache/huggingface/hub/models--x/blobs/y",
    "/root/.gnupg/pubring.kbx",
    "/opt/venv/lib/python3.11/site-packages/x/__pycache__/y.pyc",
)
NEVER = {
    "/run/secrets/jupyter_token": "scratch",
    "/tmp/envkit-0/supervisord.pid": "scratch",
    "/tmp/.tensorboard-info/pid-1.info": "scratch",
    "/opt/envkit/probes/__pycache__": "tools",
    "/opt/envkit/probes/__pycache__/supervise.cpython-311.pyc": "tools",
    "/root/.local/share/jupyter/runtime/kernel-1.json": "jupyter",
    "/root/.local/share/jupyter/nbsignatures.db-journal": "jupyter",
    "/root/nb/.ipynb_checkpoints/a-checkpoint.ipynb": "jupyter",
    "/home/me/.ipython/profile_default/history.sqlite": "ipython",
    "/root/.local/share/code-server/coder.json": "code-server",
    "/root/.local/share/code-server/User/globalStorage/state.vscdb": "code-server",
    "/root/.local/share/code-server/User/Backups/-5ae6b10f/untitled/a": "code-server",
    "/root/.local/share/code-server/User/caches": "code-server",
    "/root/.local/share/code-server/User/machineid": "code-server",
    "/root/.local/share/nano/search_history": "tool-histories",
    "/root/.gnupg/S.gpg-agent.ssh": "tool-histories",
    "/opt/project/.pytest_cache/v/cache/lastfailed": "tool-caches",
    "/root/.cache/torch_extensions/py311_cpu": "tool-caches",
    "/root/.cache/pip/http/a/b": "package-caches",
    "/var/lib/apt/lists/x_Packages": "package-caches",
    "/work/cache/pip/http-v2/a/b": "package-caches",
    "/var/log/dpkg.log": "logs",
    "/etc/ssh/ssh_host_ed25519_key": "machine",
}


def test_what_a_user_put_there_may_be_saved() -> None:
    assert [path for path in SAVED if never_saved(path)] == []


@pytest.mark.parametrize(("path", "rule"), NEVER.items())
def test_what_programs_wrote_for_themselves_is_never_saved(path: str, rule: str) -> None:
    why = never_saved(path)
    assert why is not None and why.id == rule


def test_folders_that_a_package_made_for_its_logs_stay() -> None:
    assert never_saved("/var/log/nginx", is_folder=True) is None
    assert never_saved("/var/log/nginx/access.log") is not None


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.id)
def test_each_pattern_finds_its_sample_and_is_near_it(pattern) -> None:
    sample = SAMPLES[pattern.id]
    found = pattern.text.search(f"x = '{sample}'\n")
    assert found is not None and found["secret"] in sample
    assert any(word in sample for word in pattern.keywords)
    assert not is_placeholder(found["secret"])


def test_examples_of_tokens_are_no_secrets() -> None:
    for text in ("AKIAIOSFODNN7" + "EXAMPLE", "hf" + "_" + "x" * 34, "ghp" + "_" + "1234567890" * 4):
        assert is_placeholder(text)


def test_every_rule_has_a_source_and_an_expression_that_compiles() -> None:
    table = compat.table("secrets")
    for kind in ("always", "paths", "inside", "patterns"):
        for row in table[kind]:
            assert row["source"] and row["name"] and row["id"]
            for glob in (*row.get("match", ()), *row.get("except", ())):
                re.compile(as_regex(glob))
            for key in ("pattern", "needs"):
                re.compile(row.get(key, "").encode())


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("**/.netrc", "/root/.netrc", True),
        ("**/.netrc", "/.netrc", True),
        ("**/.netrc", "/root/my.netrc", False),
        ("/etc/*", "/etc/apt/x", False),
        ("/etc/**", "/etc/apt/x", True),
        ("**/.{a,b}_history", "/x/.b_history", True),
        ("**/core.[0-9]*", "/x/core.123", True),
        ("**/core.[0-9]*", "/x/core.py", False),
        ("/tmp/**", "/tmp", False),
        ("/tmp/**", "/tmp/a\nb", True),
    ],
)
def test_a_glob_fits_whole_paths(glob: str, path: str, fits: bool) -> None:
    assert bool(re.fullmatch(as_regex(glob), path, re.DOTALL)) is fits
