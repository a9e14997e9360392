"""The sandbox's books: double entry, only ever added to, and the truth that everything else is compared with.

A posting is a set of entries that sums to zero in every currency. A positive entry means the account holds more.
Accounts: ``wallet:<WALLET>:<user>``, ``pending:<client>`` (the merchant's money until settlement),
``settled:<client>``, ``fees`` (the acquirer's income), ``exchange`` (the acquirer's currency position), ``outside``.
"""

from collections import defaultdict
from collections.abc import Sequence

from portal.sandbox.context import Context

Entry = tuple[str, str, int]
"""Account, currency, value in minor units."""

OUTSIDE = "outside"
FEES = "fees"
EXCHANGE = "exchange"


class Unbalanced(AssertionError):
    """A posting that would not sum to zero: an error in the sandbox itself."""


def user_account(wallet: str, user_id: str) -> str:
    """The ledger account of a wallet's user."""
    return f"wallet:{wallet}:{user_id}"


def pending_account(client_id: str) -> str:
    """The merchant's money that is not settled yet."""
    return f"pending:{client_id}"


def settled_account(client_id: str) -> str:
    """The merchant's money that was paid out."""
    return f"settled:{client_id}"


def post(context: Context, kind: str, reference: str, entries: Sequence[Entry]) -> None:
    """Write one posting. Raises Unbalanced before anything is written."""
    sums: dict[str, int] = defaultdict(int)
    for _, currency, value in entries:
        sums[currency] += value
    if any(sums.values()):
        raise Unbalanced(f"{kind} {reference} leaves {dict(sums)}.")
    posting = 1 + context.store.value("SELECT COALESCE(MAX(number), 0) FROM entries")
    now = context.now()
    context.store.run_many(
        "INSERT INTO entries (posting, at, kind, reference, account, currency, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(posting, now, kind, reference, account, currency, value) for account, currency, value in entries if value],
    )


def balances(context: Context) -> dict[str, dict[str, int]]:
    """What every account holds, by currency, in minor units."""
    held: dict[str, dict[str, int]] = defaultdict(dict)
    for row in context.store.all(
        "SELECT account, currency, SUM(value) AS held FROM entries GROUP BY account, currency ORDER BY 1, 2"
    ):
        held[row["account"]][row["currency"]] = row["held"]
    return dict(held)


def faults_in_the_books(context: Context) -> list[str]:
    """What is wrong with the books, in sentences; empty when they balance and agree with the accounts."""
    complaints = [
        f"Posting {row['posting']} leaves {row['total']} {row['currency']}."
        for row in context.store.all(
            "SELECT posting, currency, SUM(value) AS total FROM entries GROUP BY posting, currency HAVING total != 0"
        )
    ]
    held = balances(context)
    for account in context.store.all("SELECT user_id, wallet, currency, balance FROM accounts"):
        name = user_account(account["wallet"], account["user_id"])
        booked = held.get(name, {}).get(account["currency"], 0)
        if booked != account["balance"]:
            complaints.append(f"{name} holds {account['balance']} {account['currency']}, the books say {booked}.")
    return complaints
