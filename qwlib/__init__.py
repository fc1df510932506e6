"""Current-driven spin density in a magnetic quantum well, without losing a state."""

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
