"""A second copy of a batch that is here already: compared row by row, never added up twice."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from portal import clock
from reconciliation.errors import BatchDiffers
from reconciliation.models import Batch, ReportFile

_DIFFERENCES_SHOWN = 5


class CopyRow(NamedTuple):
    """A row as far as two copies are compared: its ids, its line, its printed cells."""

    key: tuple[str, ...]
    line: int
    raw: dict[str, str]


class SameAsBefore(Exception):
    """The batch is here, from another file that says the same in every row."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def when(file: ReportFile) -> str:
    """When, as what and by whom a file was imported."""
    moment = (file.imported_at or file.tried_at).astimezone(clock.ACQUIRER_ZONE)
    return f"on {moment:%Y-%m-%d} at {moment:%H:%M} UTC+8 as {file.name} (by {file.imported_by or 'nobody'})"


def compare_copies(batch: Batch, earlier: ReportFile, here: Sequence[CopyRow], given: Sequence[CopyRow]) -> None:
    """Compare by ids and, among rows with the same ids, in their order.

    Raises SameAsBefore when every row says the same, BatchDiffers with the first differences otherwise.
    """
    waiting: dict[tuple[str, ...], list[CopyRow]] = defaultdict(list)
    for row in here:
        waiting[row.key].append(row)
    differences: list[str] = []
    for row in given:
        if not waiting[row.key]:
            differences.append(f"line {row.line} ({_named(row)}) is new")
            continue
        known = waiting[row.key].pop(0)
        for column in sorted(known.raw.keys() | row.raw.keys()):
            was, now = known.raw.get(column, "empty"), row.raw.get(column, "empty")
            if was != now:
                differences.append(f"line {row.line} ({_named(row)}): {column} is {now}, was {was}")
    for left in waiting.values():
        differences += [f"its line {row.line} ({_named(row)}) is missing here" for row in left]
    said = f"Batch {batch} of {batch.psp} in {batch.currency} was imported already, {when(earlier)}."
    if not differences:
        raise SameAsBefore(f"{said} This copy says the same in all {len(given)} rows. Nothing was added.")
    shown = "; ".join(differences[:_DIFFERENCES_SHOWN])
    more = len(differences) - _DIFFERENCES_SHOWN
    rest = f"; and {more} more" if more > 0 else ""
    raise BatchDiffers(
        problem=(
            f"{said} A batch is never added up twice, and this copy differs: {shown}{rest}. "
            "Ask the acquirer which of the two is right."
        )
    )


def _named(row: CopyRow) -> str:
    """The type, and our id or else theirs."""
    row_type, *ids = row.key
    return " ".join((row_type, *[found for found in reversed(ids) if found][:1]))
