"""Linear dynamical systems: the Kalman filter, the smoother, and what EM needs of them."""

from emlib.models.lds.model import LinearDynamicalSystem, LinearDynamicalSystemParams

__all__ = ["LinearDynamicalSystem", "LinearDynamicalSystemParams"]
