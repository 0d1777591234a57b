"""Interactive figures that a reader can take hold of: plain SVG, a few lines of our own script, no library.

Each draws its start without a script, obeys the keyboard, tells a screen reader what it shows, and asks no
host for anything.
"""

from emlib.report.explorables.arrows_figure import three_arrows
from emlib.report.explorables.axes import Axes
from emlib.report.explorables.joined import joined
from emlib.report.explorables.page import Explorable
from emlib.report.explorables.slope_figure import same_slope
from emlib.report.explorables.stepped import Stepped, draggable, outline, slider

__all__ = ["Axes", "Explorable", "Stepped", "draggable", "joined", "outline", "same_slope", "slider", "three_arrows"]
