"""Ctrl-C where it must not come at any place: the first one is heard in order."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def first_interrupt(hear: Callable[[], object]) -> Iterator[None]:
    """Have the first Ctrl-C call `hear`, and the next do what it did before.

    Off the main thread, and where a shell has started this in the background, nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        hear()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
