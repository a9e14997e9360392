"""Reports too large for one transaction: by portions, in the worker, with a bar, killed anywhere, undone as one act."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from portal import clock, work
from portal.management.commands import import_report
from portal.money import Money
from portal.registry import due_work
from reconciliation import operations, queries, tasks
from reconciliation.admin import files
from reconciliation.models import Batch, Discrepancy, FileStatus, Match, ReportFile, SettlementRow
from reconciliation.operations import Answers, Result, flowing, importing, pieces, trying, undecided
from reconciliation.progress import how_far
from tests.factories import UserFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, every_file_obeys_the_law, opened
from tests.reconciliation.reports import fee, row, settlement, summary
from tests.reconciliation.test_desk import TRY, act, upload

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 12


class Killed(BaseException):
    """The process is gone: nothing after it runs, and no transaction is committed."""


@pytest.fixture
def trade(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Twelve payments, and limits so low that their report is a large one."""
    from tests.factories import AcquirerAccountFactory  # noqa: PLC0415 - factories need the database

    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(trying, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(trying, "BYTES_AT_ONCE", 1_000)
    monkeypatch.setattr(importing, "PORTION", 5)
    monkeypatch.setattr(flowing, "PORTION", 5)
    made = Books(AcquirerAccountFactory(slug="antom-sg", name="Antom SG", customer_id=reports.CUSTOMER))
    for number in range(ROWS):
        made.payment(f"P-{number}", Money(100_00, "USD"))
    return made


def text(batch: str = "B1", net: str = "97.00") -> bytes:
    rows = [row("PAYMENT", f"P-{number}", "100.00", net, **fee("-3.00")) for number in range(ROWS - 1)]
    return settlement(*rows, row("PAYMENT", "P-stray", "5.00", "5.00"), batch=batch).encode()


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int) -> Iterator[None]:
    """The process dies when this is called for the n-th time."""
    real: Callable[..., Any] = getattr(module, name)
    calls = 0

    def die(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        yield


def imports(trade: Books, content: bytes, name: str = "large.csv", answers: Answers = Answers()) -> Any:  # noqa: B008
    return operations.import_report(name, content, by=BOOKKEEPER, account=trade.account, answers=answers)


def nothing_counts() -> bool:
    return not (
        queries.open_discrepancies().exists()
        or ReportFile.objects.filter(status=FileStatus.IMPORTED).exists()
        or any(queries.settled(match.payment) for match in Match.objects.all() if match.payment)
    )


def the_whole(trade: Books) -> None:
    every_file_obeys_the_law()
    assert (SettlementRow.objects.count(), Match.objects.count()) == (ROWS, ROWS - 1)
    assert opened() == [("NOT_IN_OUR_BOOKS", ROWS + 1, "5.00 USD")]
    file = ReportFile.objects.get()
    assert (file.status, file.due_at, file.lease_until, file.stage, file.errand) == ("IMPORTED", None, None, "", {})
    assert Batch.objects.get().net_value == 97_00 * (ROWS - 1) + 5_00


def test_a_large_report_is_imported_by_portions(trade: Books) -> None:
    seen: list[tuple[str, int]] = []

    outcome = operations.import_report(
        "large.csv", text(), by=BOOKKEEPER, account=trade.account, look=lambda stage, rows: seen.append((stage, rows))
    )

    assert (outcome.result, outcome.rows, outcome.open_rows) == (Result.IMPORTED, ROWS, 1)
    assert [rows for stage, rows in seen if stage == "writing"] == [5, 10, 12]
    the_whole(trade)
    assert imports(trade, text()).result is Result.KNOWN


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (importing, "conventions_of_first", 1),
        (flowing.copying, "write", 1),
        (flowing.copying, "write", 2),
        (flowing.copying, "write", 5),
        (importing, "_note", 2),
        (importing, "deal", 1),
        (undecided, "keep_fresh", 1),
        (importing, "_finish", 1),
        (importing, "_claim_batches", 1),
        (importing.tie_out, "compare", 1),
        (importing.queries, "prove", 1),
        (importing.journal, "write", 1),
    ],
)
def test_killed_anywhere_the_worker_goes_on_and_no_row_is_there_twice(
    trade: Books, story_clock: Any, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int
) -> None:
    imports(trade, summary(
        {"summaryType": "PAYMENT", "count": "12", "settlementAmountValue": "1072.00"},
        {"summaryType": "TOTAL", "count": "12", "settlementAmountValue": "1072.00"}, batch="B1",
    ).encode(), name="summary.csv")  # fmt: skip
    with killed_at(monkeypatch, module, name, call), pytest.raises(Killed):
        imports(trade, text())
    file = ReportFile.objects.get(name="large.csv")
    assert file.status == FileStatus.IMPORTING
    assert not any(queries.settled(match.payment) for match in Match.objects.select_related("payment"))
    assert {one.file.name for one in queries.open_discrepancies()} == {"summary.csv"}

    story_clock.move(timedelta(minutes=1))
    work.run_all_due()

    every_file_obeys_the_law()
    assert (SettlementRow.objects.count(), Match.objects.count()) == (ROWS, ROWS - 1)
    assert opened(file__name="large.csv") == [("NOT_IN_OUR_BOOKS", ROWS + 1, "5.00 USD")]
    assert not Discrepancy.objects.filter(reason="DETAILS_AWAITED", closed_at=None).exists()
    assert ReportFile.objects.get(name="large.csv").status == FileStatus.IMPORTED


def test_the_command_goes_on_where_it_was_killed(
    trade: Books, story_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(monkeypatch, flowing.Writer, "prepare", 3), pytest.raises(Killed):
        imports(trade, text())
    assert SettlementRow.objects.count() == 10
    story_clock.move(timedelta(minutes=1))
    written: list[int] = []
    real = flowing.Writer.prepare

    def prepare(writer: flowing.Writer, portion: Any) -> Any:
        written.append(len(portion))
        return real(writer, portion)

    monkeypatch.setattr(flowing.Writer, "prepare", prepare)

    assert imports(trade, text()).result is Result.IMPORTED

    assert written == [2]
    the_whole(trade)


def test_what_our_books_have_learned_meanwhile_counts(
    trade: Books, story_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(monkeypatch, flowing.Writer, "prepare", 2), pytest.raises(Killed):
        imports(trade, text())
    trade.payment("P-stray", Money(5_00, "USD"))
    story_clock.move(timedelta(minutes=1))

    work.run_all_due()

    every_file_obeys_the_law()
    assert (SettlementRow.objects.count(), Match.objects.count(), opened()) == (ROWS, ROWS, [])


def test_a_refusal_at_the_end_leaves_nothing_but_the_reason(trade: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing.tie_out, "compare", lambda batch: SettlementRow.objects.update(matched_value=1))

    with pytest.raises(Exception, match="import"):
        imports(trade, text())

    file = ReportFile.objects.get()
    assert (file.status, file.due_at) == (FileStatus.REFUSED, None)
    assert (SettlementRow.objects.count(), Match.objects.count(), Batch.objects.count()) == (0, 0, 0)


def test_upload_try_commit_undo_in_the_worker(trade: Books, client: Client) -> None:
    outcome, file = operations.try_report("large.csv", text(), by=BOOKKEEPER, account=trade.account)
    assert file is not None
    assert (outcome.result, file.status) == (Result.WAITING, FileStatus.ARRIVED)
    assert how_far(file).title == "Being tried"

    work.run_all_due()
    file.refresh_from_db()
    assert (file.status, file.row_count, file.due_at) == (FileStatus.TRIED, ROWS, None)
    seen = operations.forecast(file)
    assert seen is not None
    assert (seen.rows, seen.open_rows, seen.discrepancy_count) == (ROWS, 1, 1)

    operations.commit(file, by=BOOKKEEPER)
    file.refresh_from_db()
    assert (how_far(file).title, SettlementRow.objects.count()) == ("Being imported", 0)
    work.run_all_due()
    the_whole(trade)

    file.refresh_from_db()
    operations.undo(file, by=BOOKKEEPER, reason_code="WRONG_FILE")
    file.refresh_from_db()
    assert how_far(file).title == "Being undone"
    work.run_all_due()
    file.refresh_from_db()
    assert file.status == FileStatus.TRIED
    assert (SettlementRow.objects.count(), Match.objects.count(), Batch.objects.count()) == (0, 0, 0)
    assert not Discrepancy.objects.exists()
    assert operations.forecast(file) == seen


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A report of a few lines is too large for memory."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    for module in (importing, files, import_report):
        monkeypatch.setattr(module, "MAX_REPORT_BYTES", 1_000)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 500)
    monkeypatch.setattr(files, "PIECE_BYTES", 500)


def give(person: Client, content: bytes) -> Any:
    return act(person, TRY, "Try them first", reports=upload(("large.csv", content)))


def test_one_too_large_for_memory_is_tried_and_imported_from_the_desk(trade: Books, no_memory: None) -> None:
    person = Client()
    person.force_login(UserFactory(roles=("Finance",)))

    page = give(person, text())

    file = ReportFile.objects.get()
    assert (file.status, bytes(file.content), file.pieces.count() > 2) == (FileStatus.ARRIVED, b"", True)
    assert f"/{file.pk}/" in page.redirect_chain[-1][0]
    work.run_all_due()
    file.refresh_from_db()
    seen = operations.forecast(file)
    assert seen is not None
    assert (file.status, seen.rows, seen.open_rows, SettlementRow.objects.count()) == (FileStatus.TRIED, ROWS, 1, 0)
    operations.commit(file, by=BOOKKEEPER)
    work.run_all_due()
    the_whole(trade)
    give(person, text())
    assert ReportFile.objects.count() == 1
    operations.undo(ReportFile.objects.get(), by=BOOKKEEPER, reason_code="WRONG_FILE")
    work.run_all_due()
    assert operations.forecast(ReportFile.objects.get()) == seen


def test_an_upload_that_was_cut_off_is_kept_to_its_end_when_it_is_given_again(
    trade: Books, no_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Client()
    person.force_login(UserFactory(roles=("Finance",)))
    with killed_at(monkeypatch, importing.pieces, "keep_one", 2), pytest.raises(Killed):
        give(person, text())
    assert (ReportFile.objects.get().due_at, ReportFile.objects.get().pieces.count()) == (None, 1)

    give(person, text())
    work.run_all_due()

    assert ReportFile.objects.get().status == FileStatus.TRIED
    assert b"".join(pieces.read(ReportFile.objects.get())) == text()


def test_trying_a_large_one_lets_other_work_come_first_and_goes_on(
    trade: Books, no_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_like = [text()[start : start + 500] for start in range(0, len(text()), 500)]
    _, file = operations.try_large_report("large.csv", len(text()), lambda: path_like, by=BOOKKEEPER)
    assert file is not None
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    said = [tasks.work_file(file.pk) for _ in range(3)]
    assert all(one.endswith("goes on") for one in said)
    assert not SettlementRow.objects.exists()

    monkeypatch.setattr(tasks, "SLICE_SECONDS", 45)
    with monkeypatch.context() as patch:
        patch.setattr(flowing, "conventions_of_first", None)  # it does not begin anew
        tasks.work_file(file.pk)

    file.refresh_from_db()
    assert (file.status, file.due_at, file.row_count) == (FileStatus.TRIED, None, ROWS)


def test_what_is_imported_while_one_is_tried_counts(
    trade: Books, no_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = text("B2")
    _, file = operations.try_large_report("large.csv", len(content), lambda: [content], by=BOOKKEEPER)
    assert file is not None
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    tasks.work_file(file.pk)
    imports(trade, settlement(row("PAYMENT", "P-3", "100.00", "97.00", **fee("-3.00")), batch="B1").encode(), "B1.csv")
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 45)
    work.run_all_due()

    file.refresh_from_db()
    seen = operations.forecast(file)
    assert seen is not None
    assert (seen.open_rows, seen.discrepancy_count) == (2, 2)


def test_the_command_tries_one_too_large_for_memory(trade: Books, no_memory: None, tmp_path: Path) -> None:
    path, out = tmp_path / "large.csv", StringIO()
    path.write_bytes(text())

    call_command("import_report", str(path), "--dry-run", "--format", "json", stdout=out)

    seen = json.loads(out.getvalue())[0]
    assert (seen["result"], seen["rows"], seen["discrepancy_count"]) == ("tried", ROWS, 1)
    assert not ReportFile.objects.exists()
    call_command("import_report", str(path), stdout=out)
    the_whole(trade)


def test_a_batch_that_is_here_from_other_bytes_is_refused_at_that_size(trade: Books, no_memory: None) -> None:
    imports(trade, settlement(row("PAYMENT", "P-3", "100.00", "97.00", **fee("-3.00")), batch="B1").encode(), "B1.csv")
    _, file = operations.try_large_report("large.csv", len(text()), lambda: [text()], by=BOOKKEEPER)
    assert file is not None
    work.run_all_due()
    file.refresh_from_db()
    assert (file.status, file.refusal_code) == (FileStatus.REFUSED, "batch_differs")
    assert "undo the earlier import first" in file.refusal


def test_an_undo_that_is_killed_halfway_is_finished(
    trade: Books, story_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports(trade, text())
    file = ReportFile.objects.get()
    operations.undo(file, by=BOOKKEEPER, reason_code="WRONG_FILE")
    with killed_at(monkeypatch, importing, "_delete_rows", 2), pytest.raises(Killed):
        work.run_all_due()
    assert SettlementRow.objects.count() == ROWS - 5
    assert nothing_counts()

    story_clock.move(timedelta(minutes=5))
    work.run_all_due()

    file.refresh_from_db()
    assert (file.status, SettlementRow.objects.count()) == (FileStatus.TRIED, 0)


def test_a_second_file_of_the_account_waits_for_the_first(
    trade: Books, story_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(monkeypatch, flowing.Writer, "prepare", 2), pytest.raises(Killed):
        imports(trade, text())
    _, second = operations.try_report("second.csv", text("B2"), by=BOOKKEEPER, account=trade.account)
    assert second is not None
    work.run_all_due()
    operations.commit(ReportFile.objects.get(pk=second.pk), by=BOOKKEEPER)

    assert tasks.work_file(second.pk).endswith("this one waits for it.")
    for _ in range(3):
        story_clock.move(timedelta(minutes=1))
        work.run_all_due()

    every_file_obeys_the_law()
    assert ReportFile.objects.filter(status=FileStatus.IMPORTED).count() == 2
    assert Discrepancy.objects.filter(reason="DUPLICATE", closed_at=None).count() == ROWS - 1


def test_whoever_was_overtaken_stops(trade: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    real = flowing.Writer.prepare

    def another_takes_over(*args: Any) -> Any:
        ReportFile.objects.update(lease_until=clock.now() + timedelta(hours=1))
        return real(*args)

    monkeypatch.setattr(flowing.Writer, "prepare", another_takes_over)

    with pytest.raises(importing.Superseded):
        imports(trade, text())

    assert ReportFile.objects.get().status == FileStatus.IMPORTING


def test_the_page_says_how_far_it_is(trade: Books, story_clock: Any) -> None:
    _, file = operations.try_report("large.csv", text(), by=BOOKKEEPER, account=trade.account)
    assert file is not None
    ReportFile.objects.filter(pk=file.pk).update(
        stage="writing", rows_done=6, row_count=12, begun_at=clock.now() - timedelta(seconds=2)
    )
    client = Client()
    client.force_login(UserFactory(roles=("Finance",)))
    url = f"/admin/reconciliation/reportfile/{file.pk}/"

    page = client.get(f"{url}change/")
    far = client.get(f"{url}progress/")

    body = page.content.decode()
    assert "reconciliation/progress" in body
    assert '<progress max="12" value="6"' in body
    assert far.json()["sentence"].startswith("Writing · 6 of 12 rows · ")
    assert far.json()["sentence"].endswith(" · 3 rows/s · 2 s left")
    assert far.json()["is_at_work"] is True
    assert "no-store" in far["Cache-Control"]
    work.run_all_due()
    assert client.get(f"{url}progress/").json()["is_at_work"] is False
    nobody = Client()
    nobody.force_login(UserFactory(roles=("Support",)))
    assert nobody.get(f"{url}progress/").status_code in {403, 404}


def test_the_worker_knows_the_work() -> None:
    assert due_work.get("reports") is tasks.files_due
