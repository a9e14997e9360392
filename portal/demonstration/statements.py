"""What the shop's bank lists of a day: one line for each transfer that has arrived, imported as finance would."""

from collections.abc import Sequence

from portal import clock
from portal.actor import Actor
from portal.clock import ACQUIRER_ZONE
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import operations as reconciling


def arrive(account: AcquirerAccount, whose: str, transfers: Sequence[tuple[Money, str]], *, by: Actor) -> None:
    """Import the statement of today: amounts, and the settlements their texts name. Nothing where none came."""
    today = clock.now().astimezone(ACQUIRER_ZONE).date()
    lines = [",".join(("amount", "currency", "value_date", "reference", "text"))]
    for number, (arrived, settlement) in enumerate(transfers, 1):
        if arrived.value > 0:
            reference = f"{whose[:2]}{today:%Y%m%d}{number:02d}"
            text = f"{whose} SETTLEMENT {settlement}"
            lines.append(",".join((arrived.major, arrived.currency, today.isoformat(), reference, text)))
    if len(lines) > 1:
        name = f"statement-{account.slug}-{today.isoformat()}.csv"
        reconciling.import_statement(name, "\n".join(lines).encode(), account=account, by=by)
