"""The queue as a spreadsheet: taken away, filled in, read again, looked at, carried out; each line with its result."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from portal import approvals, work
from portal.actor import Actor
from portal.admin import exports
from portal.errors import Conflict, NotAllowed
from portal.models import Approval, JournalEntry
from portal.money import Money
from portal.roles import FINANCE
from reconciliation import operations, queries, sheets
from reconciliation.models import BulkDecision, BulkDecisionLine, Discrepancy, ReportFile
from reconciliation.sheets import SheetUnreadable, read, version_of
from tests.factories import UserFactory
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, every_file_obeys_the_law, opened
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.test_desk import act, once, signed_in, words
from tests.story import StoryClock

LIST = "/admin/reconciliation/discrepancy/"
Fill = Callable[[list[dict[str, str]]], None]


@pytest.fixture
def queue(books: Books, imported: Import) -> list[Discrepancy]:
    """Three strangers of 5, 6 and 7 USD, and a payment of 1,000 of which a tenth was settled."""
    books.payment("P-1", Money(1_000_00, "USD"))
    strangers = [row("PAYMENT", name, f"{n}.00", f"{n}.00") for name, n in (("X-1", 5), ("=X-2", 6), ("X-3", 7))]
    imported(settlement(*strangers, row("PAYMENT", "P-1", "100.00", "100.00")))
    return list(Discrepancy.objects.order_by("row__line_number"))


def clerk() -> Actor:
    """Somebody of finance."""
    return Actor.person(UserFactory(roles=(FINANCE,)))


def exported(kind: str = exports.CSV) -> bytes:
    """The queue as it is taken away."""
    found = queries.open_discrepancies().select_related("file", "row", "summary_row", "payment", "refund", "owner")
    return sheets.write(found.order_by("opened_at", "pk"), kind)


def filled(content: bytes, decisions: dict[int, tuple[str, str, str]], delimiter: str = ",") -> bytes:
    """The sheet as a person gives it back."""
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    for line in lines:
        said = decisions.get(int(line["id"]), ("", "", ""))
        line |= dict(zip(("decision", "reason", "note"), said, strict=True))
    held = io.StringIO()
    writer = csv.DictWriter(held, sheets.HEADER, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines)
    return held.getvalue().encode()


def results(bulk: BulkDecision) -> list[tuple[str, str]]:
    """What became of each line."""
    return list(bulk.lines.values_list("status", "sentence"))


def test_a_filled_sheet_is_looked_at_and_carried_out(queue: list[Discrepancy]) -> None:
    first, second, third, large = queue
    by = clerk()
    sheet = filled(
        exported(),
        {
            first.pk: ("accept", "TIMING", ""),
            second.pk: ("Write off", "too small to pursue", "not worth it"),
            large.pk: ("write_off", "NOT_RECOVERABLE", ""),
        },
    )

    bulk = operations.try_sheet("may.csv", sheet, by=by)
    assert results(bulk) == [
        ("WAITING", ""), ("WAITING", ""),
        ("WAITING", "Above 100.00 USD a second person approves: it becomes a request."),
    ]  # fmt: skip
    assert (bulk.status, bulk.passed_over, len(opened())) == ("TRIED", 1, 4)

    operations.carry_out(bulk, by=by)
    number = Approval.objects.get().number
    assert results(bulk) == [
        ("DONE", "Done."),
        ("DONE", "Done."),
        ("ASKED", f"Above 100.00 USD a second person approves: request {number}."),
    ]
    assert [(one.resolution, one.note) for one in Discrepancy.objects.exclude(closed_at=None).order_by("pk")] == [
        ("TIMING", ""), ("WRITTEN_OFF", "not worth it"),
    ]  # fmt: skip
    assert [reason for reason, _, _ in opened()] == ["NOT_IN_OUR_BOOKS", "AMOUNT_DIFFERS"]
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.outcome) == ("end to decide discrepancies by a sheet", "2 of 3 done.")
    with pytest.raises(Conflict, match="does not wait any more"):
        operations.carry_out(bulk, by=by)
    approvals.approve(Approval.objects.get(), by=clerk())
    assert [reason for reason, _, _ in opened()] == ["NOT_IN_OUR_BOOKS"]
    assert third.pk == Discrepancy.objects.get(closed_at=None).pk
    every_file_obeys_the_law()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("acept", "TIMING", ""), "“acept” is no decision: write accept, write off, or nothing."),
        (("accept", "TOO_SMALL", ""), "“TOO_SMALL” is no reason for it: CONFIRMED, OTHER_CHANNEL, TIMING, CREDITED"),
        (("write off", "", ""), "“” is no reason for it: TOO_SMALL, NOT_RECOVERABLE, OUR_MISTAKE, TOO_OLD, OTHER."),
        (("accept", "OTHER", " "), "note: say in a few words what the reason is."),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_words(
    queue: list[Discrepancy], said: tuple[str, str, str], sentence: str
) -> None:
    first, second, *_ = queue
    sheet = filled(exported(), {first.pk: said, second.pk: ("accept", "TIMING", "")})

    bulk = operations.try_sheet("may.csv", sheet, by=BOOKKEEPER)
    [(status, words_), other] = results(bulk)
    assert (status, other) == ("REFUSED", ("WAITING", ""))
    assert words_.startswith(sentence)
    operations.carry_out(bulk, by=BOOKKEEPER)
    assert [status for status, _ in results(bulk)] == ["REFUSED", "DONE"]


def test_what_has_changed_since_is_refused_before_and_at_the_act(queue: list[Discrepancy], imported: Import) -> None:
    first, second, third, _ = queue
    sheet = filled(exported(), {one.pk: ("accept", "TIMING", "") for one in (first, second, third)})
    operations.raise_to_acquirer(first, by=BOOKKEEPER, reason_code="ASK", case_reference="C-1", with_messages=False)

    bulk = operations.try_sheet("may.csv", sheet, by=BOOKKEEPER)
    changed = "It has changed since the sheet was written. Export it again, and decide anew."
    assert results(bulk) == [("REFUSED", changed), ("WAITING", ""), ("WAITING", "")]

    Discrepancy.objects.filter(pk=second.pk).update(sentence="Something else by now.")
    operations.close(third, by=BOOKKEEPER, resolution="CONFIRMED")
    operations.carry_out(bulk, by=BOOKKEEPER)
    assert [status for status, _ in results(bulk)] == ["REFUSED"] * 3
    assert Discrepancy.objects.get(pk=third.pk).resolution == "CONFIRMED"
    again = operations.try_sheet("may.csv", sheet, by=BOOKKEEPER)
    assert results(again)[2] == ("REFUSED", "This discrepancy is already closed.")


def test_a_line_twice_an_unknown_one_and_one_that_is_gone(queue: list[Discrepancy]) -> None:
    first, second, *_ = queue
    sheet = filled(exported(), {first.pk: ("accept", "TIMING", ""), second.pk: ("accept", "TIMING", "")}).decode()
    line = next(line for line in sheet.splitlines() if line.startswith(f"{first.pk},"))
    strange = ["0,x,,,,,,,,,,accept,TIMING,", "=1+1,x,,,,,,,,,,accept,TIMING,", f"{9**30},x,,,,,,,,,,accept,TIMING,"]

    bulk = operations.try_sheet("may.csv", "\n".join([sheet.strip(), line, *strange]).encode(), by=BOOKKEEPER)
    gone = ("REFUSED", "There is no discrepancy with this id (any more).")
    assert results(bulk)[2:] == [("REFUSED", "Line 2 decides on it already."), gone, gone, gone]

    operations.undo(ReportFile.objects.get(), by=BOOKKEEPER, reason_code="WRONG_FILE")
    operations.carry_out(bulk, by=BOOKKEEPER)
    assert results(bulk)[:2] == [gone, gone]


def test_a_sheet_survives_a_spreadsheet(queue: list[Discrepancy]) -> None:
    first = queue[0]
    said = {first.pk: ("accept", "TIMING", "=cmd|'/c calc'!A0")}
    [line], passed_over = read(filled(exported(), said))
    assert (line.id, line.note, passed_over) == (str(first.pk), "=cmd|'/c calc'!A0", 3)
    for delimiter in ";\t":
        assert read(filled(exported(), said, delimiter)) == ([line], 3)
    assert (
        read(filled(exported(), {first.pk: ("accept", "TIMING", "差额")}).decode().encode("gbk"))[0][0].note == "差额"
    )

    book = load_workbook(io.BytesIO(exported(exports.XLSX)))
    sheet: Any = book.active
    shown = [[cell.value for cell in cells] for cells in sheet.iter_rows()]
    assert shown[0] == list(sheets.HEADER)
    assert {cells[8] for cells in shown[1:]} == {"X-1", "'=X-2", "X-3", "P-1"}
    assert not any(cell.data_type == "f" for cells in sheet.iter_rows() for cell in cells)
    sheet["L2"], sheet["M2"] = "accept", "TIMING"
    held = io.BytesIO()
    book.save(held)
    assert read(held.getvalue())[0][0].id == shown[1][0]
    assert b"'=X-2" in exported()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The sheet is empty."),
        (b"id,decision\n1,accept\n", "The sheet has no column version, reason, note. Export the queue"),
        (b"\x00\x01", "This is not a text file."),
        ("id,version,decision,reason,note\n".encode("utf-16"), "This file is encoded as UTF-16."),
        (b"PK\x03\x04 no workbook", "This is not a text file."),
    ],
)
def test_what_is_no_sheet_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(SheetUnreadable) as refusal:
        read(content if not content.startswith(b"PK") else content + b"\x00")
    assert refusal.value.message.startswith(sentence)


def test_a_sheet_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "LINES_AT_MOST", 2)
    lines = "".join(f"{number},v,accept,TIMING,\n" for number in range(3))
    with pytest.raises(SheetUnreadable, match="at most 2 decisions"):
        read(f"id,version,decision,reason,note\n{lines}".encode())


def test_what_a_request_does_not_end_the_worker_does(queue: list[Discrepancy], story_clock: StoryClock) -> None:
    left = iter([False, True])

    bulk = operations.decide(
        "close discrepancies",
        queue[:3],
        operations.Wanted(sheets.BulkAct.ACCEPT, "TIMING"),
        by=BOOKKEEPER,
        is_time_up=lambda: next(left),
    )
    assert ([status for status, _ in results(bulk)], bulk.status) == (["DONE", "WAITING", "WAITING"], "RUNNING")
    work.run_all_due()
    assert BulkDecision.objects.get().status == "RUNNING"  # the request may still be at it
    story_clock.restart(bulk.due_at)
    work.run_all_due()
    bulk.refresh_from_db()
    assert ([status for status, _ in results(bulk)], bulk.status, bulk.due_at) == (["DONE"] * 3, "DONE", None)
    acts = list(JournalEntry.objects.order_by("pk").values_list("act", flat=True))
    assert acts.count("end to close discrepancies") == 1
    assert operations.carry_on(bulk)
    assert JournalEntry.objects.count() == len(acts)


def test_a_line_that_another_has_done_is_not_done_twice(queue: list[Discrepancy]) -> None:
    bulk = operations.try_sheet("a.csv", filled(exported(), {queue[0].pk: ("accept", "TIMING", "")}), by=BOOKKEEPER)
    stale = bulk.lines.get()
    operations.carry_out(bulk, by=BOOKKEEPER)
    before = JournalEntry.objects.count()

    operations.in_bulk._decide(stale, BOOKKEEPER)

    assert results(bulk) == [("DONE", "Done.")]
    assert JournalEntry.objects.count() == before


def test_only_who_read_the_sheet_carries_it_out(queue: list[Discrepancy]) -> None:
    bulk = operations.try_sheet("a.csv", filled(exported(), {queue[0].pk: ("accept", "TIMING", "")}), by=clerk())
    with pytest.raises(NotAllowed, match="Whoever read the sheet carries it out"):
        operations.carry_out(bulk, by=clerk())
    assert len(opened()) == 4


def test_a_version_is_of_what_a_decision_rests_on(queue: list[Discrepancy]) -> None:
    one = queue[0]
    before = version_of(one)
    operations.take(one, by=clerk())
    one.refresh_from_db()
    assert version_of(one) == before
    one.stake_value += 1
    assert version_of(one) != before


# The desk.


def give(client: Client, content: bytes, name: str = "may.csv") -> Any:
    """Upload a filled sheet."""
    url = f"{LIST}acts/import_decisions/"
    data = {"once": once(client.get(url)), "saying": "Read the sheet", "sheet": SimpleUploadedFile(name, content)}
    return client.post(url, data, follow=True)


def test_finance_takes_the_queue_fills_it_in_and_gives_it_back(queue: list[Discrepancy]) -> None:
    finance, auditor = signed_in("Finance"), signed_in("Auditor")
    taken = act(finance, f"{LIST}acts/export_queue/", "Take the sheet", kind="csv")
    assert taken["Content-Disposition"] == 'attachment; filename="discrepancies.csv"'
    assert auditor.get(f"{LIST}acts/export_queue/").status_code == 403
    book = act(finance, f"{LIST}acts/export_queue/", "Take the sheet", kind="xlsx").content
    assert load_workbook(io.BytesIO(book)).sheetnames == ["discrepancies"]

    first, second, *_ = queue
    said = {first.pk: ("accept", "TIMING", "next week"), second.pk: ("write off", "NO_IDEA", "")}
    page = words(give(finance, filled(taken.content, said)))
    assert "The sheet is read. Look at what each line would do, and carry it out." in page
    assert f"2 {first} Not yet Accept: Only a matter of days · next week." in page
    assert "Refused “NO_IDEA” is no reason for it" in page
    bulk = BulkDecision.objects.get()
    base = f"/admin/reconciliation/bulkdecision/{bulk.pk}/"
    assert "1 line is refused already." in words(finance.get(f"{base}acts/carry_out/"))

    page = words(act(finance, f"{base}acts/carry_out/", "Carry out 1 decision"))
    assert "1 of 2 done." in page
    assert f"2 {first} Done Accept: Only a matter of days · next week. Done." in page
    assert "1 done · 1 refused" in words(auditor.get(f"{base}change/"))
    assert "may.csv Carried out 1 of 2 1" in words(auditor.get("/admin/reconciliation/bulkdecision/"))
    lines = words(auditor.get(f"/admin/reconciliation/bulkdecisionline/?bulk={bulk.pk}&ask=refused"))
    assert str(second) in lines
    assert str(first) not in lines

    give(finance, filled(taken.content, said), "again.csv")
    other = BulkDecision.objects.latest("pk")
    base = f"/admin/reconciliation/bulkdecision/{other.pk}/"
    assert "Nothing of it is carried out." in words(act(finance, f"{base}acts/discard/", "Discard"))
    assert "It does not wait to be carried out." in words(finance.get(f"{base}acts/carry_out/"))
    assert "no column version" in words(give(finance, b"id,decision,reason,note\n"))


def test_its_pages_cost_the_same_for_many_lines(queue: list[Discrepancy]) -> None:
    finance = signed_in("Finance")

    def questions(bulk: BulkDecision) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert finance.get("/admin/reconciliation/bulkdecision/").status_code == 200
            assert finance.get(f"/admin/reconciliation/bulkdecision/{bulk.pk}/change/").status_code == 200
            assert finance.get("/admin/reconciliation/bulkdecisionline/").status_code == 200
        return len(asked)

    def decided(count: int) -> BulkDecision:
        wanted = operations.Wanted(sheets.BulkAct.ASSIGN, owner=UserFactory(roles=(FINANCE,)))
        return operations.decide("assign discrepancies", queue[:count], wanted, by=BOOKKEEPER)

    few = decided(1)
    questions(few)
    count = questions(few)
    many = decided(4)
    assert BulkDecisionLine.objects.filter(bulk=many, status="DONE").count() == 4
    assert questions(many) == count
