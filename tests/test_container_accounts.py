"""The run user's lines in /etc/passwd and /etc/group."""

from __future__ import annotations

import pytest

from envkit.container.accounts import group_with, passwd_with, without
from envkit.plan.run_plan import Caller

PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/var/www:/usr/sbin/nologin\nada:x:1000:1000::/home/ada:\n"
)
GROUP = "root:x:0:\nstaff:x:50:ada\n"


def test_an_unknown_uid_gets_a_line_that_leads_home() -> None:
    text = passwd_with(PASSWD, Caller(uid=1234567, gid=100, name="grace"))
    assert text == PASSWD + "grace:x:1234567:100:grace:/work/home:/bin/bash\n"


@pytest.mark.parametrize("name", ["ada", "Grace Hopper", "a:b", "", "x\nroot2:x:0:0::/:/bin/sh"])
def test_a_name_that_is_taken_or_would_break_the_file_becomes_a_number(name: str) -> None:
    text = passwd_with(PASSWD, Caller(uid=7, gid=7, name=name))
    assert text == PASSWD + "u7:x:7:7:u7:/work/home:/bin/bash\n"


@pytest.mark.parametrize(
    ("uid", "line"),
    [(0, "root:x:0:0:root:/work/home:/bin/bash"), (33, "www:x:33:33:www:/work/home:/bin/bash")],
)
def test_a_known_uid_keeps_its_name_and_gets_the_home_and_a_shell(uid: int, line: str) -> None:
    lines = passwd_with(PASSWD, Caller(uid=uid, gid=uid, name="grace")).splitlines()
    assert line in lines
    assert len(lines) == 3


def test_asking_again_changes_nothing() -> None:
    caller = Caller(uid=1234567, gid=100, name="grace")
    once = passwd_with(PASSWD, caller), group_with(GROUP, caller)
    assert (passwd_with(once[0], caller), group_with(once[1], caller)) == once


def test_a_last_line_without_its_end_is_not_glued_to_ours() -> None:
    text = passwd_with(PASSWD.rstrip("\n"), Caller(uid=7, gid=7, name="grace"))
    assert text == PASSWD + "grace:x:7:7:grace:/work/home:/bin/bash\n"


def test_an_unknown_group_gets_a_line() -> None:
    assert group_with(GROUP, Caller(uid=7, gid=100, name="grace")) == GROUP + "grace:x:100:\n"


def test_a_known_group_stays_as_it_is() -> None:
    assert group_with(GROUP, Caller(uid=7, gid=50, name="grace")) == GROUP


def test_a_group_whose_name_is_taken_gets_its_number() -> None:
    assert group_with(GROUP, Caller(uid=7, gid=100, name="staff")) == GROUP + "u100:x:100:\n"


def test_an_account_is_taken_back_and_what_packages_wrote_stays() -> None:
    before = "root:x:0:0:root:/root:/bin/sh\ndev:x:1000:0::/home/dev:/bin/sh\n"
    now = (
        passwd_with(before, Caller(uid=1000, gid=0, name="ada")) + "sshd:x:101:65534::/run/sshd:/bin/false\n"
    )
    assert without(now, before, "1000") == before + "sshd:x:101:65534::/run/sshd:/bin/false\n"
    assert without(passwd_with(before, Caller(uid=7, gid=7, name="ada")), before, "7") == before
