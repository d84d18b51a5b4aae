"""What a build is told of this machine's network, and what would be a secret in it."""

from __future__ import annotations

import shlex

import pytest

from envkit.plan.network import FOLDER, Network, for_base, local_folders, script

SECRET = "s3cret"
WITH_SECRETS = Network(
    proxies={"HTTP_PROXY": f"http://u:{SECRET}@p"},
    ca_bundle=SECRET,
    pip={"index-url": f"https://u:{SECRET}@h"},
    npmrc=f"//h/:_authToken={SECRET}",
    apt=f'Acquire::http::Proxy "http://u:{SECRET}@p";',
    apt_sources=f"deb https://u:{SECRET}@h/debian bookworm main",
)


def exports(network: Network) -> dict[str, str]:
    """Return what the shell file exports; every line of it must be one that a shell reads."""
    words = [shlex.split(line) for line in script(network).splitlines() if line.startswith("export ")]
    return {name: value for _, word in words for name, _, value in [word.partition("=")]}


def test_an_empty_configuration_makes_a_folder_and_nothing_else() -> None:
    assert script(Network()) == (
        f"# This machine's network: never part of an image.\ninstall -d -m 0755 {FOLDER}\n"
    )


def test_no_secret_is_in_a_repr() -> None:
    assert SECRET not in repr(WITH_SECRETS)


def test_pip_s_settings_are_told_to_pip_and_to_uv() -> None:
    pip = {
        "index-url": "https://a",
        "extra-index-url": "https://b\nfile:///here https://c",
        "find-links": "/here https://d https://e",
        "trusted-host": "f g",
        "default-timeout": "9",
        "no-index": "yes",
        "retries": "5",
        "proxy": "http://p",
    }
    assert exports(Network(pip=pip)) == {
        "PIP_INDEX_URL": "https://a",
        "UV_DEFAULT_INDEX": "https://a",
        "PIP_EXTRA_INDEX_URL": "https://b https://c",
        "UV_INDEX": "https://b https://c",
        "PIP_FIND_LINKS": "https://d https://e",
        "UV_FIND_LINKS": "https://d,https://e",
        "PIP_TRUSTED_HOST": "f g",
        "UV_INSECURE_HOST": "f g",
        "PIP_DEFAULT_TIMEOUT": "9",
        "UV_HTTP_TIMEOUT": "9",
        "PIP_NO_INDEX": "1",
        "UV_NO_INDEX": "1",
        "PIP_PROXY": "http://p",
        "ALL_PROXY": "http://p",
    }


@pytest.mark.parametrize("value", ["0", "false", "no", ""])
def test_an_index_that_is_not_forbidden_stays(value: str) -> None:
    assert exports(Network(pip={"no-index": value})) == {}


def test_every_tool_is_told_of_the_ca_bundle() -> None:
    found = exports(Network(ca_bundle="PEM"))
    assert found.pop("APT_CONFIG") == f"{FOLDER}/apt.conf"
    assert set(found) == {
        *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
        *("NODE_EXTRA_CA_CERTS", "npm_config_cafile"),
    }
    assert set(found.values()) == {f"{FOLDER}/ca.crt"}


def test_a_proxy_is_told_in_both_spellings() -> None:
    assert exports(Network(proxies={"HTTPS_PROXY": "http://p"})) == {
        "HTTPS_PROXY": "http://p",
        "https_proxy": "http://p",
    }


def test_a_mirror_replaces_the_base_s_own_sources() -> None:
    told = script(Network(apt_sources="deb http://m/debian bookworm main"))
    assert f'Dir::Etc::sourcelist "{FOLDER}/sources.list";' in told
    assert f'Dir::Etc::sourceparts "{FOLDER}/sources.list.d";' in told


def test_a_mirror_serves_only_its_own_distribution() -> None:
    network = Network(apt_sources="deb http://m/debian bookworm main", distribution="debian:12", apt="x")
    assert for_base(network, "debian:12") == network
    assert for_base(network, "ubuntu:24.04") == Network(distribution="debian:12", apt="x")


def test_dnf_is_told_of_proxy_ca_and_mirror_beside_its_own_settings() -> None:
    told = script(Network(dnf={"proxy": "http://p"}, ca_bundle="PEM", dnf_mirror="http://m/openeuler"))
    lines = f"proxy=http://p\nsslcacert={FOLDER}/ca.crt\nreposdir={FOLDER}/repos.d\nlogdir={FOLDER}"
    assert f"printf '%s\\n' '{lines}' >{FOLDER}/dnf.conf\n" in told
    assert f'dnf() {{ command dnf --config {FOLDER}/dnf-whole.conf "$@"; }}' in told
    assert "dnf" not in script(Network(proxies={"HTTP_PROXY": "http://p"}))


def test_a_mirror_of_openeuler_serves_only_openeuler() -> None:
    network = Network(dnf_mirror="http://m", distribution="debian:12")
    assert for_base(network, "openeuler:24.03") == network
    assert for_base(network, "debian:12") == Network(distribution="debian:12")


@pytest.mark.parametrize(
    "content", ["ENVKIT-END\ntouch /owned\n", "'; touch /owned; '", "$(touch /owned)", "a\0b", "EOF\n", "\\"]
)
def test_no_text_leaves_its_quotes(content: str) -> None:
    told = script(Network(npmrc=content, ca_bundle=content, proxies={"HTTP_PROXY": content}))
    words = shlex.split(told, comments=True)
    plain = content.replace("\0", "")
    assert words.count(plain.rstrip()) == 2
    assert f"HTTP_PROXY={plain}" in words
    assert "touch" not in words and "/owned" not in words


@pytest.mark.parametrize(
    "network",
    [
        Network(proxies={"HTTP_PROXY": "http://u:p@h:1"}),
        Network(proxies={"HTTP_PROXY": "u:p@h:1"}),
        Network(pip={"index-url": "https://u:p@h/simple"}),
        Network(pip={"index-url": "https://token@h/simple"}),
        Network(pip={"extra-index-url": "https://h/a\nhttps://u:p@h/b"}),
        Network(pip={"find-links": "'https://u:p@h/b'"}),
        Network(npmrc="//h/:_authToken=x"),
        Network(npmrc='"//h/:_password" = "x"'),
        Network(npmrc="_auth=x"),
        Network(npmrc="registry = https://u:p@h/"),
        Network(apt='Acquire::http::Proxy "http://u:p@h:1";'),
        Network(apt_sources="deb https://u:p@h/debian bookworm main"),
        Network(dnf={"proxy": "http://u:p@h:1"}),
        Network(dnf={"proxy": "http://h:1", "proxy_password": "x"}),
        Network(dnf_mirror="https://u:p@h/openeuler"),
    ],
)
def test_credentials_are_seen(network: Network) -> None:
    assert network.has_credentials


@pytest.mark.parametrize(
    "network",
    [
        Network(),
        Network(proxies={"HTTP_PROXY": "http://h:1", "NO_PROXY": "a,b"}, ca_bundle="x@y //x@y"),
        Network(pip={"index-url": "https://h/simple/@corp", "find-links": "/home/a@b"}),
        Network(npmrc="@corp:registry=https://h/\nregistry=https://h/@x/"),
        Network(apt='Acquire::http::Proxy "http://h:1";', apt_sources="deb http://h/debian bookworm main"),
    ],
)
def test_what_only_looks_like_credentials_is_none(network: Network) -> None:
    assert not network.has_credentials


def test_wheel_folders_of_this_machine_are_told_apart_from_addresses() -> None:
    links = {"find-links": "/a file:///b https://c /a\n~/d"}
    assert local_folders(Network(pip=links)) == ("/a", "/b", "~/d")
