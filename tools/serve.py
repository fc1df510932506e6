"""Show the built book at an address of this machine, so that its pages can run.

    python tools/serve.py [PORT]

A browser asks for each page again, as the book may have been built anew; it keeps Pyodide and
Thebe, 60 MB of pinned versions, for a day.
"""

import re
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

KEPT = re.compile(r"/live/(pyodide|thebe)")


class Handler(SimpleHTTPRequestHandler):
    """Files, with how long a browser may keep them."""

    def end_headers(self) -> None:
        """Add it to what is sent before a file."""
        kept = "max-age=86400" if KEPT.match(self.path) else "no-cache"
        self.send_header("Cache-Control", kept)
        super().end_headers()


def main(port: int, pages: str = "_build/html") -> None:
    """Serve the pages until the reader interrupts."""
    handler = partial(Handler, directory=pages)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"==> http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    if not (port.isdecimal() and int(port) < 65536):
        sys.exit(f"error: a port is a whole number up to 65535, got {port!r}")
    main(int(port))
