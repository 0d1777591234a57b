"""Hidden Markov models, one file for each kind of observation."""

from emlib.models.hmm.categorical import CategoricalHMM

__all__ = ["CategoricalHMM"]
