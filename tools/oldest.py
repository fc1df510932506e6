"""Print the oldest versions that pyproject.toml allows of what qwlib needs, as pip takes them."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

for bound in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]:
    name, version = re.fullmatch(r"([\w-]+)>=([\d.]+)", bound).groups()
    print(f"{name}=={version}.*", end=" ")
