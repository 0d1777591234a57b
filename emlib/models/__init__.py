"""The models, one file each."""

from emlib.models.gaussian_mixture import GaussianMixture
from emlib.models.linkage import Linkage
from emlib.models.poisson_mixture import PoissonMixture
from emlib.models.symmetric_mixture import SymmetricMixture

__all__ = ["GaussianMixture", "Linkage", "PoissonMixture", "SymmetricMixture"]
