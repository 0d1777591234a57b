"""The blocks that parameter spaces are made of, each with its chart in closed form.

A block maps its value (an array of `shape`) to unconstrained coordinates and back, gives the Jacobian and
the second derivative of that map, and a basis of its feasible directions. Leading axes are a batch.
May import `emlib.numerics` alone.
"""

from emlib.blocks.block import Block
from emlib.blocks.elementwise import Interval, Positive, Rate
from emlib.blocks.held import Held
from emlib.blocks.positive_definite import Diagonal, PositiveDefinite
from emlib.blocks.real import Real
from emlib.blocks.simplex import Simplex, StochasticMatrix

__all__ = ["Block", "Diagonal", "Held", "Interval", "Positive", "PositiveDefinite", "Rate", "Real", "Simplex",
           "StochasticMatrix"]
