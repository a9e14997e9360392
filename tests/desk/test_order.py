"""An order's page: its sentence, three truths, the way back, and the evidence one can take away."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from payments.customs import operations as customs
from payments.customs.promising import Buyer
from payments.models import Payment
from payments.states import PaymentStatus
from portal.admin import display
from portal.models import Exchange, JournalEntry
from portal.money import Money
from portal.roles import AUDITOR, OPERATOR, SUPPORT
from tests.desk.conftest import Desk, act_url, page_url
from tests.story import PHP, Acquirer, Customer, Shop

PRICE = PHP(1_499_00)


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment of 1,499.00 PHP, paid a moment ago."""
    buyer.binds("GCASH")
    return shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))


@pytest.fixture
def unknown(shop: Shop, buyer: Customer, acquirer: Acquirer) -> Payment:
    """A payment without a final answer."""
    buyer.binds("GCASH")
    acquirer.will("payment_stays_processing", seconds=7200)
    return shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))


def presses_ask(desk: Desk, payment: Payment) -> str:
    """Press the button of the three truths."""
    html = desk.opens(page_url(payment.order))
    once = html.split('name="once" value="', 1)[1].split('"', 1)[0]
    desk.client.post(act_url(payment.order, "ask"), {"once": once, "saying": "Ask now"})
    return desk.reads(page_url(payment.order))


# Three truths.


def test_before_anybody_asks_only_our_rows_speak(paid: Payment, person: type[Desk]) -> None:
    page = person(OPERATOR).reads(page_url(paid.order))

    assert "1,499.00 PHP Paid Not settled yet" in page
    assert "Ours our rows Acquirer not asked yet Settlement no row yet" in page
    assert "Nothing to compare yet" in page


def test_the_acquirer_is_asked_and_agrees(paid: Payment, person: type[Desk]) -> None:
    desk = person(OPERATOR)

    page = presses_ask(desk, paid)

    assert "Amount Equal 1,499.00 PHP 1,499.00 PHP –" in page
    assert "State Equal Paid SUCCESS –" in page
    assert "All equal" in page
    assert JournalEntry.objects.get(act="ask the acquirer").actor_name == desk.user.username


def test_what_differs_is_said_in_a_word(paid: Payment, person: type[Desk]) -> None:
    desk = person(OPERATOR)
    presses_ask(desk, paid)
    Payment.objects.filter(pk=paid.pk).update(payment_id="2026030219401080010018800000009999")

    html = desk.opens(page_url(paid.order))

    assert "1 field differs" in html
    assert '<tr class="differs"><th scope="row">Their id<span class="agrees bad">' in html


def test_a_dead_acquirer_is_said_plainly_and_what_it_said_before_is_shown(
    paid: Payment, person: type[Desk], acquirer: Acquirer
) -> None:
    desk = person(OPERATOR)
    presses_ask(desk, paid)
    acquirer.will("request_lost", api="inquiryPayment")

    page = presses_ask(desk, paid)

    assert "The acquirer gave no answer when it was last asked" in page
    assert "What it said before is shown." in page
    assert "State Equal Paid SUCCESS –" in page


def test_opening_the_page_of_what_is_not_final_asks_once(unknown: Payment, person: type[Desk], shop: Shop) -> None:
    desk = person(SUPPORT)
    shop.seconds_pass(60)
    assert "data-ask-on-open" in desk.opens(page_url(unknown.order))

    presses_ask(desk, unknown)

    assert "data-ask-on-open" not in desk.opens(page_url(unknown.order))
    assert "State Equal Unknown PROCESSING –" in desk.reads(page_url(unknown.order))
    shop.seconds_pass(60)
    assert "data-ask-on-open" in desk.opens(page_url(unknown.order))


def test_who_may_not_ask_reads_what_was_said(unknown: Payment, person: type[Desk], shop: Shop) -> None:
    shop.seconds_pass(60)

    html = person(AUDITOR).opens(page_url(unknown.order))

    assert "Three truths" in html
    assert "data-ask-on-open" not in html
    assert "Ask the acquirer now" not in html


def test_what_is_final_is_not_asked_about_by_looking(paid: Payment, person: type[Desk]) -> None:
    assert "data-ask-on-open" not in person(OPERATOR).opens(page_url(paid.order))


# The way back.


def test_money_back_says_how_why_and_until_when(paid: Payment, person: type[Desk], shop: Shop) -> None:
    desk = person(OPERATOR)

    page = desk.reads(page_url(paid.order))
    assert "Can be given back 1,499.00 PHP By cancel." in page
    assert "Cancel until 3 Mar 2026 00:15 UTC+8 · 14 h 15 min left" in page
    assert "left" in desk.reads(act_url(paid.order, "cancel"))

    shop.clock_moves(days=1)
    page = desk.reads(page_url(paid.order))
    assert "By refund. The time to cancel has passed." in page
    assert "Cancel until 3 Mar 2026 00:15 UTC+8 · passed 9 h ago" in page


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=3, hours=4, minutes=9), "3 days 4 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=13, minutes=42), "13 h 42 min"),
        (timedelta(minutes=4, seconds=10), "4 min 10 s"),
        (timedelta(seconds=40), "40 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_what_is_left_is_told_in_two_units(length: timedelta, words: str) -> None:
    assert display.left(length) == words


# The evidence.


def takes(desk: Desk, payment: Payment, **said: str) -> Any:
    """Take the order's pack; the response."""
    form = desk.begins(act_url(payment.order, "evidence"))
    return desk.client.post(form.url, {"once": form.once, "saying": form.saying, "note": "", **said})


def unpacked(response: Any) -> dict[str, bytes]:
    """The files of a pack, after its checksums were checked."""
    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(line.split("  ", 1)[::-1] for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return files


def test_the_pack_tells_all_and_no_secret(paid: Payment, person: type[Desk], shop: Shop) -> None:
    shop.refunds(paid, PHP(100_00))
    desk = person(OPERATOR)

    files = unpacked(takes(desk, paid))

    assert {"README.txt", "timeline.txt", "timeline.json", "signatures.txt", "rows/order.json"} <= set(files)
    (payment,) = json.loads(files["rows/payments.json"])
    assert (payment["payment_request_id"], payment["amount_value"]) == (paid.payment_request_id, 1_499_00)
    assert [refund["amount_value"] for refund in payment["refunds"]] == [100_00]
    assert b"Paid: the answer to pay said so" in files["timeline.txt"]
    assert b"0001-pay: verified with the acquirer's key" in files["signatures.txt"]
    call = Exchange.objects.get(api="pay")
    masked = files["messages/0001-pay/request.masked.txt"].decode()
    assert masked.startswith(f"SHA-256 of the original: {call.request_sha256}\n")
    everything = b"".join(files.values())
    token = paid.wallet_account.access_token
    assert token
    assert token.encode() not in everything
    assert b"PRIVATE KEY" not in everything
    assert paid.account.private_key.encode()[40:120] not in everything


def test_the_pack_tells_what_was_declared_to_customs_and_shows_no_certificate(
    buyer: Customer, shop: Shop, person: type[Desk]
) -> None:
    number, name = "110101199001011234", "Li Si Wang"
    buyer.binds("ALIPAY_CN")
    tea = shop.charges(shop.sells("Tea", Money(100_00, "CNY"), to=buyer))
    declared = customs.declare(
        tea,
        Money(60_00, "CNY"),
        office="ZONGSHU",
        merchant_customs_code="33",
        merchant_customs_name="Example Trading Ltd",
        suborder_id="P1",
        buyer=Buyer("ID_CARD", number, name),
        by=shop.staff,
    )
    shop.clock_moves(minutes=7)

    files = unpacked(takes(person(OPERATOR), tea))

    (told,) = json.loads(files["rows/declarations.json"])
    assert (told["declaration_request_id"], told["status"], told["amount_value"]) == (str(declared), "ACCEPTED", 60_00)
    assert told["certificate"] == {"kind": "ID_CARD", "number": "••••", "name": "••••"}
    assert [change["target"] for change in told["changes"]] == ["PROCESSING", "DECLARED", "ACCEPTED"]
    assert [path for path in files if "-declare/request" in path] != []
    assert [path for path, text in files.items() if number.encode() in text or name.encode() in text] == []


def test_the_same_state_gives_the_same_bytes_and_each_taking_stands_in_the_journal(
    paid: Payment, person: type[Desk], shop: Shop
) -> None:
    desk = person(OPERATOR)
    first = takes(desk, paid, note="for the bank").content
    shop.seconds_pass(3 * 86400)

    second = takes(desk, paid).content

    assert first == second
    lines = JournalEntry.objects.filter(act="take evidence").order_by("pk")
    digest = hashlib.sha256(first).hexdigest()
    assert [(line.note, line.outcome) for line in lines] == [
        ("for the bank", f"SHA-256 {digest}"),
        ("", f"SHA-256 {digest}"),
    ]


def test_originals_need_their_permission_and_a_reason(paid: Payment, person: type[Desk]) -> None:
    operator, auditor = person(OPERATOR), person(AUDITOR)
    assert "original bytes" not in operator.begins(act_url(paid.order, "evidence")).page
    files = unpacked(takes(operator, paid, originals="on", note="I want them"))
    assert not [name for name in files if name.endswith(".original")]

    refused = takes(auditor, paid, originals="on")
    assert "Say in a few words what the original messages are needed for." in refused.content.decode()
    files = unpacked(takes(auditor, paid, originals="on", note="court order 7"))

    call = Exchange.objects.get(api="pay")
    assert files["messages/0001-pay/request.original"] == bytes(call.request_body)
    assert hashlib.sha256(files["messages/0001-pay/response.original"]).hexdigest() == call.response_sha256
    entry = JournalEntry.objects.get(act="reveal original messages")
    assert (entry.actor_name, entry.note) == (auditor.user.username, "court order 7")


def test_who_may_not_see_the_wire_takes_a_pack_without_it(paid: Payment, person: type[Desk]) -> None:
    files = unpacked(takes(person(SUPPORT), paid))

    assert not [name for name in files if name.startswith(("messages/", "keys/", "signatures"))]
    assert b"The messages on the wire are left out" in files["README.txt"]
    assert paid.payment_request_id.encode() in files["rows/payments.json"]


def test_the_timeline_of_an_order_tells_what_people_did_to_its_payment(paid: Payment, person: type[Desk]) -> None:
    desk = person(OPERATOR)

    page = presses_ask(desk, paid)

    assert f"{desk.user.username}: ask the acquirer" in page
    assert paid.status == PaymentStatus.SUCCEEDED
