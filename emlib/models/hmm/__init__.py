"""Hidden Markov models, one file for each kind of observation."""

from emlib.models.hmm.categorical import CategoricalHMM
from emlib.models.hmm.gaussian import GaussianHMM
from emlib.models.hmm.poisson import PoissonHMM

__all__ = ["CategoricalHMM", "GaussianHMM", "PoissonHMM"]
