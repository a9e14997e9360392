"""The picture from gross to net, drawn on the server: a bar hangs where the one before ended and leads to its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciliation.admin.shared import list_url
from reconciliation.queries import Step


@dataclass(frozen=True)
class Bar:
    """One bar, in the units of its picture."""

    label: str
    amount: str
    tone: str
    x: int
    y: float
    height: float
    middle: int
    url: str


@dataclass(frozen=True)
class Fall:
    """The whole picture: widths and heights are attributes, never styles."""

    width: int
    height: int
    bars: list[Bar]
    currency: str

    @property
    def base(self) -> int:
        """Where the labels stand."""
        return self.height - 8

    @property
    def whole(self) -> int:
        """How high a bar's link is."""
        return self.height


_BAR, _GAP, _TOP, _PLOT, _FOOT = 88, 16, 26, 150, 30


def fall_of(steps: Sequence[Step], **rows: Any) -> Fall | None:
    """The steps as bars; None where nothing was moved. ``rows``: the filter of the list of rows they are made of."""
    if not any(step.amount.value for step in steps):
        return None
    levels: list[tuple[int, int]] = []
    level = 0
    for step in steps:
        start = 0 if step.is_sum else level
        level = step.amount.value if step.is_sum else level + step.amount.value
        levels.append((start, level))
    highest = max(0, *(max(pair) for pair in levels))
    lowest = min(0, *(min(pair) for pair in levels))
    scale = _PLOT / (highest - lowest)
    bars = []
    for index, (step, (start, end)) in enumerate(zip(steps, levels, strict=True)):
        x = index * (_BAR + _GAP)
        tone = "end" if step.is_sum and index else "whole" if step.is_sum else "out" if step.amount.value < 0 else "in"
        bars.append(
            Bar(
                label=step.label,
                amount=step.amount.display.replace("-", "−"),
                tone=tone,
                x=x,
                y=round(_TOP + (highest - max(start, end)) * scale, 1),
                height=max(round(abs(end - start) * scale, 1), 2),
                middle=x + _BAR // 2,
                url=list_url("settlementrow", **rows, step=step.key),
            )
        )
    return Fall(len(bars) * (_BAR + _GAP) - _GAP, _TOP + _PLOT + _FOOT, bars, steps[0].amount.currency)
