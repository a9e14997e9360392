"""The sandbox as a service: notifications resent, a restart, many callers at once, foreign clients, the command."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from portal.clock import FileClock, VirtualClock
from portal.money import Money
from portal.sandbox.context import Keys
from portal.sandbox.control import SandboxControl
from portal.sandbox.engine import Engine
from portal.sandbox.notifications import is_acknowledgement
from portal.sandbox.server import PortTaken, Sandbox
from portal.sandbox.store import Store, StoreUnusable
from tests.sandbox.conftest import START, Shop, code

ROOT = Path(__file__).parents[2]
SCHEDULE_MINUTES = [0, 2, 10, 10, 60, 120, 360, 900]


def test_a_notification_is_sent_again_on_the_schedule_until_given_up(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.tick()
    shop.answers_with = b'{"result":{"resultCode":"PROCESS_FAIL","resultStatus":"F"}}'
    shop.pays(token)

    heard = []
    for minutes in [*SCHEDULE_MINUTES, 10_000]:
        if minutes:
            shop.moves_on(minutes=minutes - 0.1)
            assert len(shop.heard_bodies("/notify/payment")) == len(heard)
        shop.moves_on(minutes=0.1 if minutes else 0)
        heard = shop.heard_bodies("/notify/payment")

    assert len(heard) == len(SCHEDULE_MINUTES)
    assert all(one == heard[0] for one in heard)
    (row,) = control.notifications(kind="notifyPayment")
    assert (row["status"], len(row["tries"])) == ("GIVEN_UP", 8)


def test_a_notification_stops_when_acknowledged(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.tick()
    shop.http_status = 500
    shop.pays(token)
    control.tick()
    shop.http_status = 200
    shop.moves_on(minutes=2)
    shop.moves_on(days=2)
    (row,) = control.notifications(kind="notifyPayment")
    assert (row["status"], [one["http_status"] for one in row["tries"]]) == ("ACKNOWLEDGED", [500, 200])


def test_a_notification_is_sent_again_or_dropped_by_hand(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.tick()
    shop.pays(token)
    control.tick()
    (first,) = control.notifications(kind="notifyPayment")
    control.resend_notification(first["number"])
    control.tick()
    assert len(shop.heard_bodies("/notify/payment")) == 2
    control.fault("notification_late", seconds=60)
    shop.pays(token)
    control.drop_notification(control.notifications(kind="notifyPayment")[0]["number"])
    shop.moves_on(days=1)
    assert len(shop.heard_bodies("/notify/payment")) == 2


def test_nobody_listens(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    shop.pays(token, paymentNotifyUrl="http://127.0.0.1:9/closed")
    control.tick()
    (row,) = control.notifications(kind="notifyPayment")
    assert [one["outcome"] for one in row["tries"]] == ["ConnectionError"]


@pytest.mark.parametrize(
    ("body", "acknowledged"),
    [
        (b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"ok"}}', True),
        (b'{"result":{"resultCode":"SUCCESS","resultStatus":"F"}}', False),
        (b'{"result":"SUCCESS"}', False),
        (b"SUCCESS", False),
        (b"[]", False),
        (b"", False),
        (b"\xff", False),
    ],
)
def test_what_counts_as_an_acknowledgement(body: bytes, acknowledged: bool) -> None:
    assert is_acknowledgement(body) is acknowledged


def test_a_restart_forgets_nothing(clock: VirtualClock, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(clock, store=Store(path), keys=keys, ticking=False) as sandbox:
        shop = Shop(sandbox, "http://127.0.0.1:9")
        token = shop.binds()
        request = shop.payment(token)
        first = shop.call("payments/pay", request)
        sandbox.engine.set_fault("answer_code", api="refund", code="SYSTEM_ERROR", calls=2)
        sandbox.engine.context.change_settings({"auth_code_seconds": 77})
        before = sandbox.connection
    with Sandbox(clock, store=Store(path), ticking=False) as sandbox:
        shop = Shop(sandbox, "http://127.0.0.1:9", counter=100)
        assert sandbox.connection.acquirer_public_key == before.acquirer_public_key
        assert sandbox.connection.merchant_private_key == before.merchant_private_key
        assert sandbox.engine.context.settings.auth_code_seconds == 77
        assert shop.call("payments/pay", request) == first
        assert code(shop.refunds(first["paymentId"], 1_00)) == ("SYSTEM_ERROR", "F")
        assert sandbox.engine.taken_from("ana") == [Money(499_00, "PHP")]
        sandbox.engine.tick()
        (row,) = SandboxControl(sandbox.url).notifications(kind="notifyPayment")
        assert row["status"] == "DUE"


def test_what_was_being_sent_when_it_died_is_due_again(clock: VirtualClock, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    store = Store(path)
    Engine(store, clock, keys=keys)
    store.insert(
        "notifications",
        client_id="c",
        kind="notifyPayment",
        reference="p",
        url="http://127.0.0.1:9/",
        body="{}",
        status="SENDING",
        due_at=0,
        created_at=0,
    )
    store.close()
    engine = Engine(Store(path), clock, keys=keys)
    assert engine.store.value("SELECT status FROM notifications") == "DUE"


def test_one_store_serves_one_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    first = Store(path)
    first.remember("a", "b")
    with pytest.raises(StoreUnusable, match="Another sandbox"):
        Store(path)
    first.close()
    Store(path).close()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnusable, match="another version"):
        Store(path)
    path.write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        Store(path)


def test_many_equal_payments_at_once_are_one_debit(shop: Shop, control: SandboxControl) -> None:
    request = json.dumps(shop.payment(shop.binds())).encode()

    def send(_number: int) -> str:
        with requests.Session() as session:
            session.trust_env = False
            mine = Shop(shop.sandbox, session=session)
            return code(mine.send("/ams/sandbox/api/v1/payments/pay", request).json())[0]

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(send, range(36))) == {"SUCCESS"}
    assert control.taken_from("ana") == [Money(499_00, "PHP")]


def test_many_refunds_at_once_stay_within_the_payment(shop: Shop, control: SandboxControl) -> None:
    paid = shop.pays(shop.binds(), 500_00)["paymentId"]
    bodies = [
        {"refundRequestId": f"R{number}", "paymentId": paid, "refundAmount": {"currency": "PHP", "value": "10000"}}
        for number in range(12)
    ]

    def send(body: dict[str, object]) -> str:
        with requests.Session() as session:
            session.trust_env = False
            mine = Shop(shop.sandbox, session=session)
            return code(mine.send("/ams/sandbox/api/v1/payments/refund", json.dumps(body).encode()).json())[0]

    with ThreadPoolExecutor(12) as pool:
        answers = sorted(pool.map(send, bodies))
    assert answers == ["REFUND_AMOUNT_EXCEED"] * 7 + ["SUCCESS"] * 5
    assert control.balance("ana", "GCASH") == Money(25_000_00, "PHP")
    control.ledger_balances()


@pytest.mark.parametrize("time_format", ["1772416800000", "2026-03-02T02:00:00+00:00", "2026-03-02T02:00:00Z"])
@pytest.mark.parametrize("prefix", ["/ams/api", "/ams/sandbox/api"])
def test_both_time_formats_and_both_paths(shop: Shop, time_format: str, prefix: str) -> None:
    path = f"{prefix}/v1/payments/inquiryPayment"
    response = shop.send(path, b'{"paymentId":"none"}', time=time_format)
    assert code(response.json()) == ("ORDER_NOT_EXIST", "F")
    assert shop.verifies(response, path)


def raw_exchange(shop: Shop, target: str) -> bytes:
    """A call written by hand, with the request line as given; everything that came back."""
    body = b'{"paymentId":"none"}'
    path = "/ams/sandbox/api/v1/payments/inquiryPayment"
    prepared = shop.send(path, body).request.headers
    host = shop.sandbox.url.removeprefix("http://")
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {prepared[name]}" for name in ("client-id", "request-time", "signature", "content-type")]
    address, port = host.split(":")
    with socket.create_connection((address, int(port)), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_an_absolute_request_line_is_served_and_header_names_are_lower_case(shop: Shop) -> None:
    answer = raw_exchange(shop, "https://open-sea-global.alipay.com/ams/sandbox/api/v1/payments/inquiryPayment")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["result"]["resultCode"] == "ORDER_NOT_EXIST"
    for name in (b"signature: ", b"response-time: ", b"client-id: ", b"content-type: "):
        assert b"\r\n" + name in head


def test_a_connection_is_kept(shop: Shop) -> None:
    for _ in range(3):
        shop.asks(paymentId="none")
    (adapter,) = {shop.session.get_adapter(shop.sandbox.url)}
    (pool,) = adapter.poolmanager.pools._container.values()
    assert pool.num_connections == 1


def test_calls_are_kept_masked(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    shop.pays(token)
    text = json.dumps(control.calls())
    assert token not in text
    assert "ana1000001" not in text
    assert [one["api"] for one in control.calls()] == ["pay", "applyToken", "consult"]


def test_reset_begins_again(shop: Shop, control: SandboxControl) -> None:
    shop.pays(shop.binds())
    control.fault("answer_lost")
    control.reset()
    assert (control.payments(), control.tokens(), control.faults()) == ([], [], [])
    assert control.balance("ana", "GCASH") == Money(25_000_00, "PHP")
    assert code(shop.pays(shop.binds())) == ("SUCCESS", "S")


def test_what_is_due_next(shop: Shop, control: SandboxControl) -> None:
    assert control.next_due() is None
    control.fault("payment_stays_processing", seconds=30)
    token = shop.binds()
    control.tick()
    shop.pays(token)
    assert control.next_due() == datetime(2026, 3, 2, 2, 0, 30, tzinfo=UTC)
    shop.moves_on(seconds=30)
    assert control.next_due() == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    shop.moves_on(days=1)
    assert control.next_due() is None


def test_the_ticker_lets_time_pass_by_itself(clock: VirtualClock, keys: Keys) -> None:
    with Sandbox(clock, keys=keys) as sandbox:
        shop = Shop(sandbox, "http://127.0.0.1:9")
        sandbox.engine.set_fault("payment_stays_processing", seconds=5)
        answer = shop.pays(shop.binds())
        clock.set(START.replace(second=6))
        deadline = time.monotonic() + 30
        while not sandbox.engine.taken_from("ana") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert shop.asks(paymentId=answer["paymentId"])["paymentStatus"] == "SUCCESS"


def test_a_port_that_is_taken(clock: VirtualClock, keys: Keys, sandbox: Sandbox) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(PortTaken, match=f"127.0.0.1:{port} is taken"):
        Sandbox(clock, keys=keys, port=port)


# The command.


@contextmanager
def command(folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    arguments = [sys.executable, "manage.py", "sandbox", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, line.split()[-1] if line else ""
    finally:
        process.kill()
        process.communicate()


def test_the_command_serves_and_stops_cleanly_and_moves_a_shared_clock(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with command(folder) as (process, url):
        control = SandboxControl(url)
        connection = json.loads((folder / "connection.json").read_text())
        assert (folder / "connection.json").stat().st_mode & 0o777 == 0o600
        assert connection["gateway_url"] == url
        assert connection["client_id"].startswith("SANDBOX_")
        for key, kind in (
            ("merchant_private_key", "RSA PRIVATE KEY"),
            ("merchant_public_key", "PUBLIC KEY"),
            ("acquirer_public_key", "PUBLIC KEY"),
        ):  # the acquirer's Python client looks for these lines, and puts them around whatever has others
            assert connection[key].startswith(f"-----BEGIN {kind}-----\n")
            assert connection[key].endswith(f"\n-----END {kind}-----\n")
        frozen = control.freeze_clock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
        control.move_clock(days=40)
        assert (control.now() - frozen).days == 40
        assert FileClock(folder / "clock.json").now() == control.now()
        with Sandbox(VirtualClock(START), keys=None, ticking=False) as other:
            assert other.url != url
        port = url.rsplit(":", 1)[1]
        second = subprocess.run(
            [sys.executable, "manage.py", "sandbox", "--port", port, "--data", str(tmp_path / "other")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (second.returncode, "is taken" in second.stderr) == (2, True)
        assert "Traceback" not in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with command(folder) as (_process, again):
        kept = json.loads((folder / "connection.json").read_text())
        assert kept["merchant_private_key"] == connection["merchant_private_key"]
        assert SandboxControl(again).now() >= frozen


def test_the_command_refuses_a_folder_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments, sentence in (
        (["--data", str(tmp_path / "file" / "below")], "cannot be used"),
        (["--data", str(tmp_path), "--port", "70000"], "is no port"),
    ):
        result = subprocess.run(
            [sys.executable, "manage.py", "sandbox", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (result.returncode, sentence in result.stderr) == (2, True)
        assert "Traceback" not in result.stderr


def test_a_mistake_of_the_sandbox_itself_is_printed(
    control: SandboxControl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(_engine: Engine) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(Engine, "next_due", breaks)

    assert requests.get(f"{control.base_url}/control/clock", timeout=10).status_code == 500
    assert "KeyError: 'a mistake'" in capsys.readouterr().err
