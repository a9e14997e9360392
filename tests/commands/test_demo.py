"""The demo from an empty folder to Ctrl-C, and again: as a visitor sees it, in processes of its own."""

import json
import os
import queue
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.demonstration.folder import DemoFolder
from portal.demonstration.guide import what_is_left
from portal.demonstration.ports import is_free
from tests.commands.test_processes import gone
from tests.ports import lasting_port

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
UP = "Stop with Ctrl-C. What sandbox, worker and web say, UTC+08:00:"
PATIENCE_SECONDS = 500

pytestmark = pytest.mark.timeout(900)


class Demo:
    """One run of the demo, with everything it has said."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*MANAGE, "demo", "--data", str(folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder.parent,
            env=os.environ | {"PORTAL_DATA": str(folder.parent / "elsewhere")},
        )
        self.lines: list[str] = []
        self._heard: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._heard.put(line.rstrip())
        self._heard.put(None)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def says(self, words: str) -> str:
        """Wait until a line holds the words; that line."""
        latest = time.monotonic() + PATIENCE_SECONDS
        while True:
            line = self._heard.get(timeout=max(latest - time.monotonic(), 0.1))
            assert line is not None, f"the demo ended without saying {words!r}:\n{self.text}"
            self.lines.append(line)
            if words in line:
                return line

    def url(self, name: str) -> str:
        """An address it has printed."""
        found = re.search(rf"^{name}\s+(http://localhost:\d+)/", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]

    def children(self) -> dict[str, int]:
        """What it runs, without the leashes between."""
        parents, commands = {}, {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                parents[int(process.name)] = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
                commands[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
        return {
            name: pid
            for name in ("sandbox", "worker", "granian")
            for pid, command in commands.items()
            if f"manage.py {name}" in command or f"-m {name}" in command
            if parents.get(parents[pid]) == self.process.pid
        }

    def has(self, name: str, *, besides: int) -> bool:
        """Whether another process of that name comes up within some seconds."""
        latest = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < latest:
            if self.children().get(name, besides) != besides:
                return True
            time.sleep(0.05)
        return False

    def ends(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        while (line := self._heard.get(timeout=30)) is not None:
            self.lines.append(line)
        return status


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "portal.sqlite3")) as connection:
        number: int = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
        return number


def test_a_visit_from_an_empty_folder_to_ctrl_c_and_back(tmp_path: Path) -> None:
    """One demo for all of it: making one takes longer than looking at it."""
    folder = tmp_path / "visitor" / "demo"
    folder.parent.mkdir()
    with socket.socket() as other:
        taken = lasting_port()
        other.bind(("127.0.0.1", taken))
        other.listen()
        demo = Demo(folder, "--days", "2", "--port", str(taken), "--sandbox-port", str(lasting_port()))
        try:
            demo.says(UP)
            a_taken_port_is_said_and_the_next_free_one_used(demo, taken)
            every_page_it_names_answers(demo)
            the_phone_comes_in(demo)
            people_sign_in_with_what_was_printed_and_see_what_waits(demo)
            no_password_and_no_key_is_kept_readable(demo)
            the_history_has_a_bit_of_everything(demo)
            the_newest_reports_are_left_for_the_visitor(demo)
            a_running_demo_is_neither_deleted_nor_disturbed(demo)
            what_dies_is_started_again(demo)
            ending_leaves_no_process(demo)
        finally:
            if demo.process.poll() is None:
                demo.ends()
    a_second_run_goes_on(demo)


def test_the_hint_names_the_reports_that_wait_and_an_error_only_where_it_was_planted(tmp_path: Path, db: None) -> None:
    """Days pass while a demo runs, and their reports are as they should be."""
    folder = DemoFolder(tmp_path)
    folder.complete(made_at="2026-11-27T19:10:00+08:00")
    for day in ("20261126", "20261127"):
        (folder.reports / day).mkdir(parents=True)
        (folder.reports / day / f"transactionItems_{day}_000.csv").touch()

    left = what_is_left(folder)
    assert (left.reports, left.a_fee_differs) == (folder.reports / "20261126", True)

    shutil.rmtree(folder.reports / "20261126")
    left = what_is_left(folder)
    assert (left.reports, left.a_fee_differs) == (folder.reports / "20261127", False)


def a_taken_port_is_said_and_the_next_free_one_used(demo: Demo, taken: int) -> None:
    said = next(line for line in demo.lines if line.startswith("Port"))
    port = int(demo.url("The desk").rsplit(":", 1)[1])
    assert said == f"Port {taken} is taken: the portal uses {port}."
    assert port > taken


def a_hosted_page_opens(demo: Demo, url: str) -> None:
    """As the printed command asks for one."""
    (body,) = re.findall(r"-sd '([^']+)'", demo.text)
    headers = dict(header.split(": ", 1) for header in re.findall(r"-H '([^']+)'", demo.text))
    link = requests.post(url, data=body, headers=headers, timeout=20).json()["url"]
    with requests.Session() as tab:
        seen = tab.get(link, timeout=20).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', seen))
        assert "Your wallets" in tab.post(link, data=hidden, headers={"Referer": link}, timeout=20).text
    assert requests.get(link, timeout=20).status_code == 410


def the_phone_comes_in(demo: Demo) -> None:
    """As its mini program does: with a login code, to the shop it was built for, through the sandbox."""
    sandbox = demo.url("The sandbox")
    built = requests.get(f"{sandbox}/miniprogram/shop/environment.js", timeout=20).text
    known = dict(re.findall(r'^export const (\w+) = "([^"]*)";$', built, re.MULTILINE))
    assert known == {"SERVER": demo.url("The desk"), "ACCOUNT": "sandbox"}
    wanted = {"wallet": "GCASH", "user": "ana"}
    code = requests.post(f"{sandbox}/control/login-codes", json=wanted, timeout=20).json()["authCode"]
    body = json.dumps({"login_code": code, "site_name": "GCASH", "account": known["ACCOUNT"]})
    asked = {
        "url": f"{known['SERVER']}/api/v1/sessions",
        "method": "POST",
        "headers": {"content-type": "application/json"},
        "body": body,
    }
    answer = requests.post(f"{sandbox}/miniprogram/request", json=asked, timeout=40).json()
    assert answer["status"] == 201, answer


def every_page_it_names_answers(demo: Demo) -> None:
    for line in demo.lines:
        for url in re.findall(r"http://localhost:\d+/\S*", line):
            if url.endswith("/hosted-pages"):
                a_hosted_page_opens(demo, url)
                continue
            assert requests.get(url, timeout=20).status_code == 200, url
    ready = requests.get(f"{demo.url('The desk')}/readyz", timeout=20)
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")


def people_sign_in_with_what_was_printed_and_see_what_waits(demo: Demo) -> None:
    logins = dict(re.findall(r"^  (\w+) +([a-z0-9]{4}(?:-[a-z0-9]{4}){3}) ", demo.text, re.MULTILINE))
    assert set(logins) == {"admin", "operator", "support", "finance", "auditor", "developer"}
    portal = demo.url("The desk")
    session = requests.Session()
    session.get(f"{portal}/admin/login/", timeout=20)
    form = {
        "login": "operator",
        "password": logins["operator"],
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
        "next": "/admin/",
    }
    page = session.post(f"{portal}/admin/login/", data=form, headers={"Referer": portal}, timeout=20)
    assert page.url == f"{portal}/admin/"
    assert "Unknown" in page.text
    assert "no final answer" in page.text


def no_password_and_no_key_is_kept_readable(demo: Demo) -> None:
    secrets = set(re.findall(r"[a-z0-9]{4}(?:-[a-z0-9]{4}){3}|mk_[\w-]+", demo.text))
    assert len(secrets) == 7
    for path in (path for path in demo.folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path


def the_history_has_a_bit_of_everything(demo: Demo) -> None:
    with closing(sqlite3.connect(demo.folder / "portal.sqlite3")) as connection:

        def seen(question: str) -> set[str]:
            return {row[0] for row in connection.execute(question)}

        assert count(demo.folder, "payments_order") > 20
        assert seen("SELECT status FROM payments_payment") >= {"SUCCEEDED", "FAILED", "PROCESSING"}
        assert seen("SELECT status FROM payments_refund") >= {"PROCESSING"}
        assert seen("SELECT status FROM authorizations_walletaccount") >= {"ACTIVE", "REVOKED", "NEEDS_AUTHORIZATION"}
        soon = "access_token_expires_at < datetime('now', '+10 days') AND refresh_token = ''"
        assert seen(f"SELECT wallet FROM authorizations_walletaccount WHERE {soon}") == {"KPLUS"}
        assert seen("SELECT status FROM portal_notification") >= {"APPLIED", "UNAPPLIED", "REFUSED"}
        assert seen("SELECT status FROM payments_declaration") == {"ACCEPTED", "FAILED", "REFUSED", "DECLARED"}
        assert seen("SELECT reason FROM reconciliation_discrepancy WHERE closed_at IS NULL") == {"AMOUNT_DIFFERS"}
        assert seen("SELECT resolution FROM reconciliation_discrepancy WHERE closed_at IS NOT NULL") == {
            "OTHER_CHANNEL"
        }
        assert seen("SELECT weekend FROM reconciliation_settlementcalendar") == {0}, "the sandbox settles every day"
        assert len(seen("SELECT currency FROM payments_payment")) >= 5


def the_newest_reports_are_left_for_the_visitor(demo: Demo) -> None:
    newest = max((demo.folder / "sandbox/reports").glob("2*"))
    assert str(newest) in demo.text
    names = [path.name for path in newest.iterdir()]
    with closing(sqlite3.connect(demo.folder / "portal.sqlite3")) as connection:
        imported = {row[0] for row in connection.execute("SELECT name FROM reconciliation_reportfile")}
    assert len(names) == 3
    assert imported
    assert not imported & set(names)


def a_running_demo_is_neither_deleted_nor_disturbed(demo: Demo) -> None:
    connection = demo.folder / "sandbox/connection.json"
    before = (connection.stat(), connection.read_bytes())
    for options in ([], ["--reset"]):
        said = refused(*options, "--data", str(demo.folder))
        where = f"A demo is running on {demo.folder}, at {demo.url('The desk')}/admin/."
        assert said == f"CommandError: {where} Stop it first, with Ctrl-C."
    assert (connection.stat(), connection.read_bytes()) == before


def what_dies_is_started_again(demo: Demo) -> None:
    children = demo.children()
    assert set(children) == {"sandbox", "worker", "granian"}
    for name, shown in (("worker", "worker"), ("granian", "web"), ("sandbox", "sandbox")):
        os.kill(children[name], signal.SIGKILL)
        assert demo.says("ended by SIGKILL") == f"{shown:<8}│ ended by SIGKILL. Started again."
        assert demo.has(name, besides=children[name])
    answers(f"{demo.url('The desk')}/readyz")
    answers(f"{demo.url('The sandbox')}/miniprogram/")


def answers(url: str) -> None:
    """Within some seconds it does."""
    latest = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < latest:
        with suppress(requests.RequestException):
            if requests.get(url, timeout=20).ok:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def ending_leaves_no_process(demo: Demo) -> None:
    children = demo.children()
    assert demo.ends(signal.SIGINT) == 0
    assert "Stopped. Everything is kept; the next run goes on from here." in demo.text
    assert "Traceback" not in demo.text
    assert all(gone(pid) for pid in children.values())
    assert all(is_free(int(demo.url(name).rsplit(":", 1)[1])) for name in ("The desk", "The sandbox"))


def a_second_run_goes_on(demo: Demo) -> None:
    orders = count(demo.folder, "payments_order")
    again = Demo(demo.folder, "--port", str(lasting_port()), "--sandbox-port", str(lasting_port()))
    try:
        again.says(UP)
        assert again.lines[0] == f"Going on with the demo in {demo.folder}; no new history."
        assert "changepassword operator" in again.text
        assert not re.search(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", again.text)
        assert count(demo.folder, "payments_order") == orders
        with closing(sqlite3.connect(demo.folder / "portal.sqlite3")) as connection:
            account = connection.execute("SELECT gateway_url, notify_base_url FROM portal_acquireraccount").fetchall()
        sandbox, portal = again.url("The sandbox"), again.url("The desk")
        assert account == [(sandbox.replace("localhost", "127.0.0.1"), portal)] * 2, "at either acquirer"
        the_phone_comes_in(again)
        assert requests.get(f"{portal}/readyz", timeout=20).status_code == 200
        its_hints_name_what_is_left(again)
        killing_it_leaves_no_process(again)
    finally:
        if again.process.poll() is None:
            again.ends()


def its_hints_name_what_is_left(demo: Demo) -> None:
    """Nobody has tried anything, so that all is left; a discrepancy that is closed would be no hint any more."""
    assert "Seven things left to try" in demo.text
    assert re.search(r"As finance: support asks for a refund of [\d,.]+ [A-Z]{3} \(Today, or Approvals\)", demo.text)
    command = re.search(r"\S+ \S+ changepassword operator", demo.text)
    assert command is not None
    assert command[0].split()[:2] == MANAGE


def killing_it_leaves_no_process(demo: Demo) -> None:
    children = demo.children()
    assert set(children) == {"sandbox", "worker", "granian"}
    assert demo.ends(signal.SIGKILL) == -signal.SIGKILL
    latest = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children.values()) and time.monotonic() < latest:
        time.sleep(0.05)
    assert not [name for name, pid in children.items() if Path(f"/proc/{pid}").exists()]
    assert all(is_free(int(demo.url(name).rsplit(":", 1)[1])) for name in ("The desk", "The sandbox"))


def test_a_run_that_is_stopped_early_leaves_nothing_running_and_the_next_begins_anew(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", "--port", str(lasting_port()), "--sandbox-port", str(lasting_port()))
    demo.says("30 days of history")
    children = demo.children()
    assert set(children) == {"sandbox"}
    assert demo.ends(signal.SIGTERM) == 1
    assert "Stopped before the history was complete; the next run begins it anew." in demo.lines[-1]
    assert "Traceback" not in demo.text
    with pytest.raises(ProcessLookupError):
        os.kill(children["sandbox"], 0)
    again = Demo(tmp_path / "demo", "--port", str(lasting_port()), "--sandbox-port", str(lasting_port()))
    try:
        again.says("The last run stopped before its history was complete: it begins anew.")
    finally:
        again.ends()


def refused(*arguments: str) -> str:
    """What the demo says when it refuses; its exit status is 2."""
    ended = subprocess.run([*MANAGE, "demo", *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip()


def test_what_it_did_not_make_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "portal.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE auth_user (id INTEGER)")
        connection.execute("INSERT INTO auth_user VALUES (1)")
    for options in ([], ["--reset"]):
        assert "holds a portal that the demo did not make" in refused(*options, "--data", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["portal.sqlite3"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    place = tmp_path / "file" / "demo"
    assert refused("--data", str(place)) == f"CommandError: {place} cannot be used: Not a directory."


def test_an_option_that_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    sentence = "CommandError: --port 0 is no port: give 1 to 65535."
    assert refused("--port", "0", "--data", str(tmp_path / "demo")) == sentence
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sandbox-port", "70000"], "--sandbox-port 70000 is no port: give 1 to 65535."),
        (["--days", "1"], "--days 1: give 2 to 90."),
        (["--days", "400"], "--days 400: give 2 to 90."),
    ],
)
def test_other_options_that_cannot_be_are_refused(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=f"^{sentence}$") as error:
        call_command("demo", *arguments, "--data", str(tmp_path / "demo"))
    assert error.value.returncode == 2
    assert not (tmp_path / "demo").exists()
