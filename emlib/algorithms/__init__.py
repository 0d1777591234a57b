"""The algorithms: each is settings with `init` and `step`, run by `emlib.solve` and `emlib.fit`.

May import problems and `emlib.result`; no model, no family, no diagnostics.
"""

from emlib.algorithms.adaptive import Adaptive
from emlib.algorithms.anderson import Anderson
from emlib.algorithms.base import Algorithm, Info, State
from emlib.algorithms.conjugate_gradient import ECG
from emlib.algorithms.criteria import Criterion, after, entropy_above, missing_information_above
from emlib.algorithms.ecme import ECME, PXEM
from emlib.algorithms.em import EM
from emlib.algorithms.em_gradient import EMGradient
from emlib.algorithms.gradient import FirstOrderEM, GradientAscent
from emlib.algorithms.incremental import IncrementalEM
from emlib.algorithms.lbfgs import LBFGS
from emlib.algorithms.newton import Newton
from emlib.algorithms.online import OnlineEM
from emlib.algorithms.profile import Profile
from emlib.algorithms.proximal import Proximal
from emlib.algorithms.q_secant import QSecant
from emlib.algorithms.quasi_newton import QuasiNewtonEM
from emlib.algorithms.relay import Relay
from emlib.algorithms.scipy_adapter import SciPy
from emlib.algorithms.squarem import SQUAREM
from emlib.algorithms.stochastic import SGD, Adam
from emlib.algorithms.stretched import StretchedEM
from emlib.algorithms.switch import Switch

__all__ = ["ECG", "ECME", "EM", "LBFGS", "PXEM", "SGD", "SQUAREM", "Adam", "Adaptive", "Algorithm", "Anderson",
           "Criterion", "EMGradient", "FirstOrderEM", "GradientAscent", "IncrementalEM", "Info", "Newton", "OnlineEM",
           "Profile", "Proximal", "QSecant", "QuasiNewtonEM", "Relay", "SciPy", "State", "StretchedEM", "Switch",
           "after", "entropy_above", "missing_information_above"]
