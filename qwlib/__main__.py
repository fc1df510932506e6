"""``python -m qwlib`` is the command line of `qwlib.run.cli`."""

from .run.cli import start

if __name__ == "__main__":
    start()
