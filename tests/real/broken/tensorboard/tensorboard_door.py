"""Answer every request on TensorBoard's socket with a page that is not TensorBoard's."""

import http.server
import os
import socketserver


class Page(http.server.BaseHTTPRequestHandler):
    """The page."""

    def do_GET(self):
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def address_string(self):
        """Name the client: a unix socket has no address."""
        return "local"


socketserver.ThreadingUnixStreamServer(os.environ["ENVKIT_TENSORBOARD_SOCKET"], Page).serve_forever()
