"""SVG pictures compared by what they show: noise passes, and whatever a reader could see does not."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

import same_picture
from curve_distance import alike
from same_picture import differences
from svg_paths import area, curves, inside

X = np.linspace(0, 10, 400)
WAVE = np.sin(X)
JAGGED = np.random.default_rng(3).normal(size=X.size)  # fills a band: near every point lies another part of it
PIXEL = 0.75  # points


def drawn(
    y: Any = WAVE, *, lift: float = 0.0, noise: float = 0.0, markers: int = 5, ylim: Any = (-4, 4),
    bare: bool = False, **rc: Any,
) -> str:  # fmt: skip
    """Draw a curve, `lift` CSS pixels too high, with a band and markers; `noise` disturbs every number.

    With `bare` the axes themselves are not drawn.
    """
    with mpl.rc_context({"svg.hashsalt": "emlib", **rc}):
        figure = Figure(figsize=(4, 3))
        axes = figure.add_subplot(xlabel="step", ylabel="gain", xlim=(0, 10), ylim=ylim)
        shifted = axes.transData + Affine2D().translate(0, lift * PIXEL)
        axes.plot(X, np.asarray(y) * (1 + noise), transform=shifted, label="curve", gid="curve")
        axes.fill_between(X, WAVE - 0.5 + noise, WAVE + 0.5, color="#0072B2", alpha=0.3, gid="band")
        axes.plot(np.arange(markers) + 0.5 + noise, np.full(markers, 2.0), "o", color="#009E73", gid="discs")
        axes.plot([8, 9], [3, 3], "s", color="#D55E00", gid="squares")
        axes.legend(loc="lower right")
        axes.axison = not bare
        picture = io.StringIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()


COMMITTED = drawn()


def names(picture: str) -> list[str]:
    """Return the hashed ids in their order."""
    return re.findall(r' id="(m\w{10})"', picture)


def test_noise_in_the_last_digits_is_not_seen_though_it_changes_names_and_numbers() -> None:
    noisy = drawn(noise=1e-8)
    assert names(noisy) != names(COMMITTED)
    assert set(re.findall(r"[\d.]{9,}", noisy)) != set(re.findall(r"[\d.]{9,}", COMMITTED))
    assert differences(COMMITTED, noisy) == []


@pytest.mark.parametrize("y", [WAVE, JAGGED], ids=["smooth", "jagged"])
def test_vertices_that_simplification_leaves_out_are_not_missed(y: Any) -> None:
    whole, simplified = drawn(y, **{"path.simplify": False}), drawn(y)
    assert whole.count("\nL ") > simplified.count("\nL ")
    assert differences(simplified, whole) == differences(whole, simplified) == []


def test_a_curve_may_move_by_less_than_half_a_pixel_and_not_by_two() -> None:
    assert differences(COMMITTED, drawn(lift=0.4)) == []
    assert differences(COMMITTED, drawn(lift=2)) == ["curve is drawn elsewhere, up to 2.0 px away"]


@pytest.mark.parametrize("y", [WAVE, JAGGED], ids=["smooth", "jagged"])
@pytest.mark.parametrize("simplify", [True, False])
def test_one_vertex_may_not_move_by_two_pixels(y: Any, simplify: bool) -> None:
    unit = 8 / (0.77 * 3 * 96)  # a CSS pixel in numbers of the axes
    other = np.array(y)
    other[200] += 2.2 * unit
    (found,) = differences(drawn(y), drawn(other, **{"path.simplify": simplify}))
    assert found.startswith("curve is drawn elsewhere")


def test_two_jagged_curves_in_one_band_are_not_the_same() -> None:
    other = np.array(JAGGED)
    other[150:250] = other[150:250][::-1]
    assert len(differences(drawn(JAGGED), drawn(other))) == 1


def test_a_missing_marker_is_missed() -> None:
    (found,) = differences(COMMITTED, drawn(markers=4))
    assert "marks instead of" in found
    last = COMMITTED.replace("</svg>", '<g id="late"><path d="M 0 0 L 1 1"/></g></svg>')
    for picture, other in ((COMMITTED, last), (last, COMMITTED)):
        assert differences(picture, other)[0].endswith("late is extra or missing")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("#009e73", "#009e74", "discs looks different: fill: #009e73"),
        ("<!-- gain -->", "<!-- pain -->", 'the text "gain" reads "pain"'),
        ("<!-- 2 -->", "<!-- 3 -->", 'the text "2" reads "3"'),
        ("stroke-width: 1.5", "stroke-width: 1.6", "curve looks different"),
        ("fill-opacity: 0.3", "fill-opacity: 0.4", "band looks different"),
        ("#DejaVuSans-", "#DejaVuSans-Bold-", "looks different: #DejaVuSans became #DejaVuSans-Bold"),
        ("scale(0.1 -0.1)", "scale(0.12 -0.12)", "is drawn elsewhere"),
        ('<rect x="36"', '<rect x="38"', "is cut off elsewhere"),
    ],
)
def test_words_styles_and_windows_are_compared_exactly(old: str, new: str, complaint: str) -> None:
    # a definition and its references change together
    assert old in COMMITTED
    changed = COMMITTED.replace(old, new).replace(f'id="{old[1:]}', f'id="{new[1:]}')
    assert any(complaint in found for found in differences(COMMITTED, changed))


def test_names_may_be_exchanged_but_what_they_mean_may_not() -> None:
    disc, square = re.findall(r'href="#(m\w{10})"[^>]*fill: #(?:009e73|d55e00)', COMMITTED)[0::5]
    other = {disc: square, square: disc}
    everywhere = re.sub(f"{disc}|{square}", lambda found: other[found[0]], COMMITTED)
    references = re.sub(f'(?<=href="#)({disc}|{square})', lambda found: other[found[0]], COMMITTED)
    assert everywhere != COMMITTED
    assert differences(COMMITTED, everywhere) == []
    assert differences(COMMITTED, references)[0].startswith("discs looks different")


def test_what_lies_outside_the_axes_does_not_matter() -> None:
    away = np.where(X > 9.9, 60.0, WAVE)
    farther = np.where(X > 9.9, 65.0, WAVE)
    assert differences(drawn(away), drawn(farther)) == []
    assert differences(drawn(away), drawn(WAVE))


def moved(picture: str, group: str, by: float) -> str:
    """Move a group to the right by CSS pixels."""
    assert f'<g id="{group}">' in picture
    return picture.replace(f'<g id="{group}">', f'<g id="{group}" transform="translate({by * PIXEL} 0)">')


def by_another_matplotlib(picture: str) -> str:
    """Let the picture say that Matplotlib 3.9 drew it."""
    return re.sub(r"Matplotlib v\d+\.\d+", "Matplotlib v3.9", picture)


def test_another_matplotlib_may_lay_axes_and_text_out_a_little_elsewhere_but_not_what_they_hold() -> None:
    other = by_another_matplotlib(COMMITTED)
    assert other != COMMITTED
    for group, by, passes in [("axes_1", 4, True), ("axes_1", 9, False), ("text_1", 3, True), ("text_1", 9, False),
                              ("legend_1", 4, True), ("curve", 2, False), ("discs", 2, False)]:  # fmt: skip
        assert (differences(COMMITTED, moved(other, group, by)) == []) is passes, (group, by)
        # the same Matplotlib has no such excuse
        assert differences(COMMITTED, moved(COMMITTED, group, by)), (group, by)


def test_axes_that_are_not_drawn_lie_where_their_contents_are_cut_off() -> None:
    bare = drawn(bare=True)
    other = by_another_matplotlib(bare)
    for group, by, passes in [("axes_1", 4, True), ("axes_1", 9, False), ("curve", 2, False), ("discs", 2, False)]:
        assert (differences(bare, moved(other, group, by)) == []) is passes, (group, by)


@pytest.mark.parametrize(
    "extra",
    ['<image href="data:,"/>', '<path d="M 0 0 L 1"/>', '<use href="#nowhere"/>', "<broken>",
     '<path d="M 0 0 L 1 1" style="fill: url(#pattern)"/>', '<g transform="skewX(10)"/>'],
)  # fmt: skip
def test_what_the_comparison_does_not_know_is_compared_exactly(extra: str) -> None:
    strange = COMMITTED.replace("</svg>", f"{extra}</svg>")
    assert differences(strange, strange) == []
    (found,) = differences(strange, strange.replace(">\n", ">\n\n", 1))
    assert "compared only exactly" in found


def test_only_the_first_differences_are_told() -> None:
    found = differences(COMMITTED, COMMITTED.replace("stroke: #000000", "stroke: #000001"))
    assert len(found) == same_picture.MOST + 1
    assert re.fullmatch(r"and \d+ more differences", found[-1])


def test_curves_are_walked_along_in_order() -> None:
    there = np.array([[0.0, 0.0], [10.0, 0.0]])
    back_and_forth = np.array([[0.0, 0.0], [6.0, 0.0], [4.0, 0.0], [10.0, 0.0]])
    assert alike(there, back_and_forth, 1.01)
    assert not alike(there, back_and_forth, 0.99)
    assert not alike(there, there[::-1], 9.9)
    assert alike(there[:1], there[:1] + 0.3, 0.5)
    assert not alike(there, there[:1], 9.9)


def test_path_data_are_read_as_curves() -> None:
    line, loop = curves("M 0 0 L 1 0 l 1 2 M 5 5 C 5 6 6 6 6 5 Q 5.5 4 5 5 z")
    assert line.points.tolist() == [[0, 0], [1, 0], [2, 2]]
    assert not line.closed
    assert loop.closed
    assert loop.points[:, 1].max() == pytest.approx(5.75)
    assert loop.points[0].tolist() == loop.points[-1].tolist()
    for wrong in ("1 2", "M 0", "L 1 1", "M 0 0 z 1 1", "z"):
        with pytest.raises(ValueError, match=r"(?i)path|implicit command"):
            curves(wrong)


def test_a_curve_is_cut_at_the_sides_of_its_window() -> None:
    zigzag = np.array([[-1.0, 0.5], [2.0, 0.5], [2.0, 0.7], [-1.0, 0.7], [0.5, 0.7]])
    pieces = inside(zigzag, np.zeros(2), np.ones(2))
    assert [piece.tolist() for piece in pieces] == [[[0, 0.5], [1, 0.5]], [[1, 0.7], [0, 0.7]], [[0, 0.7], [0.5, 0.7]]]


def filled(low: float, high: float) -> str:
    """Draw an area from the middle of the axes to far outside."""
    with mpl.rc_context({"svg.hashsalt": "emlib"}):
        figure = Figure(figsize=(4, 3))
        axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
        axes.fill_between(np.linspace(-1, 2, 50), low, high, color="r", alpha=0.3)
        picture = io.StringIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()


@pytest.mark.parametrize(("low", "high", "same"), [
    (0.5, 5.0, True), (0.5, 7.0, True), (0.5, -4.0, False), (-3.0, 5.0, False), (2.0, 5.0, False)])
def test_an_area_is_compared_by_what_its_window_shows(low: float, high: float, same: bool) -> None:
    assert (differences(filled(0.5, 5.0), filled(low, high)) == []) is same


def test_the_area_of_a_polygon_is_that_of_what_the_window_shows() -> None:
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    low, high = np.array([1.0, -1.0]), np.array([3.0, 2.0])
    np.testing.assert_allclose(area(square, low, high), [4.0, 4.0, 8.0])  # its centre lies at (2, 1)
    np.testing.assert_allclose(area(square[::-1], low, high), [4.0, 4.0, 8.0])
    np.testing.assert_array_equal(area(square + 10, low, high), np.zeros(3))
    assert area(square[:3], np.array([-9.0, -9.0]), np.array([9.0, 9.0]))[0] == 8.0
