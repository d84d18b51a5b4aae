"""Serve TensorBoard on a unix socket that only its owner can open: TensorBoard has no login of its own.

TensorBoard's own server speaks TCP only (tensorboard 2.21, `program.py`), where any process of the
container could reach it. Here werkzeug, which knows `unix://` addresses, serves its WSGI application.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tensorboard import default, program  # type: ignore[import-untyped]  # it has no types
from werkzeug.serving import run_simple
from werkzeug.wrappers import Response

_FONTS = b"url(/font-roboto/"  # of the whole host, in index.html of tensorboard 2.21; below a prefix: nowhere


class UnixSocketServer(program.TensorBoardServer):  # type: ignore[misc]  # its base has no types
    """Serves TensorBoard's WSGI application on a unix socket."""

    def __init__(self, application: Any, flags: Any) -> None:
        self._application = with_fonts_below_us(application)
        self._path = Path(os.environ["ENVKIT_TENSORBOARD_SOCKET"])

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
