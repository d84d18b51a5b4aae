"""Secrets that nobody has, put together at run time: none stands in a file of ours as a whole."""

from __future__ import annotations

import base64
import random
import string

_LETTERS = string.ascii_letters
_ALL = string.ascii_letters + string.digits


def _some(count: int, of: str = _ALL, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(of, k=count))


# The rule's id in compat/secrets.json → a text that it finds.
SAMPLES = {
    "hf": "hf" + "_" + _some(34, _LETTERS),
    "github": "ghp" + "_" + _some(36),
    "gitlab": "glpat" + "-" + _some(20),
    "aws-key": "AKIA" + _some(16, string.ascii_uppercase + "234567"),
    "google": "AIza" + _some(35),
    "openai": "sk" + "-" + _some(20) + "T3BlbkFJ" + _some(20),
    "anthropic": "sk-ant" + "-api03-" + _some(93),
    "slack": "xoxb" + "-" + _some(12, "23456789") + "-" + _some(24),
    "pypi": "pypi" + "-AgE" + _some(80),
    "npm": "npm" + "_" + _some(36),
    "docker": "dckr" + "_pat_" + _some(27),
    "alibaba": "LTAI" + _some(20),
    "tencent": "AKID" + _some(32),
    "stripe": "sk" + "_live_" + _some(24),
    "sendgrid": "SG" + "." + _some(22) + "." + _some(43),
    "private-key": "-----BEGIN "
    + "PRIVATE KEY-----\n"
    + base64.encodebytes(random.Random(3).randbytes(300)).decode()
    + "-----END PRIVATE KEY-----\n",
}
