"""What a fit is worth: bound, entropy, rate, information, preconditioner. Import as ``dx``."""

from emlib.diagnostics.bound import elbo, fisher_identity_gap, jensen_gap, posterior_entropy
from emlib.diagnostics.em_map import em_jacobian
from emlib.diagnostics.information import Information, information
from emlib.diagnostics.projection import Projection, projection_matrix

__all__ = ["Information", "Projection", "elbo", "em_jacobian", "fisher_identity_gap", "information", "jensen_gap",
           "posterior_entropy", "projection_matrix"]
