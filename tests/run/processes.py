"""What the tests of commands share: they wait for what a process does."""

import subprocess
import time
from collections.abc import Callable

from conftest import PATIENCE


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    """Wait until `condition()` holds while `process` runs."""
    for _ in range(PATIENCE * 20):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("waited in vain")
