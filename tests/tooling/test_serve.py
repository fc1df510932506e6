"""What `make serve` tells a browser to keep."""

import subprocess
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from urllib.request import urlopen

import pytest
import serve
from conftest import PATIENCE, ROOT


class Quiet(serve.Handler):
    def log_message(self, *_args):
        pass


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("index.html", "no-cache"),
        ("live/wheels/qwlib.whl", "no-cache"),  # of the book that is served
        ("live/pyodide/pyodide.js", "max-age=86400"),
        ("live/thebe-lite/service-worker.js", "max-age=86400"),
    ],
)
def test_what_is_pinned_is_kept_and_a_page_is_asked_for_again(tmp_path, path, kept):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("words")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/{path}"
            with urlopen(address, timeout=PATIENCE) as answer:
                assert answer.headers["Cache-Control"] == kept
        finally:
            server.shutdown()


@pytest.mark.parametrize("port", ["eighty", "65536", "-1"])
def test_what_is_no_port_is_refused_in_one_line(port):
    command = [sys.executable, ROOT / "tools" / "serve.py", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = f"error: a port is a whole number up to 65535, got {port!r}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)
