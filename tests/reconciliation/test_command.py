"""``manage.py import_report``: what it prints, what it answers as JSON, how it exits."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from portal.management.commands.import_report import as_text
from reconciliation.models import ReportFile, SettlementRow
from reconciliation.operations import Outcome, Result
from reconciliation.outcomes import LawLine
from tests.factories import AcquirerAccountFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import Books


def run(*arguments: Any) -> tuple[int, str, str]:
    """The exit status, what was printed, and the sentence of a failure."""
    out = io.StringIO()
    try:
        call_command("import_report", *[str(argument) for argument in arguments], stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_amounts_are_printed_as_the_desk_shows_them() -> None:
    law = LawLine("IDR", 1_114_000_00, 1_114_000_00, explained_value=0, open_value=0)
    printed = as_text(Outcome(Result.IMPORTED, "settlementItems.csv", "Imported.", law=[law]))
    assert printed.splitlines()[-1].split() == ["=", "1,114,000", "1,114,000", "0", "0", "IDR"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The three reports of one batch, as the acquirer names them."""
    (tmp_path / "settlementItems_USD_2026051498700001_000.csv").write_text(reports.SETTLEMENT)
    (tmp_path / "settlementSummary_USD_2026051498700001_000.csv").write_text(reports.SUMMARY)
    (tmp_path / "transactionItems_20260512_000.csv").write_text(reports.TRANSACTIONS)
    return tmp_path


def test_three_reports_are_imported_and_told_as_tables(may_books: Books, folder: Path) -> None:
    status, printed, _ = run(*sorted(folder.iterdir()))

    assert status == 0
    assert ReportFile.objects.count() == 3
    assert printed.splitlines()[:13] == [
        "settlementItems_USD_2026051498700001_000.csv: IMPORTED",
        "  Settlement details: 8 rows imported, nothing open.",
        "  Batch 2026051498700001 of EXAMPLE_PSP in USD",
        "  Amounts: major units (amounts are printed with decimal points)",
        "  Fees: charge negative (net = gross + fees closes on 6 rows, net = gross − fees on 0)",
        "  type            rows  reported  matched  explained  open",
        "  DISPUTE            1    -45.00     0.00     -45.00  0.00 USD",
        "  PAYMENT            3    179.63   179.63       0.00  0.00 USD",
        "  REFUND             2    -24.86   -24.86       0.00  0.00 USD",
        "  RESERVE            1     -5.00     0.00      -5.00  0.00 USD",
        "  SETTLEMENT_FEE     1     -2.00     0.00      -2.00  0.00 USD",
        "  =                       102.77   154.77     -52.00  0.00 USD",
        "",
    ]


def test_the_same_files_again_exit_0_and_say_so(may_books: Books, folder: Path) -> None:
    run(*sorted(folder.iterdir()))

    status, printed, _ = run(*sorted(folder.iterdir()), "--format", "json")

    assert status == 0
    assert [answer["result"] for answer in json.loads(printed)] == ["known", "known", "known"]
    assert ReportFile.objects.count() == 3


def test_a_refused_file_exits_2_and_the_others_are_imported(may_books: Books, folder: Path) -> None:
    cut = folder / "a_cut.csv"
    cut.write_text(reports.SETTLEMENT.replace("<END>\n", ""))

    status, printed, sentence = run(*sorted(folder.iterdir()))

    assert (status, sentence) == (2, "1 file was refused; nothing of it was kept.")
    assert printed.startswith(
        "a_cut.csv: REFUSED\n  The file is truncated: it stops after line 9 (8 rows) without the line <END>."
    )
    assert ReportFile.objects.count() == 3


def test_a_dry_run_shows_it_all_and_keeps_nothing(books: Books, folder: Path) -> None:
    status, printed, _ = run(folder / "settlementItems_USD_2026051498700001_000.csv", "--dry-run")

    assert status == 0
    assert "settlementItems_USD_2026051498700001_000.csv: TRIED" in printed
    assert "Settlement details: 8 rows would be imported, 6 of them open with 6 discrepancies." in printed
    assert "NOT_IN_OUR_BOOKS line 2: PAYMENT P-20260512-000001 is not in our books. (19.42 USD)" in printed
    assert not ReportFile.objects.exists()


def test_the_json_is_stable(may_books: Books, folder: Path) -> None:
    _, printed, _ = run(folder / "settlementItems_USD_2026051498700001_000.csv", "--format", "json")

    [answer] = json.loads(printed)
    assert list(answer) == [
        "result",
        "file",
        "sentence",
        "code",
        "account",
        "sha256",
        "kind",
        "edition",
        "rows",
        "matched_rows",
        "explained_rows",
        "open_rows",
        "amount_unit",
        "amount_unit_basis",
        "fee_sign",
        "fee_sign_basis",
        "fee_parts",
        "unknown_columns",
        "absent_columns",
        "encodings",
        "parts",
        "repeated_rows",
        "restated_rows",
        "differences",
        "batches",
        "law",
        "types",
        "discrepancies",
        "discrepancy_count",
    ]
    assert answer["law"] == [
        {
            "currency": "USD",
            "reported_value": 10277,
            "matched_value": 15477,
            "explained_value": -5200,
            "open_value": 0,
        }
    ]
    assert answer["batches"] == [{"psp": "EXAMPLE_PSP", "currency": "USD", "batch_id": "2026051498700001"}]


def test_a_refusal_as_json_has_its_code(may_books: Books, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")

    status, printed, _ = run(tmp_path / "empty.csv", tmp_path / "absent.csv", "--format", "json")

    assert status == 2
    assert [(answer["result"], answer["code"]) for answer in json.loads(printed)] == [
        ("refused", "not_a_report"),
        ("refused", "unreadable_path"),
    ]


@pytest.mark.parametrize("path", ["absent.csv", "."])
def test_a_path_that_cannot_be_read_is_refused(may_books: Books, tmp_path: Path, path: str) -> None:
    status, printed, _ = run(tmp_path / path)

    assert status == 2
    assert "cannot be opened" in printed


def test_an_unknown_account_is_named(may_books: Books, folder: Path) -> None:
    status, _, sentence = run(*folder.iterdir(), "--account", "nobody")

    assert (status, sentence) == (2, "There is no acquirer account nobody. Accounts: antom-sg.")


def test_the_account_is_told_by_the_files_merchant_id(may_books: Books, folder: Path) -> None:
    AcquirerAccountFactory(slug="other", customer_id="2188990000000099")

    status, _, _ = run(*folder.iterdir())

    assert status == 0
    assert set(ReportFile.objects.values_list("account__slug", flat=True)) == {"antom-sg"}


def test_between_two_accounts_nothing_is_guessed(folder: Path, db: None) -> None:
    AcquirerAccountFactory(slug="one")
    AcquirerAccountFactory(slug="two")

    status, printed, _ = run(folder / "settlementItems_USD_2026051498700001_000.csv")

    assert status == 2
    assert "It cannot be told which acquirer account this file belongs to." in printed
    status, _, _ = run(folder / "settlementItems_USD_2026051498700001_000.csv", "--account", "two")
    assert status == 0
    assert SettlementRow.objects.count() == 8


def migrated(path: Path) -> None:
    """A database of a process's own, migrated and empty: on SQLite the test's, copied."""
    if connection.vendor != "sqlite":
        environment = {"PORTAL_DATA": str(path.parent), "PATH": "/usr/bin:/bin"}
        manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
        subprocess.run([*manage, "migrate", "-v", "0"], env=environment, check=True, timeout=120)
        return
    path.parent.mkdir()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])


@pytest.mark.django_db(transaction=True)
def test_the_shell_sees_the_exit_status(tmp_path: Path) -> None:
    """A process of its own on an empty database: refused with 2 and a sentence, no traceback."""
    environment = {"PORTAL_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    (tmp_path / "cut.csv").write_text(reports.SETTLEMENT.replace("<END>\n", ""))
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    migrated(tmp_path / "data" / "portal.sqlite3")

    ended = subprocess.run(
        [*manage, "import_report", str(tmp_path / "cut.csv")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "The file is truncated" in ended.stdout
    assert "Traceback" not in ended.stderr
