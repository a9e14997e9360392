"""The first page and the search box."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorizations.models import WalletAccount
from portal import clock
from portal.admin import display
from portal.money import Money
from tests import factories
from tests.desk.conftest import Desk, act_url, page_url

pytestmark = pytest.mark.django_db


def test_a_quiet_day_is_told_kindly(chief: Desk) -> None:
    page = chief.reads("/admin/")

    assert "Today Monday 2 March · the acquirer’s day (UTC+8) ends in 14 h 0 min" in page
    assert "Nothing needs you" in page


def test_the_queue_is_oldest_first_and_each_line_has_its_button(chief: Desk) -> None:
    now = clock.now()
    newer = factories.PaymentFactory(unknown=True, created_at=now - timedelta(minutes=7), questions_asked=20)
    older = factories.PaymentFactory(unknown=True, created_at=now - timedelta(hours=26), questions_asked=25)
    factories.PaymentFactory(unknown=True, created_at=now - timedelta(minutes=4))
    incident = factories.IncidentFactory(kind="CONTRADICTION", opened_at=now - timedelta(hours=5))
    refund = factories.RefundFactory(
        status="PROCESSING", refunded_at=None, finished_at=None, created_at=now - timedelta(minutes=50)
    )

    page = chief.reads("/admin/")
    html = chief.opens("/admin/")

    places = [page.index(words) for words in ("Unknown 26 h", "Contradiction 5 h", "Unknown 50 min", "Unknown 7 min")]
    assert places == sorted(places)
    assert "GCash, asked 25 times, no final answer 1,499.00 PHP Ask now" in page
    assert "Today 4" in page
    assert act_url(older, "ask") in html
    assert act_url(newer, "ask") in html
    assert act_url(refund, "ask_refund") in html
    assert page_url(incident) in html


def test_a_payment_with_an_incident_is_one_line(chief: Desk) -> None:
    payment = factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(days=3))
    factories.IncidentFactory(subject_type="payments.Payment", subject_id=str(payment.pk))

    assert "Today 1 Payments" in chief.reads("/admin/")


def test_who_may_not_ask_is_led_to_the_page_instead(person: type[Desk]) -> None:
    payment = factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(minutes=7))
    auditor = person("Auditor")

    page = auditor.opens("/admin/")

    assert act_url(payment, "ask") not in page
    assert page_url(payment) in page


def test_consents_that_end_and_cannot_be_refreshed_are_one_line(chief: Desk) -> None:
    soon = clock.now() + timedelta(days=9)
    wallet = factories.WalletAccountFactory(access_token_expires_at=soon, refresh_token="")
    factories.WalletAccountFactory(access_token_expires_at=soon)
    factories.WalletAccountFactory(access_token_expires_at=soon + timedelta(days=2), refresh_token="")

    page = chief.reads("/admin/")

    assert "1 wallet account ends within 10 days and cannot be refreshed Look" in page
    assert wallet.login_label in chief.reads("/admin/authorizations/walletaccount/?ask=ending")
    assert WalletAccount.objects.count() == 3


def test_currencies_stand_beside_each_other_and_never_add_up(chief: Desk) -> None:
    for value in (1_499_00, 200_00):
        factories.PaymentFactory(order__amount_value=value, order__paid=True)
    factories.PaymentFactory(failed=True)
    buyer = factories.BuyerFactory()
    factories.PaymentFactory(
        order=factories.OrderFactory(buyer=buyer, amount_value=48_000, currency="KRW", paid=True),
        wallet_account=factories.WalletAccountFactory(buyer=buyer, wallet="KAKAOPAY"),
    )
    factories.PaymentFactory(created_at=clock.now() - timedelta(days=8))

    page = chief.reads("/admin/")

    assert "Paid last 7 days 1,699.00 PHP 2 payments 48,000 KRW 1 payment" in page
    assert "GCash 3 66.6 % 1,699.00 PHP 0.00 PHP" in page
    assert "Kakao Pay 1 100.0 % 48,000 KRW 0 KRW" in page


def test_what_was_refunded_stands_beside_what_was_paid(chief: Desk) -> None:
    factories.RefundFactory(amount_value=200_00)

    assert "GCash 1 100.0 % 1,499.00 PHP 200.00 PHP" in chief.reads("/admin/")


def test_the_bars_are_drawn_by_attributes(chief: Desk) -> None:
    factories.PaymentFactory(order__amount_value=1_000_00, order__paid=True)
    yesterday = clock.now() - timedelta(days=1)
    factories.PaymentFactory(order__amount_value=500_00, order__paid=True, created_at=yesterday)

    page = chief.opens("/admin/")

    assert '<rect class="now" x="114" y="0" width="15" height="44" rx="2">' in page
    assert '<rect class="" x="95" y="22" width="15" height="22" rx="2">' in page
    assert "<title>Sun 1 Mar: 500.00 PHP, 1 paid</title>" in page


def test_the_first_page_costs_the_same_on_a_busy_day(chief: Desk) -> None:
    now = clock.now()
    factories.PaymentFactory(unknown=True, created_at=now - timedelta(hours=1))
    factories.IncidentFactory()
    factories.PaymentFactory()
    chief.opens("/admin/")
    with CaptureQueriesContext(connection) as few:
        chief.opens("/admin/")
    for _ in range(40):
        factories.PaymentFactory(unknown=True, created_at=now - timedelta(hours=1))
        factories.IncidentFactory()
        factories.PaymentFactory()

    with CaptureQueriesContext(connection) as many:
        chief.opens("/admin/")

    assert len(many) == len(few)


# The search.


def test_an_exact_id_opens_its_page(chief: Desk) -> None:
    refund = factories.RefundFactory(payment=factories.PaymentFactory(order__reference="T-8841", order__paid=True))
    payment, order = refund.payment, refund.payment.order
    cancel = factories.CancelFactory()
    attempt = factories.AuthorizationFactory()
    expected = {
        refund.refund_request_id: refund,
        refund.refund_id: refund,
        payment.payment_request_id: payment,
        payment.payment_id: payment,
        order.number: order,
        order.reference: order,
        cancel.cancel_id: cancel.payment.order,
        attempt.auth_state: attempt,
        attempt.public_id: attempt,
        f"  {order.number} ": order,
    }

    for text, thing in expected.items():
        answer = chief.client.get("/admin/search/", {"q": text})
        assert answer.headers.get("Location") == page_url(thing), text


def test_a_buyer_s_reference_finds_the_buyer_and_the_orders(chief: Desk) -> None:
    payment = factories.PaymentFactory(order__buyer__reference="ana")

    page = chief.opens("/admin/search/?q=ana")

    assert page_url(payment.order) in page
    assert page_url(payment.order.buyer) in page
    masked = chief.opens(f"/admin/search/?q={payment.wallet_account.login_label}")
    assert page_url(payment.wallet_account) in masked
    assert page_url(payment.order) in masked


def test_an_id_that_only_messages_know_leads_to_them(chief: Desk) -> None:
    factories.NotificationFactory(subject="P-of-somebody-else")

    answer = chief.client.get("/admin/search/?q=P-of-somebody-else")

    assert answer.headers["Location"] == "/admin/portal/notification/?q=P-of-somebody-else"


@pytest.mark.parametrize("text", ["", " ", "nope", "x" * 5000, "\x00", "%", "'; DROP TABLE", "٣"])
def test_what_is_nobody_s_id_is_told_kindly(chief: Desk, text: str) -> None:
    page = chief.client.get("/admin/search/", {"q": text})

    assert page.status_code == 200
    assert "Nothing carries this id" in page.content.decode() or "Any id will do" in page.content.decode()


def test_support_does_not_find_what_it_may_not_open(person: type[Desk]) -> None:
    factories.ExchangeFactory(subject="P-only-on-the-wire")
    support = person("Support")

    assert "Nothing carries this id" in support.reads("/admin/search/?q=P-only-on-the-wire")


# How the desk writes things.


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(1_499_00, "PHP"), '<span class="money">1,499.00<span class="cur">PHP</span></span>'),
        (Money(15_000_00, "IDR"), '<span class="money">15,000<span class="cur">IDR</span></span>'),
        (Money(48_000, "KRW"), '<span class="money">48,000<span class="cur">KRW</span></span>'),
        (Money(1_234, "JOD"), '<span class="money">1.234<span class="cur">JOD</span></span>'),
        (None, "–"),
    ],
)
def test_money_is_written_by_its_exponent(amount: Money | None, written: str) -> None:
    assert display.money(amount) == written


def test_times_are_relative_with_the_exact_one_on_hover() -> None:
    now = clock.now()
    told = {
        timedelta(seconds=3): "just now",
        timedelta(seconds=40): "40 s ago",
        timedelta(minutes=4): "4 min ago",
        timedelta(hours=26): "26 h ago",
        timedelta(days=3): "3 days ago",
        timedelta(days=20): "10 Feb 10:00",
        timedelta(days=400): "26 Jan 2025 10:00",
        timedelta(hours=-2): "in 2 h",
    }

    assert {span: display.relative(now - span) for span in told} == told
    assert display.when(now) == (
        '<time datetime="2026-03-02T02:00:00+00:00" title="2 Mar 2026 10:00:00 UTC+8">just now</time>'
    )
    assert display.acquirer_time(now) == "2 Mar 2026 10:00 UTC+8"


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Asia/Kolkata", "UTC+5:30"), ("UTC", "UTC"), ("America/Bogota", "UTC-5"), ("Asia/Tokyo", "UTC+9")],
)
def test_the_desk_s_zone_is_named_by_its_offset(settings: object, zone: str, name: str) -> None:
    settings.TIME_ZONE = zone  # type: ignore[attr-defined]

    assert display.zone_name(clock.now()) == name


def test_a_long_id_is_whole_for_whoever_copies_it() -> None:
    assert display.ident("P20260314ABCDEFGHJKMNPQRSTVWX") == (
        '<span class="mono id" title="P20260314ABCDEFGHJKMNPQRSTVWX"><span>P20260314ABCDEFGHJKMNPQ</span>RSTVWX</span>'
    )
    assert display.brief("P20260314ABCDEFGHJKMNPQRSTVWX") == "P20260314A…RSTVWX"
