"""The directive that puts an explorable on a page that is no notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from embook import explorables as ex
from tests.book.one_page import build

PAGE = """# A page

See {numref}`fig-front`.

```{explorable} same-slope
:name: fig-front
One slope, two curvatures: the bound touches $\\ell$.
```
"""


SETTINGS = {"extensions": ["myst_parser", "embook.pages.explorables"], "numfig": True}


def test_directive_makes_a_numbered_captioned_figure_that_can_be_linked(tmp_path: Path) -> None:
    html, complaints = build(tmp_path, PAGE, SETTINGS)
    assert complaints == ""
    assert ex.same_slope("same-slope-explorable").html in html
    assert 'id="fig-front"' in html
    assert '<span class="caption-number">Fig. 1 </span>' in html
    assert 'href="#fig-front"' in html
    assert "math" in html.split("figcaption")[1]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("same-slope\n", "no-such\n"), "use one of same-slope, three-arrows"),
        (("One slope, two curvatures: the bound touches $\\ell$.\n", ""), "has no caption"),
    ],
)
def test_directive_refuses_an_unknown_name_and_a_missing_caption(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    html, complaints = build(tmp_path, PAGE.replace(*change), SETTINGS)
    assert complaint in complaints
    assert 'class="emx"' not in html
