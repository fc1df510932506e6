"""Files of parameters, in YAML: what may stand in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

DEEPEST = 4
"""Levels of a file: a mapping, a parameter's function, its list, and one to complain of."""


class Shallow(Composer):
    """Reads what a file of parameters may hold; what would need much time or memory it refuses."""

    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return a value that is not too deep, and no alias: a few stand for millions of values."""
        if self.parser.check_event(AliasEvent):
            raise ComposerError(problem="it has an alias (*name)")
        if self.level == DEEPEST:
            raise ComposerError(problem=f"lists are nested more than {DEEPEST} deep")
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        return node


def read_mapping(file: str) -> dict[str, object]:
    """Return what a YAML file says of each name; a `ValueError` if that is no mapping."""
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = Shallow
        mapping = yaml.load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"cannot read {file}: {reason}") from None
    except YAMLError as error:
        reason = getattr(error, "problem", None) or "it is not YAML"
        raise ValueError(f"cannot read {file}: {reason}") from None
    if not isinstance(mapping, dict):
        raise ValueError(f"{file} must hold a mapping, lines like `alpha_L: 0.05`")
    return {str(name): value for name, value in mapping.items()}
