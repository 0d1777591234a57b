"""Linear dynamical systems: the Kalman filter, the smoother, and what EM needs of them."""

from emlib.models.lds.model import LinearDynamicalSystem
from emlib.models.lds.params import LinearDynamicalSystemParams

__all__ = ["LinearDynamicalSystem", "LinearDynamicalSystemParams"]
