"""What decides a result: the parameters, the code and the packages, and nothing of who or where.

A result is computed again if, and only if, something that decides it is another.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def commit(root: Path) -> str | None:
    """Return what `git describe` says of the tree; None if it is no repository."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", root, "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def files_hash(root: Path, files: Iterable[Path]) -> str:
    """Return a hash of files under `root`, of their names and of what is in them.

    Of notebooks the cells count, whatever their outputs.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        if path.suffix == ".ipynb":
            cells = json.loads(content)["cells"]
            kept = [(c["cell_type"], "".join(c["source"]), c["metadata"]) for c in cells]
            content = json.dumps(kept, sort_keys=True).encode()
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def short_hash(value: object) -> str:
    """Return eight hexadecimal digits that stand for `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
