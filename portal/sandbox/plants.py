"""Errors planted in the next settlement report, so that reconciliation has something to find.

The books stay right, and the report agrees with itself (every row closes, summary = details): it only disagrees with
what happened. Each plant strikes once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.sandbox.context import Context

KINDS = {
    "fee_differs": "a fee is higher, by so many minor units of the settlement currency (10)",
    "amount_short": "a payment is smaller, by so many minor units of its own currency (100)",
    "missing_row": "a row is left out, for good or (later) until the next batch",
    "unknown_row": "a payment that never was: request_id and value may be said",
    "duplicated_row": "a row stands there twice",
}
_USUALLY_BY = {"fee_differs": 10, "amount_short": 100}
_OPTIONS = frozenset({"kind", "client_id", "request_id", "by", "later", "value"})


class PlantUnclear(ValueError):
    """An error that cannot be planted; the sentence says why."""


@dataclass(frozen=True)
class Plant:
    """One error waiting for a report. ``request_id`` aims it at a transaction; else it takes the first payment.

    ``client_id`` keeps it for the reports of one merchant.
    """

    number: int
    kind: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def by(self) -> int:
        """How much is wrong, in minor units."""
        return int(self.options.get("by", _USUALLY_BY.get(self.kind, 0)))


def plant(context: Context, wish: dict[str, Any]) -> Plant:
    """Keep an error for the next settlement report. Raises PlantUnclear."""
    kind = wish.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise PlantUnclear(f"There is no discrepancy {kind!r}. There are: {', '.join(KINDS)}.")
    for name, value in wish.items():
        if name not in _OPTIONS:
            raise PlantUnclear(f"A planted discrepancy takes {', '.join(sorted(_OPTIONS))}, not {name!r}.")
        if name in ("by", "value") and (type(value) is not int or value <= 0):
            raise PlantUnclear(f"{name!r} must be a whole number above zero.")
    options = {name: value for name, value in wish.items() if name != "kind"}
    number = context.store.insert("plants", details=json.dumps({"kind": kind, "options": options}))
    return Plant(number, kind, options)


def waiting(context: Context, client_id: str | None = None) -> list[Plant]:
    """Every error that no report has shown yet; with a client, those that its reports may show."""
    rows = context.store.all("SELECT * FROM plants ORDER BY number")
    found = [Plant(row["number"], **json.loads(row["details"])) for row in rows]
    return [one for one in found if client_id is None or one.options.get("client_id") in (None, client_id)]


def used(context: Context, planted: Plant) -> None:
    """Forget an error that a report has shown."""
    context.store.run("DELETE FROM plants WHERE number = ?", (planted.number,))


def aim(planted: Plant, lines: Sequence[tuple[int, str, str]]) -> int | None:
    """Which of these lines (number, kind, request id) the error strikes; None when it waits for another report."""
    wanted = planted.options.get("request_id") if planted.kind != "unknown_row" else None
    for number, kind, request_id in lines:
        if (wanted is None and kind == "PAYMENT") or wanted == request_id:
            return number
    return None
