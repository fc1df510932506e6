"""The command ``qwlib``, or ``python -m qwlib``: the command line of `qwlib.run.cli`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C is heard from before its first import on."""
    try:
        from .run.cli import start

        start()
    except KeyboardInterrupt:
        print("interrupted: nothing was changed", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
