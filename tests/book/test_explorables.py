"""Explorables without a browser: deterministic markup, whole-number coordinates, helpful errors, the right numbers."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from embook import explorables as ex
from embook.explorables import arrows_figure, mixture, slope_figure
from embook.explorables.__main__ import main
from embook.explorables.axes import ticks
from emlib import diagnostics
from emlib.models import GaussianMixture, Linkage
from slider_words import AXES, WORDS
from tests.tolerances import CONTROL, EIGHT_DECIMALS, IDENTITY, TWO_CODES

X = np.linspace(0, 1, 20)


def data_text(html: str) -> str:
    """Return the JSON that an explorable's script reads, of which there is one."""
    (found,) = re.findall(r'data-part="data">(.*?)</script>', html)
    return str(found)


def frames() -> list[dict[str, np.ndarray]]:
    return [{"line": np.column_stack([X, k * X / 3])} for k in range(3)]


def pair(**change: Any) -> ex.Explorable:
    """Two pictures on one slider."""
    picture = ex.Stepped(frames(), AXES, WORDS["values"], ("x", "y"), {}, 1)
    alts = [WORDS["alt"], "The same line, once more"]
    words: dict[str, Any] = {"pictures": [picture, picture], "alts": alts, "label": "step", "says": ["a", "b", "c"]}
    return ex.joined("a-pair", **{**words, **change})


def ranges() -> list[np.ndarray]:
    """The first position has no range to speak of, the others one that grows."""
    return [ex.outline(X, k * X / 4, k * X / 2) for k in range(3)]


EXPLORABLES = {
    "slider with ranges": lambda: ex.slider("a-range", frames(), **WORDS, ranges=ranges(), range_name="what is seen"),
    "joined": pair,
    "slider": lambda: ex.slider("a-slider", frames(), **WORDS),
    "draggable": lambda: ex.draggable("a-handle", frames(), [(0, 0), (0.5, 0), (1, 0)], **WORDS),
    "same_slope": ex.same_slope,
    "three_arrows": ex.three_arrows,
}


@pytest.mark.parametrize("make", EXPLORABLES.values(), ids=EXPLORABLES)
def test_markup_is_the_same_twice_self_contained_and_drawn_in_whole_numbers(make: Any) -> None:
    first, second = make(), make()
    assert first.html == second.html
    assert len(first.html) < 150_000
    assert not re.search(r"https?:|src=|@import|url\((?!#)", first.html)
    paths = re.findall(r' d="([^"]+)"', first.html)
    assert paths
    assert not [d for d in paths if re.search(r"\d\.\d|nan|inf", d)]
    ids = re.findall(r' id="([^"]+)"', first.html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("make", EXPLORABLES.values(), ids=EXPLORABLES)
def test_the_numbers_for_the_script_are_rounded_so_that_every_processor_writes_the_same(make: Any) -> None:
    data = data_text(make().html)
    unrounded = re.compile(r"\d\.\d{7,}|\de-")
    assert unrounded.findall(data) == []
    assert unrounded.search(json.dumps(1 / 3))


@pytest.mark.parametrize("make", EXPLORABLES.values(), ids=EXPLORABLES)
def test_every_explorable_describes_itself(make: Any) -> None:
    figure = make()
    described = re.search(r'<g role="img" aria-label="([^"]+)"', figure.html)
    assert described
    assert len(described.group(1)) > 20
    assert "aria-live=" in figure.html
    assert repr(figure).startswith("[interactive figure] ")


def test_slider_draws_its_start_frame_and_keeps_the_others_as_data() -> None:
    html = ex.slider("a-slider", frames(), start=2, **WORDS).html
    data = json.loads(data_text(html))
    assert f'data-curve d="{data["paths"][2][0]}"' in html
    assert data["paths"][0] != data["paths"][2]
    assert 'value="2"' in html


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"alt": "a line"}, "alt is"),
        ({"values": ["one"]}, "values has 1"),
        ({"start": 3}, "start is 3"),
        ({"says": ["one"]}, "says has 1"),
        ({"fixed": {name: [(0, 0), (1, 1)] for name in "abcd"}}, "5 curves"),
    ],
)
def test_slider_refuses_what_does_not_fit(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ex.slider("a-slider", frames(), **{**WORDS, **change})


def test_bad_identifiers_positions_frames_and_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="id is"):
        ex.slider("A slider", frames(), **WORDS)
    with pytest.raises(ValueError, match="positions has shape"):
        ex.draggable("a-handle", frames(), [(0, 0)], **WORDS)
    with pytest.raises(ValueError, match="use the same curves"):
        ex.slider("a-slider", [*frames()[:2], {"other": frames()[0]["line"]}], **WORDS)
    with pytest.raises(ValueError, match="finite numbers"):
        ex.slider("a-slider", [*frames()[:2], {"line": np.array([[0.0, np.nan]])}], **WORDS)
    with pytest.raises(ValueError, match="x is"):
        ex.Axes(x=(1, 0), y=(0, 1))


def test_joined_pictures_share_their_positions() -> None:
    html = pair().html
    data = json.loads(data_text(html))
    assert [len(paths) for paths in data["paths"]] == [2, 2, 2]
    assert html.count("data-curve d=") == 2
    assert html.count('type="range"') == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"alts": ["A line that turns around"]}, "alts has 1"),
        ({"alts": ["A line that turns around", "line"]}, "alt is"),
        ({"says": ["a"]}, "says has 1"),
        ({"pictures": [ex.Stepped(frames(), AXES, "abc", ("x", "y"), {}, k) for k in (0, 1)]}, r"pictures\[1\] has"),
    ],
)
def test_joined_refuses_pictures_that_do_not_match(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        pair(**change)


def test_words_are_escaped_so_that_no_mark_up_gets_in() -> None:
    html = ex.slider("a-slider", frames(), **{**WORDS, "label": "<b>&", "says": ["</script>"] * 3}).html
    assert "<b>&" not in html
    assert html.count("</script>") == 2


def test_ticks_are_round_and_inside() -> None:
    assert ticks(-28, 5) == [-25, -20, -15, -10, -5, 0, 5]
    assert ticks(0.15, 0.95) == [0.2, 0.4, 0.6, 0.8]


@pytest.mark.parametrize(("x", "right"), [((0, 60), 160), ((0, 150), 234), ((0, 1500), 312), ((0, 110), 160)])
def test_the_right_margin_holds_half_the_last_tick(x: tuple[float, float], right: int) -> None:
    axes = ex.Axes(x=x, y=(0, 1))
    assert axes.right == right
    assert axes.data()["right"] == right


@pytest.mark.parametrize("theta", [0.2, 0.3, 0.5, slope_figure.SUMMIT, 0.75])
def test_same_slope_numbers_are_those_of_the_linkage_model(theta: float) -> None:
    model = Linkage()
    params, ours = model.params(theta=theta), slope_figure.numbers(theta)
    found = model.e_step(params, model.as_data(slope_figure.COUNTS))
    information = diagnostics.information(model, slope_figure.COUNTS, params)
    theirs = {
        "loglik": slope_figure.numbers(0.5)["loglik"]
        + found.loglik
        - model.e_step(model.params(theta=0.5), model.as_data(slope_figure.COUNTS)).loglik,
        "slope": model.q_gradient(params, found.stats)["theta"],
        "bound_slope": model.q_gradient(params, found.stats)["theta"],
        "em": model.m_step(found.stats).theta,
        "observed_information": information.observed,
        "complete_information": information.complete,
        "missing_fraction": information.fraction_missing,
    }
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(float(np.squeeze(value)), rel=TWO_CODES, abs=TWO_CODES), name
    # the twin: the two curvatures are not one
    assert abs(ours["observed_information"] / ours["complete_information"] - 1) > CONTROL


def test_same_slope_touches_and_its_rate_is_dempster_laird_and_rubins() -> None:
    theta = np.array([0.25, 0.3, 0.35])
    curves = slope_figure.curves(0.3)
    gap = slope_figure.loglik(theta) - slope_figure.TOP - curves["bound"](theta)
    assert abs(gap[1]) < IDENTITY * 100  # nats, of values near a hundred
    assert gap[0] > 1e-3
    assert gap[2] > 1e-3
    at = slope_figure.numbers(slope_figure.SUMMIT)
    assert at["missing_fraction"] == pytest.approx(0.13277873, abs=EIGHT_DECIMALS)
    assert abs(at["slope"]) < TWO_CODES


@pytest.mark.parametrize("mu", [(-0.2, 1.6), (-2.0, 2.5), (0.4, 0.3)])
def test_three_arrows_numbers_are_those_of_the_gaussian_mixture(mu: tuple[float, float]) -> None:
    model, x, means = GaussianMixture(n_components=2, n_features=1), mixture.sample(2.5), slice(2, 4)
    params = model.params(weights=[0.5, 0.5], means=np.array(mu)[:, None], covariances=np.ones((2, 1, 1)))
    found = model.e_step(params, model.as_data(x[:, None]))
    # the tangent space of the two weights has one direction, so that the means stand second and third in it
    curvature = diagnostics.information(model, x[:, None], params).observed[1:3, 1:3]
    projection = diagnostics.projection_matrix(model, x[:, None], params).matrix[means, means]
    at = mixture.arrows(np.array(mu), x)
    assert at.loglik == pytest.approx(found.loglik, rel=TWO_CODES)
    close = {"rtol": TWO_CODES, "atol": TWO_CODES}
    np.testing.assert_allclose(at.gradient, np.ravel(model.q_gradient(params, found.stats)["means"]), **close)
    np.testing.assert_allclose(mu + at.steps["em"], np.ravel(model.m_step(found.stats).means), **close)
    np.testing.assert_allclose(np.diag(at.projection), projection, **close)
    np.testing.assert_allclose(-at.hessian, curvature, **close)
    np.testing.assert_allclose(curvature @ at.steps["newton"], at.gradient, **close)
    # the twin: without the missing part the curvature is another matrix
    assert np.abs(np.diag(at.counts) - curvature).max() > CONTROL


def test_units_swing_the_gradient_alone_and_keep_its_matrixs_determinant() -> None:
    x = mixture.sample(3.0)
    old, new = (mixture.arrows(np.array([-0.2, 1.6]), x, unit) for unit in (1.0, 2.0))
    for name in ("em", "newton"):
        np.testing.assert_array_equal(old.steps[name], new.steps[name])
    assert not np.allclose(old.steps["gradient"], new.steps["gradient"], rtol=0.1)
    for at in (old, new):
        assert at.ball.prod() == pytest.approx(at.projection.prod())


def test_separation_turns_newtons_fellow_into_a_crawl() -> None:
    rates = [arrows_figure.hill(s)["rate"] for s in arrows_figure.SEPARATIONS]
    assert rates[0] > 0.6
    assert rates[-1] < 0.25
    shares = []
    for s in arrows_figure.SEPARATIONS:
        at = mixture.arrows(np.array(arrows_figure.START), mixture.sample(s))
        shares.append(np.hypot(*at.steps["em"]) / np.hypot(*at.steps["newton"]))
    assert shares[arrows_figure.FIRST] > 0.6
    assert shares[0] < 0.3


def test_contours_follow_the_surface() -> None:
    level = arrows_figure.LEVELS[3]
    x, axes = mixture.sample(4.0), arrows_figure.AXES
    top = float(mixture.loglik(mixture.summit(x, 4.0)[0], x))
    found = []
    for line in arrows_figure.hill(4.0)["levels"].split("M")[1:]:
        first, steps = line.split("l")
        moves = np.array(steps.split(), dtype=float).reshape(-1, 2)
        units = np.cumsum(np.vstack([np.array(first.split(), dtype=float), moves]), axis=0)
        mu1 = axes.x[0] + (units[:, 0] - axes.left) / axes.clip()[2] * (axes.x[1] - axes.x[0])
        mu2 = axes.y[0] + (axes.height - axes.bottom - units[:, 1]) / axes.clip()[3] * (axes.y[1] - axes.y[0])
        found.append(top - mixture.loglik(np.column_stack([mu1, mu2]), x))
    assert any(np.allclose(drop, level, atol=0.1) for drop in found)
    assert all(b > a for a, b in pairwise(arrows_figure.LEVELS))


def test_command_prints_the_explorable(capsys: pytest.CaptureFixture[str]) -> None:
    main(["same-slope", "--id", "front"])
    assert capsys.readouterr().out.strip() == ex.same_slope("front").html
    with pytest.raises(SystemExit):
        main(["no-such-figure"])


def test_a_range_is_shaded_under_the_curve_and_named() -> None:
    html = EXPLORABLES["slider with ranges"]().html
    outline = ex.outline([0, 1], [0, 0.25], [0, 0.5])
    assert outline.tolist() == [[0, 0], [1, 0.25], [1, 0.5], [0, 0]]
    picture = re.findall(r'<path class="([^"]*)" data-curve d="([^"]*)"', html)
    assert [kind for kind, _ in picture] == ["range", "curve s0"]
    assert picture[0][1].endswith("z")
    data = json.loads(data_text(html))
    assert [len(paths) for paths in data["paths"]] == [2, 2, 2]
    assert "what is seen" in html


def test_ranges_that_do_not_match_the_frames_are_refused() -> None:
    for change in ({"ranges": ranges()[:2], "range_name": "what is seen"}, {"ranges": ranges()}):
        with pytest.raises(ValueError, match="give one each, and range_name"):
            ex.slider("a-range", frames(), **WORDS, **change)
