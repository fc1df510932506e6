"""Current-driven spin density in a magnetic quantum well, without losing a state."""

from .kubo import FermiStates, fermi_states
from .matching import count_states, matching_matrix
from .states import bound_states
from .sweep import sweep
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
