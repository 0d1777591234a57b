"""Complete-data families: Q value, gradient, argmax, information and P, written once.

Every model is a product of these; its own file holds little more than the E-step. May import blocks, the model's
protocol, data and numerics; algorithms and problems see families through a model alone.
"""

from emlib.families.affine_gaussian import AffineGaussian
from emlib.families.base import Family
from emlib.families.bernoulli import Bernoulli
from emlib.families.categorical import Categorical
from emlib.families.linear_factors import LinearFactors
from emlib.families.linear_gaussian import GaussianMoments, LinearGaussian
from emlib.families.poisson import Poisson
from emlib.families.product import ProductModel

__all__ = ["AffineGaussian", "Bernoulli", "Categorical", "Family", "GaussianMoments", "LinearFactors", "LinearGaussian",
           "Poisson", "ProductModel"]
