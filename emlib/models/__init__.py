"""The models, one file each."""

from emlib.models.gaussian_mixture import GaussianMixture
from emlib.models.linkage import Linkage
from emlib.models.poisson_mixture import PoissonMixture

__all__ = ["GaussianMixture", "Linkage", "PoissonMixture"]
