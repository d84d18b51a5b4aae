"""Serve TensorBoard on a unix socket that only its owner can open: TensorBoard has no login of its own.

TensorBoard's own server speaks TCP only (tensorboard 2.21, `program.py`), where any process on the network
namespace could reach it. Its WSGI application is served by werkzeug, which knows `unix://` addresses.
"""

from __future__ import annotations

import os
import sys

from tensorboard import default, program
from werkzeug.serving import run_simple


class UnixSocketServer(program.TensorBoardServer):
    """Serves TensorBoard's WSGI application on a unix socket."""

    def __init__(self, application, flags):
        self._application = application
        self._path = os.environ["ENVKIT_TENSORBOARD_SOCKET"]

    def serve_forever(self):
        """Serve until the process is ended."""
        if os.path.exists(self._path):
            os.unlink(self._path)
        os.umask(0o177)  # the socket is 0600
        run_simple(f"unix://{self._path}", 0, self._application, threaded=True)

    def get_url(self):
        """Return an address of the form that TensorBoard's own register of servers takes: it wants a port."""
        return "http://localhost:0/"

    def print_serving_message(self):
        """Say where it listens."""
        print(f"TensorBoard at {self._path}", file=sys.stderr, flush=True)


def main():
    """Run TensorBoard on the socket in `ENVKIT_TENSORBOARD_SOCKET`; arguments are TensorBoard's own."""
    board = program.TensorBoard(default.get_plugins(), server_class=UnixSocketServer)
    board.configure(sys.argv)
    sys.exit(board.main())


if __name__ == "__main__":
    main()
