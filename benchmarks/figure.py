"""The growth curves as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.fits import Growth

_QUANTITIES = ("units", "dimension", "depth")


def draw(growths: list[Growth], path: Path) -> None:
    """Draw seconds a region against each quantity, both axes logarithmic, as SVG."""
    mpl.use("Agg")
    # The same measurements give the same file.
    with mpl.rc_context({"svg.hashsalt": "growth", "font.size": 9}):
        figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
        for axis, quantity in zip(axes, _QUANTITIES, strict=True):
            for growth in growths:
                if growth.curve.quantity == quantity:
                    label = f"{growth.curve.label} ({growth.exponent:+.2f})"
                    axis.loglog(
                        growth.x, [1e6 * s for s in growth.seconds], ".-", label=label, base=10
                    )
            axis.set_xlabel(quantity)
            axis.grid(visible=True, which="both", alpha=0.2)
            axis.legend(fontsize=7)
        axes[0].set_ylabel("microseconds a region")
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
