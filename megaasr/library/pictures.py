"""Pictures by matplotlib, which is an extra: figures without a display, and their bytes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from megaasr_core.base.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure of that size in inches, without a window or any global state of matplotlib.

    Raises:
        ParameterError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ParameterError("pictures need matplotlib; run: pip install 'megaasr[plot]'") from error
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Figure, dpi: int) -> bytes:
    """The figure as a PNG; equal figures give equal bytes."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()
