"""The parameters of linear dynamical systems, without and with offsets."""

from __future__ import annotations

from dataclasses import dataclass

from emlib.numerics import Array


@dataclass(frozen=True, eq=False)
class LinearDynamicalSystemParams:
    """Parameters of `LinearDynamicalSystem`.

    Attributes
    ----------
    initial_mean : ndarray, shape (k,)
    initial_covariance : ndarray, shape (k, k)
        P_0, of the first state.
    transition : ndarray, shape (k, k)
        A.
    transition_covariance : ndarray, shape (k, k)
        Q.
    observation : ndarray, shape (d, k)
        C.
    observation_covariance : ndarray, shape (d, d)
        R.
    """

    initial_mean: Array
    initial_covariance: Array
    transition: Array
    transition_covariance: Array
    observation: Array
    observation_covariance: Array

    def constants(self) -> tuple[Array, Array] | None:
        """Return the offsets of state and observation; None where the equations have none."""
        return None


@dataclass(frozen=True, eq=False)
class LinearDynamicalSystemWithOffsetsParams(LinearDynamicalSystemParams):
    """Parameters of `LinearDynamicalSystem` with ``offsets=True``.

    Attributes
    ----------
    transition_offset : ndarray, shape (k,)
        b.
    observation_offset : ndarray, shape (d,)
        c.
    """

    transition_offset: Array
    observation_offset: Array

    def constants(self) -> tuple[Array, Array]:
        """Return the offsets of state and observation."""
        return self.transition_offset, self.observation_offset
