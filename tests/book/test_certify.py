"""Interval proofs of optima: what is proved holds, what is false is refused, and the ledger judges proved digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, arb_series, ctx

import emlib
from embook.intervals import interval_em
from embook.intervals.certify import BITS, Certificate, certify, positive_definite, proved
from embook.intervals.jets import Jet, variables
from emlib import datasets
from emlib import diagnostics as dx
from emlib.algorithms import EM, Newton, Switch, after
from emlib.models import GaussianMixture, Linkage, PoissonMixture
from ledger_book import NUMBER, faults, make, record, rows
from tests import tolerances as tol

ROOT_2 = "1.414213562373095048801688724209698078569"
LINKAGE = interval_em.linkage(datasets.linkage())
NEWTON = Switch(EM(), Newton(), after(2))
DEATHS = interval_em.poisson_pair(*datasets.hasselblad())


@pytest.fixture(autouse=True)
def bits() -> Iterator[None]:
    """Compute in the tests as finely as in the proofs."""
    with ctx.workprec(BITS):
        yield


def cubic(x: list[Jet]) -> Jet:
    """Slope 2 - x²: a maximum at the root of two, a minimum at minus that."""
    return 2 * x[0] - x[0] * x[0].square() / 3


def test_root_of_two_has_its_digits() -> None:
    proof = certify(cubic, [1.4142], radius=0.01, digits=40)
    assert proof.stationary
    assert proof.strict_maximum
    assert proof.digits >= 40
    assert proved(proof.box[0], 40) == ROOT_2
    assert proof.box[0].overlaps(arb(2).sqrt())


def test_minimum_is_stationary_and_no_maximum() -> None:
    proof = certify(cubic, [-1.4142], radius=0.01)
    assert (proof.stationary, proof.strict_maximum) == (True, False)


@pytest.mark.parametrize(("start", "radius"), [
    (1.5, 0.01),  # the root lies outside the box
    (0.5, 4.0),  # two roots lie inside
    (0.0, 0.1),  # no Newton step can be made from the centre
])
def test_box_without_exactly_one_root_is_refused(start: float, radius: float) -> None:
    proof = certify(cubic, [start], radius)
    assert not proof.stationary
    assert not proof.strict_maximum
    assert proof.box == proof.searched


def equal_weights(theta: list[Jet]) -> Iterator[tuple[int, list[Jet]]]:
    """Yield the death notices' joint with both weights held at one half."""
    for value, days in zip(*datasets.hasselblad(), strict=True):
        yield int(days), [int(value) * rate.log() - rate for rate in theta]


def test_symmetric_start_is_a_saddle() -> None:
    values, days = datasets.hasselblad()
    function = interval_em.loglik(equal_weights)
    mean = arb(int(values @ days)) / int(days.sum())
    proof = certify(function, [float(mean)] * 2, radius=1e-3)
    assert (proof.stationary, proof.strict_maximum) == (True, False)
    assert all(ball.contains(mean) for ball in proof.box)
    apart = arb_mat(2, 1, [1, -1])
    assert (apart.transpose() * function(variables(proof.searched)).hessian * apart)[0, 0] > 0


def sabotaged(theta: list[Jet]) -> Iterator[tuple[int, list[Jet]]]:
    """Yield the linkage joint with one animal of the third cell in the fourth."""
    for (count, terms), slip in zip(LINKAGE(theta), (0, 0, -1, 1), strict=True):
        yield count + slip, terms


def test_sabotaged_gradient_is_caught() -> None:
    best = float(emlib.fit(Linkage(), datasets.linkage(), start={"theta": 0.5}, algorithm=NEWTON).params.theta)
    assert certify(interval_em.loglik(LINKAGE), [best], radius=1e-4).strict_maximum
    assert not certify(interval_em.loglik(sabotaged), [best], radius=1e-4).stationary
    elsewhere = certify(interval_em.loglik(sabotaged), [best], radius=1.0)
    assert elsewhere.strict_maximum
    assert not elsewhere.box[0].contains(best)


def test_sabotaged_derivative_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Jet.log
    monkeypatch.setattr(Jet, "log", lambda jet: exact(jet).through(exact(jet).value, arb("1.001"), 0))
    start = [0.3598853969849348, 1.2560951012243379, 2.6634043566324726]
    assert not certify(interval_em.loglik(DEATHS), start, radius=1e-5).stationary


def chain(x: Any, y: Any) -> Any:
    """Use every operation of a jet, in operations that a power series has as well."""
    return (x * y - 3).exp() / (2 + y) + (1 / x - y / 5 + x * x).log() * (7 - x) + (x + y).sqrt()


def second_derivative(function: Callable[..., Any], point: list[Any], direction: list[Any]) -> list[Any]:
    """Return value, slope and curvature along a direction by FLINT's own power series."""
    series = function(*(arb_series([x, v], prec=3) for x, v in zip(point, direction, strict=True)))
    return [series[0], series[1], 2 * series[2]]


@pytest.mark.parametrize("direction", [[1, 0], [0, 1], [1, -2]])
def test_jets_are_power_series(direction: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    point, v = [arb("0.7"), arb("1.9")], arb_mat(2, 1, direction)
    expected = second_derivative(chain, point, [arb(part) for part in direction])

    def difference() -> float:
        jet = chain(*variables(point))
        found = [jet.value, (v.transpose() * jet.gradient)[0, 0], (v.transpose() * jet.hessian * v)[0, 0]]
        return max(float(abs(a - b).mid()) for a, b in zip(found, expected, strict=True))

    assert difference() < tol.IDENTITY
    monkeypatch.setattr(Jet, "through", lambda jet, f, d1, d2: Jet(f, d1 * jet.gradient, d1 * jet.hessian))
    assert difference() > tol.CONTROL


def test_jet_encloses_the_function_on_a_box() -> None:
    box = [arb("0.7", "0.05"), arb("1.9", "0.05")]
    over = chain(*variables(box))
    rng = np.random.default_rng(1)
    for _ in range(20):
        inner = chain(*variables([ball.mid() + float(rng.uniform(-0.05, 0.05)) for ball in box]))
        assert over.value.contains(inner.value)
        assert over.hessian.contains(inner.hessian)


def test_float_in_a_formula_is_refused() -> None:
    with pytest.raises(TypeError, match=r"0\.1 is a float.*write arb\('0\.1'\)"):
        variables([arb(1)])[0] * 0.1


@pytest.mark.parametrize(("text", "definite"), [
    (["2 1", "1 2"], True),
    (["1 2", "2 1"], False),
    (["1 1", "1 1"], False),
    (["0 0", "0 1"], False),
])
def test_positive_definite(text: list[str], definite: bool) -> None:
    matrix = arb_mat([[arb(entry) for entry in row.split()] for row in text])
    assert positive_definite(matrix) is definite


def test_matrix_that_may_be_singular_is_not_positive_definite() -> None:
    def around(radius: float) -> arb_mat:
        return arb_mat([[2, 1], [1, arb(1, radius)]])

    assert positive_definite(around(0.4))
    assert not positive_definite(around(0.6))


@pytest.mark.parametrize(("mid", "radius", "digits", "text"), [
    ("0.14159265", 1e-9, 5, "0.14159"),
    ("-1989.94585988", 1e-9, 9, "-1989.94585"),
    ("0.00209", 1e-9, 1, "0.002"),
    ("272.6", 0.1, 2, "270"),
])
def test_proved_digits_are_cut(mid: str, radius: float, digits: int, text: str) -> None:
    assert proved(arb(mid, radius), digits) == text


@pytest.mark.parametrize(("mid", "radius", "digits"), [("0.14159265", 1e-6, 6), ("0.3", 1e-30, 1), ("0", 1e-9, 1)])
def test_digits_that_the_ball_does_not_fix_are_refused(mid: str, radius: float, digits: int) -> None:
    with pytest.raises(ValueError, match=f"does not fix {digits} significant digits"):
        proved(arb(mid, radius), digits)


def geyser_fit() -> tuple[Any, list[float]]:
    """Return a double-precision fit to Old Faithful and its eleven free parameters, the longer eruptions first."""
    fitted = emlib.fit(GaussianMixture(2, 2), datasets.old_faithful(), rng=np.random.default_rng(1), tol=1e-14)
    order = np.argsort(-fitted.params.means[:, 0])
    means, covariances = fitted.params.means[order], fitted.params.covariances[order]
    parts = np.column_stack([means, covariances[:, 0, 0], covariances[:, 0, 1], covariances[:, 1, 1]])
    return fitted, [float(fitted.params.weights[order[0]]), *parts.ravel().tolist()]


#: Joint, model, data, weights, digits of the optimum, of its log-likelihood and of the rate.
DIGITS: dict[str, tuple[Any, ...]] = {
    "linkage": (
        LINKAGE, Linkage(), datasets.linkage(), None, ["0.62682149787098241421"],
        "-205.71588704589827399", "0.13277873374559881191",
    ),
    "death notices": (
        DEATHS, PoissonMixture(2), *datasets.hasselblad(),
        ["0.35988539698493480243", "1.2560951012243379020", "2.6634043566324726414"],
        "-1989.9458598829641966", "0.99566622322607762857",
    ),
    "Old Faithful": (
        interval_em.normal_pair(datasets.old_faithful()), GaussianMixture(2, 2), datasets.old_faithful(), None,
        ["0.64412714289429238219", "4.2896619730959899628", "79.968115173856075879", "0.16996843574709541272",
         "0.94060931927025259052", "36.046211317553188892", "2.0363884546199583128", "54.478516376968289218",
         "0.069167672559310727696", "0.43516762444350072551", "33.697282072302235139"],
        "-1130.2639601847416026", "0.24076589747141461484",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def proofs() -> dict[str, Certificate]:
    starts = {"linkage": [0.62682], "death notices": [0.359885397, 1.256095101, 2.663404357],
              "Old Faithful": geyser_fit()[1]}
    return {name: certify(interval_em.loglik(DIGITS[name][0]), start) for name, start in starts.items()}


@pytest.mark.parametrize("name", DIGITS)
def test_optimum_is_proved_to_twenty_digits(name: str, proofs: dict[str, Certificate]) -> None:
    joint, model, data, weights, digits, height, speed = DIGITS[name]
    proof = proofs[name]
    assert proof.stationary
    assert proof.strict_maximum
    names = [str(k) for k in range(len(digits))]
    expected = {**dict(zip(names, digits, strict=True)), "log-likelihood": height, "rate": speed}
    assert interval_em.numbers(joint, proof.box, names, digits=20) == expected
    # the package, which knows nothing of jets, agrees as far as doubles go
    fitted = emlib.fit(model, data, sample_weight=weights, rng=np.random.default_rng(1), algorithm=NEWTON, tol=1e-20)
    assert fitted.loglik == pytest.approx(float(height), abs=tol.TWO_CODES)
    problem = model.as_data(data, sample_weight=weights)
    assert dx.information(model, problem, fitted.params).rate == pytest.approx(float(speed), abs=tol.CURVATURE)


def test_linkage_agrees_with_its_closed_form(proofs: dict[str, Certificate]) -> None:
    best = (15 + arb(53809).sqrt()) / 394
    speed = interval_em.rate(LINKAGE, proofs["linkage"].box)
    assert proofs["linkage"].box[0].contains(best)
    assert speed.overlaps(2 * 125 * 38 / (197 * best + 2 * 72) ** 2)
    assert not speed.overlaps(2 * 125 * 38 / (197 * best + 2 * 71) ** 2)


def test_rate_is_the_largest_eigenvalue(proofs: dict[str, Certificate]) -> None:
    box = proofs["death notices"].box
    complete, observed = interval_em.information_matrices(DEATHS, box)
    speed = interval_em.rate(DEATHS, box)
    values = [value.real for value in (complete.inv() * (complete - observed)).eig()]
    assert [value.overlaps(speed) for value in values].count(True) == 1
    assert all(value < speed for value in values if not value.overlaps(speed))
    assert not positive_definite((speed.lower() - arb("1e-20")) * complete - (complete - observed))


def test_box_too_wide_for_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="box: "):
        interval_em.rate(DEATHS, [arb("0.36", 0.2), arb("1.25", 0.5), arb("2.66", 0.5)])


PROVED = {**NUMBER, "kind": "certified", "expected": {"weight": "0.3598853969849"}, "digits": 20}
MEASURED = {"weight": "0.35988539698493480243"}


def judged(folder: Path, measured: Any = MEASURED, **changes: Any) -> str:
    """Return the ledger's faults for a certified row with some fields changed."""
    return faults(make(folder, [{**PROVED, **changes}, *rows()[1:]], records=[record(measured=measured)]))


@pytest.mark.parametrize("tolerance", ["truncated", "rounded"])
def test_thirteenth_digit_off_by_one_is_refused(tmp_path: Path, tolerance: str) -> None:
    assert judged(tmp_path, tolerance=tolerance) == ""
    off_by_one = judged(tmp_path, tolerance=tolerance, expected={"weight": "0.3598853969850"})
    assert "AB99-T1 measured {'weight': '0.35988539698493480243'}, expected" in off_by_one


@pytest.mark.parametrize(("changes", "message"), [
    ({"tolerance": {"policy": "last-digit", "units": 1}}, "kind certified takes tolerance truncated or rounded"),
    ({"propositions": ["as_stated", "corrected"]}, "kind certified takes tolerance truncated or rounded"),
    ({"measured": {"weight": 0.35988539698493}}, "a certified row takes the proved digits, as text"),
])
def test_certified_row_without_a_proof_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    assert message in judged(tmp_path, **changes)
