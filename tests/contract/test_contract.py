"""Every model keeps every part of the contract, and no sabotaged model does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import checks, checks_geometry, checks_units, checks_verbs, sabotage
from tests.contract.cases import CASES, HELD, PART, Case, has

Check = Callable[[Case], None]


def every(case: Case) -> bool:
    return True


def mixture(case: Case) -> bool:
    return case.is_mixture


def labelled(case: Case) -> bool:
    return bool(case.labels)


def closed(case: Case) -> bool:
    return case.has_closed_form


def by_units(case: Case) -> bool:
    return case.repeats_rows


def measured(case: Case) -> bool:
    """Models that measure their data by parts and keep numbers of it."""
    return case.repeats_rows and case.data.scale is not None and not case.name.startswith("student")


def scarce(case: Case) -> bool:
    """Models that tell about single units, but are not fitted to one."""
    if not case.repeats_rows or not checks_units.asked(case):
        return False
    try:
        case.model.as_data(case.units([0]))
    except ValueError:
        return True
    return False


def labels_units(case: Case) -> bool:
    """Mixtures and hidden Markov models: what is hidden has a most probable value."""
    return case.model.n_latent_values > 1 and has(case.model, "predict")


def without_closed_form(case: Case) -> bool:
    return not case.has_closed_form


def drawn(case: Case) -> bool:
    """Models whose start is a random one: what tells the components apart is not held."""
    return not set(checks.distinguishing(case)) & set(case.model.space.held)


def curved(case: Case) -> bool:
    """Models with a remainder, which comes from means that move."""
    return case.closed_remainder is not None and drawn(case)


def bent(case: Case) -> bool:
    return case.bent


def pools_apart(case: Case) -> bool:
    """Gaussian mixtures whose covariances are not averaged over everything at once."""
    return case.name.startswith(("gaussian-full", "gaussian-diag")) and drawn(case)


def full_family(case: Case) -> bool:
    return bool(case.model.full_family)


# check, the cases it is for, the faults that it must find (with the cases that can show them)
CONTRACT: list[tuple[Check, Callable[[Case], bool], list[tuple[Callable[[Any], Any], Callable[[Case], bool]]]]] = [
    (checks.check_additive, every, [(sabotage.counts_chunks, every), (sabotage.favours_the_first_unit, every)]),
    (checks.check_survey, every, [(sabotage.measures_the_first_unit_of_a_block, measured)]),
    (checks.check_chunks, every, [(sabotage.reads_chunks_backwards, by_units)]),
    (checks.check_read_once, every, [(sabotage.takes_raw_data, every), (sabotage.reads_anew, every)]),
    (checks_units.check_one_unit, every, [(sabotage.wants_as_many_as_a_fit, scarce)]),
    (checks_units.check_no_chunks, every, [(sabotage.takes_the_first_chunk, by_units)]),
    (checks_verbs.check_score_samples, every, [(sabotage.scores_a_unit_higher, every)]),
    (checks_verbs.check_sample, every, [(sabotage.samples_one_too_few, every), (sabotage.samples_without_rng, every),
                                        (sabotage.samples_others, every)]),
    (checks_verbs.check_predict, labels_units, [(sabotage.predicts_the_least_probable, every)]),
    (checks.check_decomposition, every, [(sabotage.forgets_a_units_entropy, every),
                                         (sabotage.loses_a_constant, every)]),
    (checks.check_loglik, every, [(sabotage.counts_chunks, every)]),
    (checks.check_entropy, every, [(sabotage.doubles_the_entropy, every),
                                   (sabotage.forgets_a_units_entropy, every)]),
    (checks.check_fisher, every, [(sabotage.slope_lacks_a_factor, every), (sabotage.favours_the_first_unit, every)]),
    (checks.check_standard_gradient, every, [(sabotage.slope_lacks_a_factor, every)]),
    (checks.check_bound, every, [(sabotage.loses_a_constant, every), (sabotage.bound_too_flat, every),
                                 (sabotage.doubles_the_entropy, every)]),
    (checks.check_monotone, every, [(sabotage.oversteps, every)]),
    (checks.check_m_step_stationary, every, [(sabotage.oversteps, every), (sabotage.upside_down, every)]),
    (checks.check_fixed_point, every, [(sabotage.oversteps, every), (sabotage.slope_with_an_offset, every)]),
    (checks.check_fixed_point_by_em, every, [(sabotage.oversteps, every)]),
    (checks.check_permutation, labelled, [(sabotage.slope_knows_names, every)]),
    (checks.check_sample_weight, every, [(sabotage.ignores_weights, every)]),
    (checks.check_start, drawn, [(sabotage.starts_alike, every), (sabotage.equal_starts, labelled)]),
    (checks_geometry.check_round_trip, every, [(sabotage.packs_badly, every)]),
    (checks_geometry.check_free_chart, every, [(sabotage.steeper_chart, every)]),
    (checks_geometry.check_tangent, every, [(sabotage.crooked_tangent, every)]),
    (checks_geometry.check_pullback, every, [(sabotage.forgets_the_chart, every)]),
    (checks_geometry.check_differences, every, [(sabotage.slope_lacks_a_factor, every),
                                                (sabotage.drops_the_scores_product, closed)]),
    (checks_geometry.check_pull_hessian, every, [(sabotage.flat_chart, bent)]),
    (checks_geometry.check_q_hessian, every, [(sabotage.curvature_of_q_too_small, every),
                                              (sabotage.curvature_at_the_wrong_point, bent)]),
    (checks_geometry.check_hessian, every, [(sabotage.drops_the_scores_product, closed),
                                            (sabotage.curvature_of_q_too_small, closed),
                                            (sabotage.slope_lacks_a_factor, without_closed_form)]),
    (checks_geometry.check_complete_information, every, [(sabotage.curvature_of_q_too_small, every),
                                                         (sabotage.upside_down, every)]),
    (checks_geometry.check_projection, every, [(sabotage.longer_p, every), (sabotage.no_remainder, curved),
                                               (sabotage.centres_on_the_old_means, pools_apart)]),
    (checks_geometry.check_weights_projection, mixture, [(sabotage.identity_p, every)]),
    (checks_geometry.check_secant, every, [(sabotage.curvature_of_q_too_small, every),
                                           (sabotage.oversteps, every)]),
    (checks_geometry.check_natural_gradient, full_family, [(sabotage.curvature_of_q_too_small, every),
                                                           (sabotage.oversteps, every)]),
]


def cases(check: Check, fits: Callable[[Case], bool]) -> list[Case]:
    """The cases that a check is made on."""
    return [case for case in CASES + HELD + PART if fits(case) and (not case.only or check.__name__ in case.only)]


def marks(check: Check) -> tuple[pytest.MarkDecorator, ...]:
    """The witness is written in JAX: a check whose source asks for it needs an extra."""
    return (pytest.mark.extras,) if "case.witness" in inspect.getsource(check) else ()


HONEST = [pytest.param(check, case, id=f"{check.__name__}-{case.name}", marks=marks(check))
          for check, fits, _ in CONTRACT for case in cases(check, fits)]
FAULTY = [pytest.param(check, fault, case, id=f"{check.__name__}-{fault.__name__}-{case.name}", marks=marks(check))
          for check, fits, faults in CONTRACT for fault, shows in faults
          for case in cases(check, fits) if shows(case)]


@pytest.mark.parametrize(("check", "case"), HONEST)
def test_model_keeps_the_contract(check: Check, case: Case) -> None:
    check(case)


@pytest.mark.parametrize(("check", "fault", "case"), FAULTY)
def test_fault_is_found(check: Check, fault: Callable[[Any], Any], case: Case) -> None:
    with pytest.raises(AssertionError):
        check(case.with_model(fault(case.model)))


def test_every_check_has_a_fault_to_find() -> None:
    modules = (checks, checks_geometry, checks_units, checks_verbs)
    written = {value for module in modules for name, value in vars(module).items() if name.startswith("check_")}
    assert written == {check for check, _, _ in CONTRACT}
    assert all(faults for _, _, faults in CONTRACT)
    assert {name for case in PART for name in case.only} <= {check.__name__ for check in written}
