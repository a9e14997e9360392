"""Reports fetched by SFTP from OpenSSH's own server: confirmed by its key, at rest, once, and imported like any."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import clock, work
from portal.errors import Conflict, InvalidInput
from portal.models import Incident, JournalEntry
from reconciliation import operations, sftp
from reconciliation.models import FileStatus, ReportFile, ReportSource, SourceFile, SourceFileState
from reconciliation.operations import trying
from reconciliation.operations.sources import SourceTaken
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, every_file_obeys_the_law
from tests.reconciliation.editions import E2_SUMMARY, zipped
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.sftp_server import SftpServer, confidant
from tests.reconciliation.sftp_server import _machine as _machine  # noqa: PLC0414 - the fixture the next one needs
from tests.reconciliation.sftp_server import server as server  # noqa: PLC0414 - a fixture
from tests.reconciliation.test_desk import act, once, signed_in, words
from tests.story import StoryClock

NAME = "settlementItems_USD_2026051498700001_000.csv"
LIST = "/admin/reconciliation/reportsource/"


def facts(server: SftpServer, **other: Any) -> dict[str, Any]:
    """Of a source at that server."""
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.username,
        "directory": server.directory,
        "every_minutes": 30,
        "imports_at_once": True,
        "is_enabled": True,
    } | other


def add(books: Books, server: SftpServer, **other: Any) -> ReportSource:
    """A source that signs in with the key; nobody has confirmed the server yet."""
    key = sftp.unlocked(server.private_key)
    return operations.add_source(books.account, facts(server, **other), private_key=key, by=BOOKKEEPER)


def looks(source: ReportSource, story_clock: StoryClock, minutes: int = 1) -> ReportSource:
    """Some minutes later, and what is due is done."""
    story_clock.set(clock.now() + timedelta(minutes=minutes))
    work.run_all_due()
    source.refresh_from_db()
    return source


@pytest.fixture
def source(may_books: Books, server: SftpServer, story_clock: StoryClock) -> ReportSource:
    """A source whose server is known."""
    source = add(may_books, server)
    work.run_all_due()
    source.refresh_from_db()
    assert source.host_key == ""
    return operations.confirm_host_key(source, source.offered_host_key, by=BOOKKEEPER)


def seen() -> list[tuple[str, str]]:
    """The files of all sources, in the order in which they were seen."""
    return [(str(file), file.state) for file in SourceFile.objects.order_by("pk")]


def test_a_report_is_fetched_when_it_is_at_rest_and_imported(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    server.put(f"2188990000000042/20260514/{NAME}", reports.SETTLEMENT)
    server.put("readme.txt", "hello")
    server.put("settlementItems_USD_1_000.csv.part", "half")
    server.put(".hidden.csv", "half")
    looks(source, story_clock, 0)
    assert (seen(), ReportFile.objects.count()) == ([(NAME, "GROWING")], 0)
    assert source.passed_over == 3

    looks(source, story_clock)
    file = ReportFile.objects.get()
    assert (file.status, file.name, file.actor_kind, file.account_id) == (
        FileStatus.IMPORTED, NAME, "CLOCK", source.account_id,
    )  # fmt: skip
    every_file_obeys_the_law()
    fetched = SourceFile.objects.get()
    assert (fetched.state, fetched.sha256, list(fetched.reports.all())) == ("FETCHED", file.sha256, [file])

    looks(source, story_clock, 29)
    assert not source.files.filter(state="GROWING").exists()
    looks(source, story_clock, 31)
    assert (source.problem, source.failed_step, ReportFile.objects.count()) == ("", "", 1)
    assert seen() == [(NAME, "FETCHED")]
    assert not Incident.objects.exists()


def test_a_file_that_grows_is_awaited(source: ReportSource, server: SftpServer, story_clock: StoryClock) -> None:
    half = len(reports.SETTLEMENT) // 2
    server.put(NAME, "")
    looks(source, story_clock, 0)
    looks(source, story_clock, 30)
    server.put(NAME, reports.SETTLEMENT[:half])
    looks(source, story_clock, 30)
    server.put(NAME, reports.SETTLEMENT)
    looks(source, story_clock)
    assert (seen(), ReportFile.objects.count()) == ([(NAME, "GROWING")], 0)

    looks(source, story_clock)
    assert ReportFile.objects.get().status == FileStatus.IMPORTED


def test_the_same_bytes_again_add_nothing_and_other_ones_wait(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    place = server.put(NAME, reports.SETTLEMENT)
    for _ in range(2):
        looks(source, story_clock)
    server.put(f"again/{NAME}", reports.SETTLEMENT)
    for _ in range(2):
        looks(source, story_clock, 31)
    assert ReportFile.objects.count() == 1
    again = SourceFile.objects.latest("pk")
    assert (again.path.endswith(f"again/{NAME}"), again.state) == (True, "FETCHED")
    assert "imported" in again.sentence

    place.write_text(reports.SETTLEMENT.replace("43.69", "43.60").replace("-1.31", "-1.40"))
    for _ in range(2):
        looks(source, story_clock, 31)
    other = ReportFile.objects.latest("pk")
    assert (other.status, other.refusal_code) == (FileStatus.REFUSED, "batch_differs")
    page = words(signed_in("Finance").get("/admin/"))
    assert f"{NAME} was refused and waits for a word" in page


def test_what_asks_a_question_or_is_new_waits_for_a_person(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    server.put("question.csv", E2_SUMMARY.replace("settlementTime", "settlementTime,novelty", 1))
    server.put("unknown.csv", settlement(row("PAYMENT", "P-9", "1450", "1450"), batch="B9"))
    for _ in range(3):
        looks(source, story_clock)
    standing = dict(ReportFile.objects.values_list("name", "status"))
    assert FileStatus.IMPORTED not in standing.values()
    assert standing["unknown.csv"] == FileStatus.REFUSED
    page = words(signed_in("Finance").get("/admin/"))
    assert "unknown.csv was refused and waits for a word" in page


def test_a_source_may_leave_all_importing_to_people(
    may_books: Books, server: SftpServer, story_clock: StoryClock
) -> None:
    source = add(may_books, server, imports_at_once=False)
    work.run_all_due()
    source.refresh_from_db()
    operations.confirm_host_key(source, source.offered_host_key, by=BOOKKEEPER)
    server.put(NAME, reports.SETTLEMENT)
    for _ in range(3):
        looks(source, story_clock)

    assert ReportFile.objects.get().status == FileStatus.TRIED
    assert f"{NAME} was tried and is not imported" in words(signed_in("Finance").get("/admin/"))


def test_a_large_report_is_tried_and_imported_by_the_worker(
    source: ReportSource, server: SftpServer, story_clock: StoryClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "BYTES_AT_ONCE", 100)
    server.put(NAME, reports.SETTLEMENT)
    for _ in range(2):
        looks(source, story_clock)
    assert (ReportFile.objects.get().status, SourceFile.objects.get().is_to_import) == (FileStatus.TRIED, True)

    for _ in range(2):
        looks(source, story_clock)
    assert (ReportFile.objects.get().status, SourceFile.objects.get().is_to_import) == (FileStatus.IMPORTED, False)


def test_parts_wait_for_each_other(source: ReportSource, server: SftpServer, story_clock: StoryClock) -> None:
    lines = [row("PAYMENT", f"P-2026051{n}-00000{n}", "10.00", "10.00") for n in (1, 2)]
    first, second = (settlement(line, batch="B7") for line in lines)
    server.put("settlementItems_USD_B7_000.csv", first)
    looks(source, story_clock, 0)
    part = server.put("settlementItems_USD_B7_001.csv", second[:40])
    looks(source, story_clock)
    assert not ReportFile.objects.exists()  # the first is at rest, the second grows
    part.write_text(second)
    for _ in range(2):
        looks(source, story_clock)

    file = ReportFile.objects.get()
    assert (file.status, file.row_count, file.parts.count()) == (FileStatus.IMPORTED, 2, 2)
    assert [list(one.reports.all()) for one in SourceFile.objects.all()] == [[file], [file]]


def test_a_late_part_is_put_together_with_those_that_were_here(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    lines = [row("PAYMENT", f"P-2026051{n}-00000{n}", "10.00", "10.00") for n in (1, 2)]
    first, second = (settlement(line, batch="B7") for line in lines)
    server.put("settlementItems_USD_B7_000.csv", first)
    for _ in range(2):
        looks(source, story_clock)
    server.put("settlementItems_USD_B7_001.csv", second)
    for _ in range(2):
        looks(source, story_clock, 31)

    alone, both = ReportFile.objects.order_by("pk")
    assert (alone.status, both.status, both.refusal_code) == (FileStatus.IMPORTED, FileStatus.REFUSED, "batch_differs")


def test_an_archive_of_several_reports_is_several_reports(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    server.put("may.zip", zipped({NAME: reports.SETTLEMENT, "settlementSummary_USD_1_000.csv": reports.SUMMARY}))
    for _ in range(2):
        looks(source, story_clock)

    assert sorted(ReportFile.objects.values_list("kind", "status")) == [
        ("SETTLEMENT", "IMPORTED"), ("SUMMARY", "IMPORTED"),
    ]  # fmt: skip
    assert SourceFile.objects.get().reports.count() == 2


def test_what_is_no_report_is_an_incident_and_stops_nothing(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    server.put("holiday.csv", "a,b\n1,2\n")
    server.put(NAME, reports.SETTLEMENT)
    for _ in range(2):
        looks(source, story_clock)

    assert ReportFile.objects.get().status == FileStatus.IMPORTED
    refused = SourceFile.objects.get(state=SourceFileState.REFUSED)
    incident = Incident.objects.get()
    assert (incident.kind, incident.summary) == ("FETCHED_FILE_REFUSED", "holiday.csv was fetched and refused.")
    assert incident.detail == refused.sentence
    assert refused.sentence.startswith("holiday.csv: ")
    looks(source, story_clock, 31)
    assert (Incident.objects.get().times_seen, ReportFile.objects.count()) == (1, 1)
    page = words(signed_in("Finance").get(f"/admin/reconciliation/sourcefile/{refused.pk}/change/"))
    assert refused.sentence in page


def test_no_answer_is_an_incident_until_there_is_one(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    server.stop()
    looks(source, story_clock)
    assert (source.failed_step, source.attempts) == ("REACH", 1)
    assert source.problem == f"127.0.0.1:{server.port} cannot be reached: Connection refused."
    looks(source, story_clock, 31)
    incident = Incident.objects.get()
    assert (incident.summary, incident.times_seen) == (f"Reports cannot be fetched from {source}.", 2)

    server.start()
    looks(source, story_clock, 31)
    incident.refresh_from_db()
    assert (incident.is_open, source.problem, source.attempts) == (False, "", 0)


@pytest.mark.parametrize(
    ("change", "step", "sentence"),
    [
        ({"username": "nobody-of-here"}, "SIGN_IN", "The server refuses nobody-of-here."),
        ({"directory": "/nowhere"}, "DIRECTORY", "There is no directory /nowhere."),
        ({"host": "no.such.host.invalid"}, "REACH", "Nobody knows the host no.such.host.invalid."),
    ],
)
def test_each_step_says_why_it_failed(
    source: ReportSource, change: dict[str, str], step: str, sentence: str, story_clock: StoryClock
) -> None:
    ReportSource.objects.filter(pk=source.pk).update(**change)
    source.refresh_from_db()

    tested = operations.test_source(source, by=BOOKKEEPER)
    assert tested.failed == step
    assert tested.problem.startswith(sentence)
    looks(source, story_clock)
    assert (source.failed_step, source.problem) == (step, tested.problem)


def test_a_server_with_another_key_is_told_nothing(
    source: ReportSource, server: SftpServer, story_clock: StoryClock
) -> None:
    confirmed = source.host_key
    server.stop()
    server.change_host_key()
    server.start()
    server.put(NAME, reports.SETTLEMENT)
    looks(source, story_clock)

    assert (source.failed_step, source.host_key) == ("HOST_KEY", confirmed)
    assert sftp.fingerprint(source.offered_host_key) in source.problem
    assert sftp.fingerprint(confirmed) in source.problem
    assert Incident.objects.get().is_open
    assert not SourceFile.objects.exists()

    with pytest.raises(Conflict, match="shows another key by now"):
        operations.confirm_host_key(source, confirmed, by=BOOKKEEPER)
    operations.confirm_host_key(source, source.offered_host_key, by=BOOKKEEPER, note="called them")
    for _ in range(2):
        looks(source, story_clock)
    assert (ReportFile.objects.count(), Incident.objects.get().is_open) == (1, False)


def test_a_password_is_told_only_to_a_server_that_was_confirmed(may_books: Books) -> None:
    with confidant() as (port, heard):
        told = {"host": "127.0.0.1", "port": port, "username": "us", "directory": "/", "every_minutes": 30}
        told |= {"imports_at_once": True, "is_enabled": True}
        source = operations.add_source(may_books.account, told, password="hush hush", by=BOOKKEEPER)
        work.run_all_due()
        source.refresh_from_db()
        assert heard == []

        operations.confirm_host_key(source, source.offered_host_key, by=BOOKKEEPER)
        work.run_all_due()
        source.refresh_from_db()
    assert heard == ["hush hush"], source.problem
    assert source.problem.startswith("The server lets us in and speaks no SFTP")
    kept = [str(entry.before) + str(entry.after) + entry.note for entry in JournalEntry.objects.all()]
    assert not any("hush" in text for text in kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM reconciliation_reportsource")
        assert "hush" not in cursor.fetchone()[0]


def test_what_was_typed_for_one_server_is_told_to_no_other(source: ReportSource, server: SftpServer) -> None:
    for other in ({"host": "localhost"}, {"port": 22}, {"username": "else"}):
        with pytest.raises(InvalidInput, match="is told to no other"):
            operations.edit_source(source, facts(server, **other), by=BOOKKEEPER)
        source.refresh_from_db()

    operations.edit_source(source, facts(server, host="localhost"), password="new", by=BOOKKEEPER)
    source.refresh_from_db()
    assert (source.host_key, source.password, source.private_key) == ("", "new", "")


def test_one_directory_is_one_source(source: ReportSource, may_books: Books, server: SftpServer) -> None:
    with pytest.raises(SourceTaken):
        add(may_books, server)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa -b 2048"])
def test_a_key_is_kept_without_its_passphrase(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", *kind.split(), "-N", "open sesame", "-f", path], check=True)
    text = path.read_text()

    kept = sftp.unlocked(text, "open sesame")
    assert sftp.public_key_of(kept) == " ".join((tmp_path / "key.pub").read_text().split()[:2])
    for passphrase, sentence in (
        ("", "The key is locked with a passphrase: type it, too."),
        ("wrong", "The passphrase does not open this key, or it is no private key."),
    ):
        with pytest.raises(sftp.KeyUnusable) as refusal:
            sftp.unlocked(text, passphrase)
        assert refusal.value.message == sentence
    with pytest.raises(sftp.KeyUnusable, match="This is no private key"):
        sftp.unlocked("ssh-ed25519 AAAA")
    with pytest.raises(sftp.KeyUnusable, match="leave that field empty"):
        sftp.unlocked(kept, "open sesame")


def test_files_of_a_link_are_left_alone(source: ReportSource, server: SftpServer, story_clock: StoryClock) -> None:
    outside = server.files.parent / "outside.csv"
    outside.write_text(reports.SETTLEMENT)
    os.symlink(outside, server.files / NAME)
    os.symlink(server.files.parent, server.files / "round")
    for _ in range(2):
        looks(source, story_clock)
    assert seen() == []


# The desk.


def test_an_administrator_adds_a_source_and_confirms_its_server(
    may_books: Books, server: SftpServer, story_clock: StoryClock
) -> None:
    chief, finance = signed_in("Administrator"), signed_in("Finance")
    assert "No source yet" in words(chief.get(LIST))
    assert finance.get(f"{LIST}acts/add/").status_code == 403
    said = facts(server) | {"account": may_books.account.pk, "note": "as their letter says"}
    said |= {"imports_at_once": "on", "is_enabled": "on"}
    url = f"{LIST}acts/add/"
    assert "Type the password, or paste the key." in words(act(chief, url, "Add this source", **said))
    both = {"password": "x", "private_key": "y"}
    assert "Type a password or a key, not both." in words(act(chief, url, "Add this source", **said | both))
    assert "This is no private key" in words(act(chief, url, "Add this source", **said, private_key="y"))
    assert "A directory begins with /." in words(act(chief, url, "Add this source", **said | {"directory": "v1"}))
    act(chief, url, "Add this source", **said, private_key=server.private_key)
    source = ReportSource.objects.get()

    page = f"{LIST}{source.pk}/change/"
    work.run_all_due()
    source.refresh_from_db()
    fingerprint = sftp.fingerprint(source.offered_host_key)
    assert "Host key to confirm" in words(chief.get(page))
    assert "127.0.0.1 shows its host key, and reports wait for that Antom SG" in words(chief.get("/admin/"))
    tested = words(press(chief, source, "test", "Test the connection"))
    assert "The source does not answer yet" in tested
    assert f"Know it by its host key The server shows the host key {fingerprint}." in tested
    act(chief, f"{LIST}{source.pk}/acts/confirm/", f"It is {fingerprint}", note="their dashboard")
    server.put(NAME, reports.SETTLEMENT)
    tested = words(press(finance, source, "test", "Test the connection"))
    assert "The source answers" in tested
    assert "1 file lies there." in tested
    for _ in range(2):
        looks(source, story_clock)

    assert "shows its host key" not in words(chief.get("/admin/"))
    shown = words(finance.get(page))
    assert f"Fetched Imported {NAME}" in shown
    assert fingerprint in shown
    assert source.private_key.splitlines()[1] not in chief.get(page).content.decode()
    assert source.private_key.splitlines()[1] not in chief.get(f"{LIST}{source.pk}/acts/edit/").content.decode()
    assert "Works" in words(finance.get(LIST))
    ReportSource.objects.update(due_at=None)
    act(finance, f"{LIST}{source.pk}/acts/look/", "Look now")
    source.refresh_from_db()
    assert source.due_at is not None
    acts = list(JournalEntry.objects.order_by("pk").values_list("act", flat=True))
    assert [one for one in acts if "source" in one or "host" in one] == [
        "add report source", "test report source", "confirm host key", "test report source", "look at report source",
    ]  # fmt: skip


def press(client: Client, source: ReportSource, name: str, saying: str) -> Any:
    """An act whose answer is a page."""
    url = f"{LIST}{source.pk}/acts/{name}/"
    return client.post(url, {"once": once(client.get(url)), "saying": saying})


def test_switched_off_it_is_not_looked_at(source: ReportSource, server: SftpServer, story_clock: StoryClock) -> None:
    operations.edit_source(source, facts(server, is_enabled=False), by=BOOKKEEPER)
    server.put(NAME, reports.SETTLEMENT)
    looks(source, story_clock, 120)

    assert seen() == []
    with pytest.raises(Conflict, match="switched off"):
        operations.look_now(source, by=BOOKKEEPER)


def test_lists_cost_the_same_for_many_files(source: ReportSource, server: SftpServer, story_clock: StoryClock) -> None:
    finance = signed_in("Finance")
    finance.get("/admin/reconciliation/sourcefile/")

    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert finance.get("/admin/reconciliation/sourcefile/").status_code == 200
            assert finance.get(LIST).status_code == 200
            assert finance.get(f"{LIST}{source.pk}/change/").status_code == 200
        return len(asked)

    server.put("a.csv", "a,b\n1,2\n")
    for _ in range(2):
        looks(source, story_clock)
    few = questions()
    for number in range(5):
        server.put(
            f"settlementItems_USD_B{number}_000.csv", settlement(row("RESERVE", "", "", "-1.00"), batch=f"B{number}")
        )
    for _ in range(2):
        looks(source, story_clock, 31)
    assert ReportFile.objects.count() == 5
    assert questions() == few
