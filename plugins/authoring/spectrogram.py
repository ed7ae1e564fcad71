"""Two spectrograms side by side, drawn so that every condition page can be compared with every other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from megaasr import Audio, OutputError, one_line

COLUMN_S = 0.02
WINDOW_SAMPLES = 256
LOWEST_DB, HIGHEST_DB, STEP_DB = -95, -25, 5

CELL_PX = 2
MARGIN_PX = {"left": 52, "between": 14, "right": 96, "bottom": 46, "top": 28}
COLOUR_BAR_PX = (12, 14)
"""Distance from the second panel, and width."""
DPI = 100


def spectrogram_db(audio: Audio) -> npt.NDArray[np.float64]:
    """Level by frequency and time, dB re the peak of a full-scale sine, shape (128, num_columns).

    A column is the mean power of two Hann windows of 16 ms that lie inside its 20 ms. Losses are made of whole 20 ms
    frames, so each has columns of its own. A row is 62.5 Hz; its own frequency is at its middle.
    """
    hop = round(COLUMN_S * audio.sample_rate)
    num_columns = len(audio.samples) // hop
    starts = np.arange(num_columns)[:, None] * hop + np.array([0, hop - WINDOW_SAMPLES])
    window = np.hanning(WINDOW_SAMPLES + 1)[:-1]
    frames = audio.samples.astype(np.float64)[starts[..., None] + np.arange(WINDOW_SAMPLES)] * window
    power = np.mean(np.abs(np.fft.rfft(frames) * 2.0 / window.sum()) ** 2, axis=1)
    levels: npt.NDArray[np.float64] = 10.0 * np.log10(np.maximum(power[:, :-1].T, 1e-20))
    return levels


def draw(path: Path, before: Audio, after: Audio, severity: float) -> None:
    """Write a PNG: before on the left, after on the right; equal sounds give equal bytes.

    A cell of the spectrogram is a whole number of pixels and the colours go in steps of 5 dB: nothing is smoothed, and
    the file stays small.

    Raises:
        OutputError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import BoundaryNorm
        from matplotlib.figure import Figure
        from PIL import Image
    except ImportError as error:
        raise OutputError(f"pictures need matplotlib ({one_line(error)}): pip install 'megaasr[plot]'") from error

    pictures = [spectrogram_db(before), spectrogram_db(after)]
    rows, columns = pictures[0].shape
    width, height = columns * CELL_PX, rows * CELL_PX
    lefts = [MARGIN_PX["left"], MARGIN_PX["left"] + width + MARGIN_PX["between"]]
    total = (lefts[1] + width + MARGIN_PX["right"], MARGIN_PX["bottom"] + height + MARGIN_PX["top"])
    bounds = np.arange(LOWEST_DB, HIGHEST_DB + 1, STEP_DB)
    colours = mpl.colormaps["magma"].resampled(len(bounds) + 1)
    norm = BoundaryNorm(bounds, colours.N, extend="both")
    extent = (0.0, columns * COLUMN_S, 0.0, after.sample_rate / 2000.0)
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 9.0, "axes.titlesize": 10.0}):
        figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI)
        canvas = FigureCanvasAgg(figure)

        def place(left: int, wide: int) -> tuple[float, float, float, float]:
            return (left / total[0], MARGIN_PX["bottom"] / total[1], wide / total[0], height / total[1])

        for left, picture, title in zip(lefts, pictures, ("before", f"after, severity {severity:g}"), strict=True):
            axes = figure.add_axes(place(left, width))
            image = axes.imshow(
                picture, cmap=colours, norm=norm, origin="lower", extent=extent, aspect="auto", interpolation="nearest"
            )
            axes.set_title(title)
            axes.set_xlabel("time (s)")
            axes.set_yticks(range(0, 9, 2))
            if left == lefts[0]:
                axes.set_ylabel("frequency (kHz)")
            else:
                axes.tick_params(labelleft=False)
        bar = figure.add_axes(place(lefts[1] + width + COLOUR_BAR_PX[0], COLOUR_BAR_PX[1]))
        figure.colorbar(image, cax=bar, ticks=bounds[::2], label="level (dB re full scale)")
        canvas.draw()  # type: ignore[no-untyped-call]
        rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        pixels = Image.fromarray(rgba[..., :3].copy())
    # A palette holds all the colours of the steps and enough greys for the lettering, in a third of the bytes.
    pixels.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)
