"""Rerun chapters and store their outputs, so that a second run changes nothing.

    python tools/baseline.py book/*.ipynb

A chapter is written only if all of it ran.
"""

import sys
from pathlib import Path

from qwlib.run.chapters import execute


def main(paths: list[Path]) -> int:
    """Rerun the notebooks; return 1 if one of them failed."""
    failed = execute(paths)
    for path, error in failed.items():
        print(f"{error}\nerror: {path} failed and was left as it was", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
