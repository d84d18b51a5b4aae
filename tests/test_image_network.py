"""What is read of a machine's proxy, CA, pip, npm and apt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.image.apt_sources import own_mirror
from envkit.image.network import environment_of, read_network
from envkit.plan.network import Network, script, without_local_folders
from tests.scripted_host import DEBIAN, ScriptedHost

HOME = {"HOME": "/home/ada"}
PEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
MIRROR = "deb http://mirror.example/debian bookworm main\n"


def machine(**files: str) -> ScriptedHost:
    """Return a machine with these files, its names written with `__` for `/`."""
    return ScriptedHost(files={name: text.encode() for name, text in files.items()})


def of(files: dict[str, str], environment: dict[str, str] | None = None) -> Network:
    return read_network(machine(**files), {**HOME, **(environment or {})})


def apt_machine(files: dict[str, str], dump: str = "") -> ScriptedHost:
    return ScriptedHost(
        files={"/etc/os-release": DEBIAN, **{name: text.encode() for name, text in files.items()}},
        programs={"apt-config": ("/usr/bin/apt-config",), "find": ("/usr/bin/find",)},
        answers={"apt-config dump Acquire": (0, dump), "find /etc/apt": (0, "\n".join(files))},
    )


def test_a_bare_machine_has_nothing_to_say() -> None:
    assert of({}) == Network(distribution=":")


def test_mirrors_of_the_machines_own_are_taken_without_a_last_slash() -> None:
    found = of({}, {"ENVKIT_GALLERY_URL": "http://m/api/", "ENVKIT_RELEASES_URL": ""})
    assert found.mirrors == {"ENVKIT_GALLERY_URL": "http://m/api"}
    assert "export ENVKIT_GALLERY_URL=http://m/api\n" in script(found)


def test_what_may_not_be_read_is_left_out() -> None:
    class Locked(ScriptedHost):
        def read(self, path: Path) -> bytes | None:
            raise HostError(f"{path} cannot be read", fix="")

    assert read_network(Locked(), HOME) == Network(distribution=":")


def test_proxies_come_from_the_environment_and_the_lower_case_name_wins() -> None:
    found = of({}, {"HTTP_PROXY": "http://a", "http_proxy": "http://b", "no_proxy": "x", "HTTPS_PROXY": ""})
    assert found.proxies == {"HTTP_PROXY": "http://b", "NO_PROXY": "x"}


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({"/etc/pip.conf": "[global]\nindex-url = https://a\n"}, {}, {"index-url": "https://a"}),
        # Later files win: machine, user's old place, user's new place, virtual environment.
        (
            {
                "/etc/xdg/pip/pip.conf": "[global]\ntimeout=1\nretries=1\ncert=1\nproxy=1\nindex-url=1\n",
                "/etc/pip.conf": "[global]\ntimeout = 2\nretries = 2\ncert = 2\nproxy = 2\n",
                "/home/ada/.pip/pip.conf": "[global]\ntimeout = 3\nretries = 3\ncert = 3\n",
                "/home/ada/.config/pip/pip.conf": "[global]\ntimeout = 4\nretries = 4\n",
                "/venv/pip.conf": "[global]\ntimeout = 5\n",
            },
            {"VIRTUAL_ENV": "/venv"},
            {"timeout": "5", "retries": "4", "cert": "3", "proxy": "2", "index-url": "1"},
        ),
        # What is for `install` wins, even in a file that comes earlier.
        (
            {
                "/etc/pip.conf": "[install]\nindex-url = https://a\n",
                "/home/ada/.config/pip/pip.conf": "[global]\nindex-url = b\n[freeze]\nindex-url = x\n",
            },
            {},
            {"index-url": "https://a"},
        ),
        # A variable wins over all files; an empty one is none.
        (
            {"/etc/pip.conf": "[install]\nindex-url = https://a\nfind_links = /x\n"},
            {"PIP_INDEX_URL": "https://b", "PIP_FIND_LINKS": ""},
            {"index-url": "https://b", "find-links": "/x"},
        ),
        # A named file takes the place of the user's and wins over the machine's.
        (
            {
                "/etc/pip.conf": "[global]\nindex-url = https://a\ntimeout = 1\n",
                "/home/ada/.config/pip/pip.conf": "[global]\nretries = 9\n",
                "/own.conf": "[global]\nindex-url = https://c\n",
            },
            {"PIP_CONFIG_FILE": "/own.conf"},
            {"index-url": "https://c", "timeout": "1"},
        ),
        ({"/etc/pip.conf": "[global]\nindex-url = https://a\n"}, {"PIP_CONFIG_FILE": "/dev/null"}, {}),
        # Several lines are one value; what is no INI file is for pip to complain of.
        ({"/etc/pip.conf": "[global]\nfind-links =\n  /a\n  /b\n"}, {}, {"find-links": "\n/a\n/b"}),
        ({"/etc/pip.conf": "no section\n"}, {}, {}),
        ({"/x/pip/pip.conf": "[global]\n--timeout = 1\n"}, {"XDG_CONFIG_HOME": "/x"}, {"timeout": "1"}),
    ],
)
def test_pip_is_read_as_pip_reads_it(
    files: dict[str, str], environment: dict[str, str], expected: dict[str, str]
) -> None:
    assert of(files, environment).pip == expected


def test_npm_s_registries_and_credentials_are_taken_and_its_paths_are_not() -> None:
    files = {
        "/etc/npmrc": "registry=https://a/\ncache=/home/x\nprefix = /x\n; comment\n",
        "/home/ada/.npmrc": '@corp:registry = https://b/\n//b/:_authToken=${TOKEN}\n"//c/:_password"="x"\n',
    }
    environment = {
        "TOKEN": "secret",
        "npm_config_registry": "https://d/",
        "NPM_CONFIG_HTTPS_PROXY": "http://p",
    }
    assert of(files, environment).npmrc.splitlines() == [
        "registry=https://a/",
        "@corp:registry = https://b/",
        "//b/:_authToken=secret",
        '"//c/:_password"="x"',
        "https-proxy=http://p",
        "registry=https://d/",
    ]


def test_npm_s_own_file_is_where_a_variable_says() -> None:
    files = {"/home/ada/.npmrc": "registry=https://a/\n", "/own": "registry=https://b/\n"}
    assert of(files, {"NPM_CONFIG_USERCONFIG": "/own"}).npmrc == "registry=https://b/"


def test_a_variable_that_is_not_set_stays_written() -> None:
    assert of({"/home/ada/.npmrc": "//b/:_authToken=${NOPE}\n"}).npmrc == "//b/:_authToken=${NOPE}"


@pytest.mark.parametrize(
    ("files", "environment"),
    [
        ({"/etc/ssl/certs/ca-certificates.crt": PEM}, {}),
        ({"/etc/pki/tls/certs/ca-bundle.crt": PEM}, {}),
        ({"/own.pem": PEM, "/etc/ssl/certs/ca-certificates.crt": "other"}, {"SSL_CERT_FILE": "/own.pem"}),
        ({"/own.pem": PEM, "/etc/pip.conf": "[global]\ncert = /own.pem\n"}, {"SSL_CERT_FILE": "/missing"}),
    ],
)
def test_the_ca_bundle_is_the_one_that_is_named_else_the_system_s(
    files: dict[str, str], environment: dict[str, str]
) -> None:
    assert of(files, environment).ca_bundle == PEM


def test_apt_s_proxies_are_taken_and_nothing_that_runs() -> None:
    dump = (
        'Acquire::http::Proxy "http://u:p@p:3128";\nAcquire::https::proxy::host.example "DIRECT";\n'
        'Acquire::Retries "3";\nAcquire::http::ProxyAutoDetect "/usr/bin/evil";\nAcquire::ForceIPv4 "x";\n'
    )
    assert read_network(apt_machine({}, dump), HOME).apt.splitlines() == [
        'Acquire::http::Proxy "http://u:p@p:3128";',
        'Acquire::https::proxy::host.example "DIRECT";',
        'Acquire::Retries "3";',
    ]


def test_this_machine_s_mirror_is_taken_with_the_distribution_s_keyring() -> None:
    found = read_network(apt_machine({"/etc/apt/sources.list": MIRROR}), HOME)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert found.apt_sources == f"deb [signed-by={keyring}] http://mirror.example/debian bookworm main"
    assert found.distribution == "debian:12"


def test_apt_reads_only_names_that_it_would_read_itself() -> None:
    host = apt_machine({"/etc/apt/sources.list.d/mine.list.save": MIRROR})
    assert read_network(host, HOME).apt_sources == ""


DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://download.example/linux/debian
Suites: bookworm
Components: stable
Signed-By: /etc/apt/keyrings/example.asc
"""


def test_the_newer_form_is_read_too_and_others_repositories_are_not() -> None:
    keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert own_mirror("debian:12", {"a.sources": DEB822}).splitlines() == [
        f"deb {keyring} http://mirror.example/debian/ bookworm main contrib",
        f"deb {keyring} http://mirror.example/debian/ bookworm-updates main contrib",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# deb http://mirror.example/debian bookworm main\n",
        "deb-src http://mirror.example/debian bookworm main\n",
        "deb http://mirror.example/debian trixie main\n",
        "deb http://mirror.example/debian bookworm-updates main\n",
        "deb http://packages.example/apt cloud-bookworm main\n",
        "deb http://packages.example/apt bookworm main\n",
        "deb http://mirror.example/debian bookworm main stable\n",
        "deb [trusted=yes] http://mirror.example/debian bookworm main\n",
        "deb [signed-by=/etc/apt/keyrings/x.gpg] http://mirror.example/debian bookworm main\n",
        "deb file:/srv/debian bookworm main\n",
        "deb cdrom:[x]/debian bookworm main\n",
        "deb http://security.debian.org/debian bookworm main\n",
    ],
)
def test_what_is_no_mirror_of_the_whole_distribution_is_left_out(text: str) -> None:
    assert own_mirror("debian:12", {"a.list": text}) == ""


@pytest.mark.parametrize("name", ["fedora:40", ":", "debian:99"])
def test_a_machine_of_another_kind_has_no_mirror_for_us(name: str) -> None:
    assert own_mirror(name, {"a.list": MIRROR}) == ""


def test_a_source_that_is_switched_off_is_left_out() -> None:
    stanza = DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb")
    assert own_mirror("debian:12", {"a.sources": stanza}) == ""


class There(ScriptedHost):
    """A machine over SSH."""

    def forward(self, address: str) -> Path:
        raise NotImplementedError


def test_a_build_on_a_host_uses_that_host_s_environment() -> None:
    assert environment_of(There({"env -0": (0, "A=1\0B=x=y\nz\0")})) == {"A": "1", "B": "x=y\nz"}
    assert environment_of(ScriptedHost()) is os.environ


def test_the_wheel_folders_of_a_host_do_not_travel() -> None:
    network = Network(pip={"find-links": "/srv/wheels https://box/wheels", "index-url": "https://box"})
    assert without_local_folders(network).pip == {
        "find-links": "https://box/wheels",
        "index-url": "https://box",
    }
    assert without_local_folders(Network(pip={"find-links": "/srv"})).pip == {}
