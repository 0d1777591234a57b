"""Diagnostics of a fit: bound, entropy, rate, information, preconditioner. Import as ``dx``.

May import problems and models' protocol; algorithms, `solve` and `fit` may not import from here.
"""

from emlib.diagnostics.bound import elbo, fisher_identity_gap, jensen_gap, posterior_entropy
from emlib.diagnostics.delta import Estimate, delta_method
from emlib.diagnostics.divergence import complete_divergence
from emlib.diagnostics.em_map import em_jacobian
from emlib.diagnostics.information import Information, information
from emlib.diagnostics.lanczos import rate
from emlib.diagnostics.projection import Projection, projection_matrix

__all__ = [
    "Estimate", "Information", "Projection", "complete_divergence", "delta_method", "elbo", "em_jacobian",
    "fisher_identity_gap", "information", "jensen_gap", "posterior_entropy", "projection_matrix", "rate",
]
