"""A month's journal as a file: CSV for spreadsheets and programs, or beancount's text.

The same books give the same bytes: nothing in a file says when or by whom it was made. Of a closed month they never
change any more. Amounts are in major units of their currency, debits positive. Each file of beancount's stands alone:
its accounts are opened by a plugin of beancount's own, which a book that includes the files of several months names
itself.
Source of the format: https://beancount.github.io/docs/beancount_language_syntax.html
"""

import csv
import io
import re
from collections.abc import Iterable

from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.bookkeeping import Entry
from reconciliation.models import Ledger, Period

HEAD = (
    "period", "account", "day", "batch", "psp", "adjusting", "ledger", "ledger_name", "debit", "credit", "currency",
    "value_minor",
)  # fmt: skip
NAMES = {
    Ledger.BANK: "Assets:Bank",
    Ledger.IN_TRANSIT: "Assets:In-Transit",
    Ledger.BANK_CHARGES: "Expenses:Bank-Charges",
    Ledger.CLEARING: "Assets:Clearing",
    Ledger.RESERVE: "Assets:Reserve",
    Ledger.ACQUIRER: "Assets:Due-From-Acquirer",
    Ledger.OTHER_CHANNELS: "Assets:Other-Channels",
    Ledger.SUSPENSE: "Assets:Suspense",
    Ledger.FEES: "Expenses:Fees",
    Ledger.COUPONS: "Expenses:Coupons",
    Ledger.FX: "Expenses:Exchange",
    Ledger.ROUNDING: "Expenses:Rounding",
    Ledger.DISPUTES: "Expenses:Disputes",
    Ledger.CORRECTIONS: "Expenses:Corrections",
    Ledger.DIFFERENCES: "Expenses:Differences",
    Ledger.WRITTEN_OFF: "Expenses:Written-Off",
}
"""The accounts, in the root names every beancount book has."""
_DANGEROUS = tuple("=+-@\t\r\n")


def csv_text(period: Period, entries: Iterable[Entry]) -> bytes:
    """One line per posting. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    held = io.StringIO()
    sheet = csv.writer(held, lineterminator="\r\n")
    sheet.writerow(HEAD)
    for entry in entries:
        currency = entry.batch.currency
        for ledger, value in entry.lines:
            amount = Money(abs(value), currency).major
            sheet.writerow(
                (
                    f"{period.month:%Y-%m}",
                    _cell(period.account.slug),
                    entry.day.isoformat(),
                    _cell(entry.batch.batch_id),
                    _cell(entry.batch.psp),
                    "yes" if entry.is_adjusting else "no",
                    ledger.value,
                    ledger_name(ledger, period.account),
                    amount if value > 0 else "",
                    amount if value < 0 else "",
                    currency,
                    value,
                )
            )
    return held.getvalue().encode()


def beancount_text(period: Period, entries: Iterable[Entry]) -> bytes:
    """One transaction per entry."""
    account = period.account
    lines = [
        f"; {period} of {_words(account.name)}: what the acquirer settled, by batch. Debits are positive.",
        "; Accounts are opened where they are first used; a book that includes this file names the plugin itself.",
        'plugin "beancount.plugins.auto_accounts"',
    ]
    for entry in entries:
        batch = entry.batch
        what = "Adjustment of settlement" if entry.is_adjusting else "Settlement"
        named = f"{what} {batch.batch_id}" + (f" by {batch.psp}" if batch.psp else "")
        lines += [
            "",
            f'{entry.day.isoformat()} * "{_words(account.name)}" "{_words(named)}"',
            f'  batch: "{_words(batch.batch_id)}"',
            f"  initiated: {batch.initiated_on.isoformat()}",
        ]
        lines += [
            f"  {ledger_name(ledger, account):<40}  {Money(value, batch.currency).major:>16} {batch.currency}"
            for ledger, value in entry.lines
        ]
    return ("\n".join(lines) + "\n").encode()


def ledger_name(ledger: Ledger, account: AcquirerAccount) -> str:
    """``Assets:Bank:Shop-singapore``."""
    slug = re.sub(r"[^A-Za-z0-9-]", "-", account.slug)
    return f"{NAMES[ledger]}:{slug[:1].upper()}{slug[1:]}"


def _words(text: str) -> str:
    """A text inside quotation marks: no quotation mark, no backslash, no line break of its own."""
    return re.sub(r"\s+", " ", text.replace("\\", "/").replace('"', "'")).strip()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_DANGEROUS) else text
