"""Lets a stranger read the contents: what the proof must see."""

from jupyter_server.auth.identity import IdentityProvider, User

_get_user = IdentityProvider.get_user


def _anybody(self, handler):
    return User("anybody") if "/api/contents" in handler.request.path else _get_user(self, handler)


IdentityProvider.get_user = _anybody
