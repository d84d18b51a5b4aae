"""Serve TensorBoard on a unix socket that only its owner can open: TensorBoard has no login of its own.

TensorBoard's own server speaks TCP only (tensorboard 2.21, `program.py`), where any process of the
container could reach it. Here werkzeug, which knows `unix://` addresses, serves its WSGI application.
Below `only/NAME,NAME/` there is a TensorBoard of those runs alone: it reads no other.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboard import default, program  # type: ignore[import-untyped]  # it has no types
from werkzeug.serving import run_simple
from werkzeug.wrappers import Response

_ONLY = re.compile(r"/only/([A-Za-z0-9][A-Za-z0-9._-]*(?:,[A-Za-z0-9][A-Za-z0-9._-]*)*)(/.*)?")
_MOST_CHOICES = 32  # each has a thread of its own, which looks for new events every 5 s
_FONTS = b"url(/font-roboto/"  # of the whole host, in index.html of tensorboard 2.21; below a prefix: nowhere


class UnixSocketServer(program.TensorBoardServer):  # type: ignore[misc]  # its base has no types
    """Serves TensorBoard's WSGI application on a unix socket."""

    def __init__(self, application: Any, flags: Any) -> None:
        self._path = Path(os.environ["ENVKIT_TENSORBOARD_SOCKET"])
        self._application = Choices(application, Path(flags.logdir), self._path.parent)

    def serve_forever(self) -> None:
        """Serve until the process is ended."""
        self._path.unlink(missing_ok=True)
        os.umask(0o177)  # the socket is 0600
        run_simple(f"unix://{self._path}", 0, self._application, threaded=True)

    def get_url(self) -> str:
        """Return an address of the form that TensorBoard's own register of servers takes: it wants a port."""
        return "http://localhost:0/"

    def print_serving_message(self) -> None:
        """Say where it listens."""
        print(f"TensorBoard at {self._path}", file=sys.stderr, flush=True)


class Choices:
    """TensorBoard of all runs, and of chosen ones: each of those is made when it is first asked for."""

    def __init__(
        self, everything: Any, logdir: Path, runtime: Path, make: Callable[[Path], Any] | None = None
    ):
        self._everything = with_fonts_below_us(everything)
        self._logdir, self._runtime = logdir, runtime
        self._make = make or chosen
        self._made: dict[tuple[str, ...], Any] = {}
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer as a WSGI application does."""
        found = _ONLY.fullmatch(environ.get("PATH_INFO", ""))
        if not found:
            return self._everything(environ, start_response)
        if found[2] is None:  # the page's own addresses are relative to a folder
            beside = Response(status=301, headers={"Location": f"{found[1]}/"})
            beside.autocorrect_location_header = False
            return beside(environ, start_response)
        application = self._of(tuple(sorted(set(found[1].split(",")))))
        if application is None:
            text = "too many choices of runs are open: restart the environment, or look at all of them\n"
            return Response(text, status=503)(environ, start_response)
        below = f"{environ.get('SCRIPT_NAME', '')}/only/{found[1]}"
        return application({**environ, "SCRIPT_NAME": below, "PATH_INFO": found[2]}, start_response)

    def _of(self, names: tuple[str, ...]) -> Any:
        with self._one_at_a_time:
            if names not in self._made and len(self._made) < _MOST_CHOICES:
                folder = Path(tempfile.mkdtemp(prefix="runs-", dir=self._runtime))
                for name in names:
                    (folder / name).symlink_to(self._logdir / name)
                self._made[names] = with_fonts_below_us(self._make(folder))
            return self._made.get(names)


class Held(program.TensorBoardServer):  # type: ignore[misc]  # its base has no types
    """Takes an application as a server does, and serves nothing."""

    made: Any = None

    def __init__(self, application: Any, flags: Any) -> None:
        Held.made = application

    def serve_forever(self) -> None:
        """Return at once."""

    def get_url(self) -> str:
        """Return nothing that anybody asks for."""
        return ""

    def print_serving_message(self) -> None:
        """Say nothing."""


def chosen(logdir: Path) -> Any:
    """Return TensorBoard's application for another folder, with the same flags else."""
    board = program.TensorBoard(default.get_plugins(), server_class=Held)
    words = [word for word in sys.argv[1:] if not word.startswith("--logdir")]
    board.configure([sys.argv[0], f"--logdir={logdir}", *words])
    board.launch()
    return Held.made


def with_fonts_below_us(application: Any) -> Any:
    """Return the application with a page that asks for its fonts beside itself."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") not in ("/", "/index.html"):
            return application(environ, start_response)
        page = Response.from_app(application, environ, buffered=True)
        page.set_data(page.get_data().replace(_FONTS, b"url(font-roboto/"))
        return page(environ, start_response)

    return answer


def main() -> None:
    """Run TensorBoard on the socket in `ENVKIT_TENSORBOARD_SOCKET`; arguments are TensorBoard's own."""
    board = program.TensorBoard(default.get_plugins(), server_class=UnixSocketServer)
    board.configure(sys.argv)
    sys.exit(board.main())


if __name__ == "__main__":
    main()
