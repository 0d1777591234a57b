"""The models, one file each."""

from emlib.models.bernoulli_mixture import BernoulliMixture
from emlib.models.factor_analysis import FactorAnalysis
from emlib.models.gaussian_mixture import GaussianMixture
from emlib.models.gaussian_with_missing import GaussianWithMissing
from emlib.models.hmm import CategoricalHMM, GaussianHMM, PoissonHMM
from emlib.models.lds import LinearDynamicalSystem
from emlib.models.linkage import Linkage
from emlib.models.negative_binomial_mixture import NegativeBinomialMixture
from emlib.models.poisson_mixture import PoissonMixture
from emlib.models.ppca import PPCA
from emlib.models.random_effects import RandomEffects
from emlib.models.regression_mixture import RegressionMixture
from emlib.models.regression_with_missing_covariates import RegressionWithMissingCovariates
from emlib.models.student_t import StudentT
from emlib.models.symmetric_mixture import SymmetricMixture
from emlib.models.symmetric_regression_mixture import SymmetricRegressionMixture
from emlib.models.truncated_beta_binomial import TruncatedBetaBinomial

__all__ = [
    "PPCA", "BernoulliMixture", "CategoricalHMM", "FactorAnalysis", "GaussianHMM", "GaussianMixture",
    "GaussianWithMissing", "LinearDynamicalSystem", "Linkage", "NegativeBinomialMixture", "PoissonHMM",
    "PoissonMixture", "RandomEffects", "RegressionMixture", "RegressionWithMissingCovariates", "StudentT",
    "SymmetricMixture", "SymmetricRegressionMixture", "TruncatedBetaBinomial",
]
