"""The only place where the tests' tolerances are defined, each with its reason.

Relative ones are multiplied by a scale that the check names; absolute ones have a unit.
"""

from __future__ import annotations

# Identities that are algebra: a few hundred roundings of numbers of the size of the scale.
IDENTITY = 1e-12
# Sums of a hundred terms taken in another order, or with repeated rows in place of weights.
REORDERED = 1e-12
# Two independent codes for one formula, with inverses of matrices of condition up to about 1e4.
TWO_CODES = 1e-9
# Sums of products of inverses of condition up to about 1e3, taken in two orders.
SAME_MATRIX = 1e-10
# Second derivatives by two codes: one more inverse than the gradients.
CURVATURE = 1e-8
# Central differences with step 1e-6: truncation 1e-12, rounding 1e-16/1e-6, times values near 1e2.
DIFFERENCES = 1e-7
# A chart there and back: exp after log, products of factors after their factorisation.
ROUND_TRIP = 1e-12
# The mean chart solves for covariances as second moments less squares of means.
ROUND_TRIP_MEAN = 1e-10
# Gauss-Legendre quadrature with 24 nodes over one EM step; the integrand is smooth.
QUADRATURE = 1e-9
# What a sabotaged twin or a negative control must at least miss by, relative to the scale of the identity.
CONTROL = 1e-4
# Free-coordinate gradient of Q at its maximiser, relative to the number of units.
M_STATIONARY = 1e-10
# Gradient of the log-likelihood at a polished optimum, relative to the number of units (theorem T6).
OPTIMUM = 1e-8
# Norm of the EM step at a polished optimum: the gradient there times a preconditioner of size one.
FIXED_POINT = 1e-7
# A monotone algorithm may fall by what rounding explains, relative to the log-likelihood.
FALL = 1e-12
# Log-likelihoods of two runs that stopped with an estimated remaining gain of 1e-8 nats each.
SAME_OPTIMUM = 1e-6
# How far off an estimate of the remaining gain may be near the optimum: a factor.
GAIN_FACTOR = 2.0
# An optimum recomputed in two ways whose published value has 13 digits.
THIRTEEN_DIGITS = 1e-12
# Log-likelihoods printed with eight or nine decimals: half a unit of the last.
EIGHT_DECIMALS = 0.5e-8
NINE_DECIMALS = 0.5e-9
# DLR's iterates: printed with nine decimals, three of them one unit off exact arithmetic (their rounding).
DLR_PRINTED = 1.5e-9
# Numbers printed with four, five or six decimals: half a unit of the last.
FOUR_DECIMALS = 0.5e-4
FIVE_DECIMALS = 0.5e-5
SIX_DECIMALS = 0.5e-6
# Published with three decimals.
THREE_DECIMALS = 0.5e-3
# A trust-region step found by root finding against a dense search over the boundary.
BRUTE_FORCE = 1e-6
# The same step by two formulas, the root found to 1e-12 relative.
ROOT = 1e-9
# How near a parameter comes to a boundary that it approaches linearly, when 1e-8 nats are left to gain.
BOUNDARY = 1e-6
# mclust's EM stops where the log-likelihood changes by this share of itself (its default `tol`).
MCLUST = 1e-5
# Information by Oakes, by differences of the score and by SEM: fourth-order differences of relative step 1e-3.
ROUTES = 1e-6
# The ratio of two EM steps against the rate: second-order terms of a distance of 1e-3, and faster directions.
OBSERVED_RATE = 1e-2
# A fit of data in other units, rescaled back: two runs that each left at most 1e-8 nats to gain.
RESCALED = 1e-6
# EM's rate in a sample of 20 000 against its large-sample value: of order 1/sqrt(n), 0.003 in what we saw.
SAMPLED_RATE = 0.01
# A quotient of differences over a move of 1e-5 from the optimum: third derivatives times the move.
SMALL_MOVE = 1e-4
# Log-likelihoods after equal numbers of EM steps by two independent codes, relative: their roundings add up.
PEER = 1e-11
# Estimates of two optimisers that each left some 1e-12 nats to gain, curvature of about one: its square root.
SIX_DIGITS = 1e-6
# The factor of a law whose next term is smaller by some hundredths, or whose values lie near rounding.
FEW_PERCENT = 0.05
# What thirty E-steps of a stochastic algorithm leave at most of the first distance in log-likelihood.
HALF_WAY = 0.5
# A `tol` in nats that a stochastic algorithm reaches in a few hundred E-steps.
MODEST = 1e-3
# A compiled E-step against NumPy's: the same arithmetic, sums over up to 1e5 points in another order.
COMPILED = 1e-11
# Compiled exp and log against correctly rounded ones: two units in the last place.
LAST_PLACES = 4.5e-16
# Log-likelihoods of the same steps taken in free and in standard coordinates, relative: what exp after log rounds.
SAME_STEPS = 1e-13
