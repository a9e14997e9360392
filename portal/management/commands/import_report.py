"""``manage.py import_report FILE…``: import settlement reports, one by one, each whole or not at all.

Files may be CSV, XLSX or ZIP; parts of one report (``_000``, ``_001`` …) are put together, and so are the transactions
and the fees of a clearing.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import checks
from portal.actor import Actor
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import operations
from reconciliation.layouts import LayoutChange
from reconciliation.models import AmountUnit, FeeParts, FeeSign
from reconciliation.operations import Answers, Outcome, Result
from reconciliation.reading import Delivery, gather
from reconciliation.reading.archives import MAX_ARCHIVE_BYTES, MAX_REPORT_BYTES, is_packed

REFUSED = 2
"""The exit status when a file was refused; the others were imported all the same."""


class Command(BaseCommand):
    """Exit 0: every file is imported or was already. Exit 2: one was refused, with a sentence."""

    help = "Import settlement reports (of transactions, settlements and clearings)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="reports as CSV, XLSX or ZIP")
        parser.add_argument("--account", metavar="SLUG", help="acquirer account; else told by the file's customerId")
        parser.add_argument("--unit", choices=("major", "minor"), help="of amounts, where a file cannot tell it")
        parser.add_argument(
            "--fee-sign", choices=("charge-negative", "charge-positive"), help="of fees, where a file cannot tell it"
        )
        parser.add_argument(
            "--fee-parts",
            choices=("beside", "inside"),
            help="where tax, processing and dispute fees of E1 to E3 stand, where a file cannot tell it",
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would happen and keep nothing")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="how to answer")

    def handle(self, *args: Any, **options: Any) -> None:
        checks.refuse_unready_database()
        account = self._account(options["account"])
        answers = Answers(
            AmountUnit(options["unit"].upper()) if options["unit"] else None,
            FeeSign(options["fee_sign"].upper().replace("-", "_")) if options["fee_sign"] else None,
            FeeParts(options["fee_parts"].upper()) if options["fee_parts"] else None,
        )
        outcomes: list[Outcome] = []
        given: list[tuple[str, bytes]] = []
        large: list[Path] = []
        for file in options["files"]:
            try:
                with file.open("rb") as opened:
                    beginning = opened.read(MAX_REPORT_BYTES + 1)
                    if len(beginning) > MAX_REPORT_BYTES and not is_packed(beginning):
                        large.append(file)
                    else:
                        given.append((str(file), beginning + opened.read(MAX_ARCHIVE_BYTES)))
            except OSError as reason:
                why = reason.strerror or "it cannot be read"
                sentence = f"{file} cannot be opened: {why}."
                outcomes.append(Outcome(Result.REFUSED, file.name, sentence, code="unreadable_path"))
        is_rehearsal = options["dry_run"]
        outcomes = [
            *(self._one(one, account, answers, is_rehearsal=is_rehearsal) for one in gather(given)),
            *(self._large(path, account, answers, is_rehearsal=is_rehearsal) for path in large),
            *outcomes,
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps([outcome.as_json() for outcome in outcomes], indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n\n".join(as_text(outcome) for outcome in outcomes))
        refused = sum(outcome.result is Result.REFUSED for outcome in outcomes)
        if refused:
            noun = "file was" if refused == 1 else "files were"
            raise CommandError(
                f"{refused} {noun} refused; nothing of {'it' if refused == 1 else 'them'} was kept.", returncode=REFUSED
            )

    def _account(self, slug: str | None) -> AcquirerAccount | None:
        if slug is None:
            return None
        account = AcquirerAccount.objects.filter(slug=slug).first()
        if account is None:
            known = ", ".join(AcquirerAccount.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no acquirer account {slug}. Accounts: {known}.", returncode=REFUSED)
        return account

    def _one(
        self, delivery: Delivery, account: AcquirerAccount | None, answers: Answers, *, is_rehearsal: bool
    ) -> Outcome:
        by = Actor.command("import_report")
        verb = operations.rehearse if is_rehearsal else operations.import_report
        try:
            if delivery.refusal is not None:
                raise delivery.refusal
            return verb(delivery.name, delivery.content, by=by, account=account, answers=answers)
        except PortalError as refusal:
            differences = getattr(refusal, "differences", [])
            return Outcome(Result.REFUSED, delivery.name, refusal.message, code=refusal.code, differences=differences)

    def _large(self, path: Path, account: AcquirerAccount | None, answers: Answers, *, is_rehearsal: bool) -> Outcome:
        """A file that is not read into memory."""
        try:
            verb = operations.rehearse_file if is_rehearsal else operations.import_file
            return verb(path, by=Actor.command("import_report"), account=account, answers=answers)
        except PortalError as refusal:
            return Outcome(Result.REFUSED, path.name, refusal.message, code=refusal.code)


def as_text(outcome: Outcome) -> str:
    """An outcome as a person reads it."""
    lines = [f"{outcome.file}: {outcome.result.upper()}", f"  {outcome.sentence}"]
    if outcome.result is Result.REFUSED or not outcome.law:
        return "\n".join(lines)
    for batch in outcome.batches:
        paid_by = f" of {batch.psp}" if batch.psp else ""
        lines.append(f"  Batch {batch.batch_id}{paid_by} in {batch.currency}")
    lines.append(f"  Amounts: {outcome.amount_unit.lower()} units ({outcome.amount_unit_basis})")
    if outcome.fee_sign_basis and outcome.kind != "SUMMARY":
        lines.append(f"  Fees: {outcome.fee_sign.lower().replace('_', ' ')} ({outcome.fee_sign_basis})")
    if change := LayoutChange(tuple(outcome.unknown_columns), tuple(outcome.absent_columns)):
        lines.append(f"  THE LAYOUT HAS CHANGED: {change.sentence()}")
    rows: list[tuple[str, ...]] = [("type", "rows", "reported", "matched", "explained", "open", "")]
    rows += [
        (
            line.type,
            str(line.count),
            *_amounts(line.currency, line.reported_value, line.matched_value, line.explained_value, line.open_value),
        )
        for line in outcome.types
    ]
    rows += [
        ("=", "", *_amounts(law.currency, law.reported_value, law.matched_value, law.explained_value, law.open_value))
        for law in outcome.law
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)),
        ]
        lines.append(f"  {'  '.join(cells)} {row[-1]}".rstrip())
    for found in outcome.discrepancies:
        where = f"line {found.line}" if found.line is not None else "file"
        stake = f" ({Money(found.stake_value, found.stake_currency)})" if found.stake_value else ""
        lines.append(f"  {found.reason} {where}: {found.sentence}{stake}")
    if outcome.discrepancy_count > len(outcome.discrepancies):
        lines.append(f"  … and {outcome.discrepancy_count - len(outcome.discrepancies)} more")
    return "\n".join(lines)


def _amounts(currency: str, *values: int) -> tuple[str, ...]:
    return (*(Money(value, currency).display for value in values), currency)
