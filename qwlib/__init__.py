"""Current-driven spin density in a magnetic quantum well, without losing a state.

Read `well` (parameters), `waves` (one layer), `matching` (Eq. (5), the count), `proofs` (how many
states an interval of k holds), `search` (every Fermi state; from `solve` upwards), `kubo` (Eq. (6))
and `grid` (many wells); `far` and `precise` are for hard cases.
"""

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, which takes time to import

if TYPE_CHECKING:
    from .grid import sweep
    from .kubo import FermiStates, fermi_states
    from .matching import matching_matrix
    from .search import bound_states, count_states
    from .well import UnboundedSpectrumWarning, Well

__version__ = "0.1.0"

__all__ = [
    "FermiStates",
    "UnboundedSpectrumWarning",
    "Well",
    "bound_states",
    "count_states",
    "fermi_states",
    "matching_matrix",
    "sweep",
]


def __getattr__(name: str) -> object:
    """Import the module of a name when it is asked for: a command hears Ctrl-C before NumPy."""
    if name in __all__:
        for module in ("well", "matching", "search", "kubo", "grid"):
            found = vars(import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
