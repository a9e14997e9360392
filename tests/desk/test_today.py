"""The first page and the search box."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorizations.models import WalletAccount
from portal import clock, gather, registry
from portal.admin import display
from portal.money import Money
from reconciliation.models import AwaitedReport, Discrepancy, Period, ReportFile, ReportSource
from tests import factories
from tests.desk.conftest import Desk, act_url, page_url

pytestmark = pytest.mark.django_db

QUERIES_AT_MOST = 15


def test_a_quiet_day_is_told_kindly(chief: Desk) -> None:
    page = chief.reads("/admin/")

    assert "Today Monday 2 March · the acquirer’s day (UTC+8) ends in 14 h 0 min" in page
    assert "Nothing needs you" in page


def test_the_queue_is_oldest_first_and_each_line_has_its_button(chief: Desk) -> None:
    now = clock.now()
    newer = factories.PaymentFactory(unknown=True, created_at=now - timedelta(minutes=7), questions_asked=20)
    older = factories.PaymentFactory(unknown=True, created_at=now - timedelta(hours=26), questions_asked=25)
    factories.PaymentFactory(unknown=True, created_at=now - timedelta(minutes=4))
    incident = factories.IncidentFactory(kind="CONTRADICTION", subject_id="0", opened_at=now - timedelta(hours=5))
    refund = factories.RefundFactory(
        status="PROCESSING", refunded_at=None, finished_at=None, created_at=now - timedelta(minutes=50)
    )

    page = chief.reads("/admin/")
    html = chief.opens("/admin/")

    places = [page.index(words) for words in ("Unknown 26 h", "Contradiction 5 h", "Unknown 50 min", "Unknown 7 min")]
    assert places == sorted(places)
    assert f"GCash through {older.account}, asked 25 times, no final answer 1,499.00 PHP Ask now" in page
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
    factories.PaymentFactory(order__amount_value=10_00, order__paid=True, created_at=clock.now() - timedelta(days=8))
    factories.PaymentFactory(order__paid=True, created_at=clock.now() - timedelta(days=40))

    page = chief.reads("/admin/")

    assert "PHP 1,699.00 PHP 2 payments 1,699.00 PHP 2 payments 1,709.00 PHP 3 payments 0.00 PHP" in page
    assert "KRW 48,000 KRW 1 payment 48,000 KRW 1 payment 48,000 KRW 1 payment 0 KRW" in page
    assert "GCash 3 1 66.7 % 1,699.00 PHP 0.00 PHP" in page
    assert "Kakao Pay 1 0 100.0 % 48,000 KRW 0 KRW" in page


def test_every_figure_leads_to_its_rows(chief: Desk) -> None:
    for value in (1_499_00, 200_00):
        factories.PaymentFactory(order__amount_value=value, order__paid=True)
    factories.PaymentFactory(failed=True)
    factories.RefundFactory(amount_value=200_00, created_at=clock.now())
    html = chief.opens("/admin/")

    def rows(url: str) -> int:
        assert f'href="{url.replace("&", "&amp;")}"' in html, url
        return chief.opens(url).count('<tr><td class="')

    assert rows("/admin/payments/payment/?ask=was_paid&day=0&currency=PHP") == 3
    assert rows("/admin/payments/payment/?ask=was_paid&day=30&currency=PHP") == 3
    assert rows("/admin/payments/payment/?ask=was_paid&day=2026-03-02&currency=PHP") == 3
    assert rows("/admin/payments/payment/?ask=ended_unpaid&wallet=GCASH&day=7&currency=PHP") == 1
    assert rows("/admin/payments/payment/?wallet=GCASH&day=7&currency=PHP") == 4
    assert rows("/admin/payments/refund/?ask=refunded&day=30&currency=PHP") == 1
    assert rows("/admin/payments/payment/?ask=not_settled&day=2026-03-02") == 3


def test_what_was_refunded_stands_beside_what_was_paid(chief: Desk) -> None:
    factories.RefundFactory(amount_value=200_00)

    assert "GCash 1 0 100.0 % 1,499.00 PHP 200.00 PHP" in chief.reads("/admin/")


def test_the_bars_are_drawn_by_attributes_and_told_as_a_table(chief: Desk) -> None:
    factories.PaymentFactory(order__amount_value=1_000_00, order__paid=True)
    yesterday = clock.now() - timedelta(days=1)
    factories.PaymentFactory(order__amount_value=500_00, order__paid=True, created_at=yesterday)

    html = chief.opens("/admin/")

    assert '<rect class="now" x="203" y="0" width="5" height="36" rx="1">' in html
    assert '<rect class="" x="196" y="18" width="5" height="18" rx="1">' in html
    assert "<title>Sun 1 Mar: 500.00 PHP, 1 paid</title>" in html
    assert "PHP paid per day, last 30 days" in html
    assert "Best day 2 Mar with 1,000.00 PHP." in html
    assert "Mon 2 Mar 1,000.00 PHP Sun 1 Mar 500.00 PHP Sat 28 Feb –" in chief.reads("/admin/")


def test_failed_charges_that_somebody_can_mend_are_one_line_for_each_reason(chief: Desk) -> None:
    for minutes in (30, 20):
        factories.PaymentFactory(
            failed=True,
            result_code="PARAM_ILLEGAL",
            advice="FIX_REQUEST",
            created_at=clock.now() - timedelta(minutes=minutes),
        )
    factories.PaymentFactory(failed=True, actor_kind="MERCHANT_SERVER", advice="ASK_BUYER")
    factories.PaymentFactory(failed=True, actor_kind="BUYER", advice="ASK_BUYER")
    factories.PaymentFactory(
        failed=True, result_code="OLD", advice="FIX_REQUEST", created_at=clock.now() - timedelta(days=2)
    )

    page = chief.reads("/admin/")

    assert "2 charges failed PARAM_ILLEGAL, our request or configuration is wrong Look" in page
    assert "nobody was there to try again Look" in page
    assert "OLD" not in page
    assert "Today 2" in page
    assert "Today 2" in chief.reads("/admin/news/")


def test_a_report_that_should_be_here_is_asked_for(chief: Desk) -> None:
    now = clock.now()  # Monday 2 March, 10:00 in UTC+8
    for days in (4, 3, 1):
        payment = factories.PaymentFactory(order__paid=True, created_at=now - timedelta(days=days))
    WalletAccount.objects.update(account=payment.account)  # all of one contract

    page = chief.reads("/admin/")

    assert "Transaction details of 26 Feb and of 1 more day not here" in page
    assert "Expected settlements" in page
    assert "Thu 26 Feb 1 payment Late" in page


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


def test_everything_that_may_wait_waits_at_once_and_is_asked_for_by_one_statement(chief: Desk) -> None:
    now = clock.now()
    payment = factories.PaymentFactory(order__paid=True, created_at=now - timedelta(days=4))
    account = payment.order.account
    refund = factories.RefundFactory(payment=payment)
    factories.PaymentFactory(unknown=True, created_at=now - timedelta(hours=26))
    factories.RefundFactory(
        status="PROCESSING", refunded_at=None, finished_at=None, created_at=now - timedelta(hours=2)
    )
    factories.SubscriptionFactory(status="PAST_DUE", grace_until=now - timedelta(hours=1))
    factories.CycleFactory(
        subscription__status="IN_GRACE", status="FAILED", trouble="BUYER", first_failed_at=now - timedelta(hours=1)
    )
    factories.CycleFactory(
        status="AWAITING_AMOUNT", order=None, amount_value=None, opened_at=now - timedelta(minutes=40)
    )
    factories.PaymentFactory(failed=True, advice="FIX_REQUEST", created_at=now - timedelta(minutes=30))
    factories.IncidentFactory(opened_at=now - timedelta(hours=5))
    factories.ApprovalFactory(payment=payment)
    factories.WalletAccountFactory(access_token_expires_at=now + timedelta(days=9), refresh_token="")
    said = {"account": account, "kind": "SETTLEMENT", "edition": "E3", "byte_size": 0, "amount_unit": "MAJOR"}
    imported = ReportFile.objects.create(**said, name="one.csv", sha256="1" * 64, status="IMPORTED", imported_at=now)
    ReportFile.objects.create(**said, name="two.csv", sha256="2" * 64, status="TRIED")
    Discrepancy.objects.create(file=imported, reason="AMOUNT_DIFFERS", currency="USD", stake_currency="USD")
    missing = {"account": account, "reason": "MISSING", "currency": "USD", "stake_currency": "PHP"}
    Discrepancy.objects.create(payment=payment, stake_value=1_499_00, **missing)
    Discrepancy.objects.create(refund=refund, stake_value=-200_00, **missing)
    Period.objects.create(account=account, month=date(2026, 1, 1))
    AwaitedReport.objects.create(
        account=account, currency="USD", day=date(2026, 2, 20), payment_count=1, refund_count=0
    )
    ReportSource.objects.create(
        account=account, host="sftp.example", username="us", offered_host_key="ssh-ed25519 AAAA", looked_at=now
    )
    factories.DeclarationFactory()
    factories.DeclarationFactory(status="PROCESSING", attempts=20, customs_result_code="")
    factories.DeclarationFactory(status="FAILED", actor_kind="CLOCK", payment__declared_value=0)
    chief.opens("/admin/")

    with CaptureQueriesContext(connection) as asked:
        page = chief.reads("/admin/")

    kinds = {name for name, queue in registry.today.items() if any(gather.counts(queue.waiting))}
    assert kinds == {name for name, _ in registry.today.items()}
    assert len(asked) <= QUERIES_AT_MOST
    assert "Today 20" in page
    places = [
        page.index(words)
        for words in (
            "Month to close 29 days January 2026 over and not closed",
            "Settlement details in USD of 20 Feb not here",
            "Transaction details of 26 Feb not here",
            "Unknown 26 h Payment of order",
            "Payment unknown 5 h",
            "Unknown 2 h Refund",
            "1 subscription is past due",
            "1 subscription has a charge that is not tried again by itself",
            "1 metered charge is due, and your server has not posted its amount",
            "1 charge failed",
            "goes back to the buyer",
            "1 wallet account ends within 10 days",
            "1 payment is late in settlement, 1,499.00 USD",
            "1 refund is late in settlement, 200.00 USD",
            "1 discrepancy in one.csv Explain",
            "two.csv was tried and is not imported",
            "sftp.example shows its host key, and reports wait for that",
        )
    ]
    assert places == sorted(places)


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
