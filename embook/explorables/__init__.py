"""Interactive figures for the pages: plain SVG and a few lines of script, no library.

Each draws its start without a script, obeys the keyboard, tells a screen reader what it shows, and loads nothing from
another host. Imports nothing else of `embook`, nor `emlib`: the numbers are computed here or by the caller.
"""

from embook.explorables.arrows_figure import three_arrows
from embook.explorables.axes import Axes
from embook.explorables.joined import joined
from embook.explorables.page import Explorable
from embook.explorables.slope_figure import same_slope
from embook.explorables.stepped import Stepped, draggable, outline, slider

__all__ = ["Axes", "Explorable", "Stepped", "draggable", "joined", "outline", "same_slope", "slider", "three_arrows"]
