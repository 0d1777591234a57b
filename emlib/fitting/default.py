"""Which algorithm `fit` uses where none is given."""

from __future__ import annotations

from emlib.algorithms import EM, SQUAREM, Adaptive, Profile, Relay, Switch, after
from emlib.algorithms.base import Algorithm
from emlib.algorithms.metric import hessian_cost, louis_is_cheap
from emlib.algorithms.stopping import LARGE_SPACE
from emlib.model import LatentVariableModel

CYCLES = 20  # of SQUAREM, three E-steps each, in which most runs are done
FIRST_STEPS = 10  # of EM, in which a run of many parameters finds the optimum that it is to climb


def default_algorithm(model: LatentVariableModel) -> Algorithm:
    """Return the algorithm that `fit` uses where none is given, the quickest by the clock of those we tried.

    - For a model with a `profiled` field one EM step, then `Profile`.
    - Above 200 parameters ten EM steps, then `SQUAREM`, which needs no matrix over them. Leaps from a start led it to a
      lower optimum than EM's in 16 of 60 runs, after those steps in 6, and after 40 in 2, which took a tenth longer.
    - Where hidden variables are discrete and Louis's matrix costs more than an E-step, 20 cycles of `SQUAREM`, whose
      steps cost little besides their E-steps, then `Adaptive`, which needs few, and a Hessian; where that takes more
      than 20 E-steps, as many cycles as it takes.
    - Else `Adaptive`. Where hidden variables are continuous, EM creeps towards a noise of zero, and SQUAREM with it.
    """
    if model.profiled is not None:
        return Switch(EM(), Profile(), after(1))
    if model.space.size("free") > LARGE_SPACE:
        return Switch(EM(), SQUAREM(coordinates="free"), after(FIRST_STEPS))
    if model.n_latent_values > 1 and not louis_is_cheap(model):
        return Relay(SQUAREM(), Adaptive(), max(CYCLES, hessian_cost(model)))
    return Adaptive()


def falls_back(model: LatentVariableModel) -> bool:
    """Return whether the default goes on by EM steps where its own fail, or lead to a collapse that EM may not meet.

    Not where hidden variables are continuous: the maximum may lie at a noise of zero, to which EM takes thousands of
    steps to creep.
    """
    return model.n_latent_values > 1
