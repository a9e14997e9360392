"""A shop whose acquirer cannot be asked about refunds, asks before it unbinds, and lets buyers choose on its page.

The account is one at the sandbox's Alipay+ door; the stories speak of what its capabilities say.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from authorizations import operations as binding
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger, WalletStatus
from payments import operations as paying
from payments.customs.operations.declaring import why_not_declare
from payments.states import OrderStatus, PaymentStatus, RefundStatus
from portal import catalogue
from portal.acquirer.results import Secret
from portal.api import limits
from portal.models import AcquirerAccount, AcquirerKey, Exchange, JournalEntry, Notification, WebhookEvent
from portal.sandbox.control import ControlFailed, SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from portal.sandbox.server import Sandbox
from tests.conftest import CONTRACTED, Counted
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def account(
    transactional_db: None, sandbox: Sandbox, application: Counted, portal_url: str, settings: Any
) -> Iterator[AcquirerAccount]:
    cache.clear()
    limits.here.forget()
    settings.PORTAL_BASE_URL = portal_url
    theirs = sandbox.connection.alipayplus
    account = AcquirerAccount.objects.create(
        name="Plus",
        slug="plus",
        adapter=AcquirerAccount.Adapter.ALIPAYPLUS,
        gateway_url=sandbox.connection.gateway_url,
        client_id=FIRST_PARTNER,
        private_key=theirs["merchant_private_key"],
        public_key=theirs["merchant_public_key"],
        settlement_currency="USD",
        notify_base_url=portal_url,
        merchant_reference="M001",
        merchant_legal_name="Kape & Co Trading Inc.",
    )
    catalogue.begin(account, CONTRACTED)
    AcquirerKey.objects.create(account=account, version="1", public_key=theirs["acquirer_public_key"])
    urls = {kind: f"{portal_url}/notify/plus/{kind}" for kind in ("authorization", "payment", "unbinding")}
    SandboxControl(sandbox.url).notify_urls(client_id=FIRST_PARTNER, **urls)
    yield account
    application.comes_to_rest()


def refunds_sent() -> list[bytes]:
    """The refund requests, oldest first."""
    return [bytes(row.request_body) for row in Exchange.objects.filter(api="refund").order_by("pk")]


def test_a_wallet_is_bound_debited_and_given_back(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    payment = shop.charges(order)
    assert payment.status == PaymentStatus.SUCCEEDED
    assert (payment.gross_settlement_currency, payment.quote_currency_pair) == ("USD", "PHP/USD")
    refund = shop.refunds(payment, PHP(100_00))
    shop.comes_to_rest()
    assert refund.status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]
    assert set(Notification.objects.values_list("kind", "status")) == {
        ("authNotify", "APPLIED"),
        ("notifyPayment", "APPLIED"),
    }
    assert {one["status"] for one in SandboxControl(acquirer.sandbox.url).notifications()} == {"ACKNOWLEDGED"}


def test_a_lost_answer_to_pay_never_charges_twice(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)
    assert payment.status == PaymentStatus.PROCESSING
    shop.clock_moves(minutes=5)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_payment_nobody_decides_is_asked_about_and_cancelled(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("payment_stays_processing")
    payment = shop.charges(order)
    shop.clock_moves(minutes=10)
    payment.refresh_from_db()
    assert payment.status in (PaymentStatus.CANCELLED, PaymentStatus.FAILED)
    assert acquirer.took_from(buyer) == []


def test_a_paid_order_is_cancelled_as_a_whole(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("answer_lost", api="cancelPayment")
    shop.cancels(payment)
    shop.clock_moves(minutes=30)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELLED
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize("fault", ["answer_lost", "request_lost", "http_500", "answer_wrongly_signed"])
def test_a_refund_without_an_answer_is_repeated_byte_for_byte_and_made_once(
    shop: Shop, buyer: Customer, acquirer: Acquirer, fault: str
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will(fault, api="refund")

    refund = shop.refunds(payment, PHP(100_00))
    assert refund.status == RefundStatus.PROCESSING
    shop.clock_moves(minutes=2)

    refund.refresh_from_db()
    assert (refund.status, refund.times_sent) == (RefundStatus.SUCCEEDED, 2)
    first, second = refunds_sent()
    assert first == second
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_a_refund_in_process_is_repeated_until_it_is_done(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("refund_stays_processing", seconds=100)
    refund = shop.refunds(payment, PHP(100_00))
    shop.clock_moves(minutes=1)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.PROCESSING
    shop.clock_moves(minutes=30)
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert len(set(refunds_sent())) == 1
    assert payment.refundable == PHP(399_00)


def test_the_refusal_of_a_repeat_closes_a_refund_that_is_in_no_list(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("request_lost", api="refund")
    refund = shop.refunds(payment, PHP(100_00))
    acquirer.will("answer_code", api="refund", code="PROCESS_FAIL")
    shop.clock_moves(minutes=2)
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.status, refund.result_code) == (RefundStatus.FAILED, "PROCESS_FAIL")
    assert payment.refundable == PHP(499_00)
    assert acquirer.gave_back_to(buyer) == []


def test_the_refusal_of_a_repeat_does_not_close_one_that_was_made(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    """The list of the payment knows better than the refusal."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("answer_lost", api="refund")
    refund = shop.refunds(payment, PHP(100_00))
    acquirer.will("answer_code", api="refund", code="PROCESS_FAIL")
    shop.clock_moves(minutes=2)
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert payment.refundable == PHP(399_00)
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_a_refusal_decides_nothing_while_the_list_cannot_be_had(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("answer_lost", api="refund")
    refund = shop.refunds(payment, PHP(100_00))
    acquirer.will("answer_code", api="refund", code="PROCESS_FAIL")
    acquirer.will("http_500", api="inquiryPayment")
    shop.clock_moves(seconds=30)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.PROCESSING
    shop.clock_moves(minutes=30)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED


def test_whoever_presses_ask_moves_no_rung(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    acquirer.will("refund_stays_processing", seconds=10_000)
    refund = shop.refunds(payment, PHP(100_00))
    step, due_at = refund.attempts, refund.due_at
    for _ in range(3):
        paying.ask_refund(refund)
    refund.refresh_from_db()
    assert (refund.attempts, refund.due_at, refund.times_sent) == (step, due_at, 4)


def test_a_token_whose_answer_was_lost_comes_by_notification(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.owns("GCASH")
    attempt = buyer.begins("GCASH")
    assert not isinstance(attempt, WalletAccount)
    code, _ = buyer.agrees(attempt)
    acquirer.will("answer_lost", api="applyToken")
    attempt = binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    assert attempt.status == AuthorizationStatus.CODE_RECEIVED
    acquirer.tick()
    attempt.refresh_from_db()
    assert attempt.status == AuthorizationStatus.BOUND
    assert buyer.wallet().status == WalletStatus.ACTIVE
    shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def agrees_twice(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    """On two phones: the answer about the first is lost, and what is told of it comes an hour later."""
    buyer.owns("GCASH")
    attempts = [buyer.begins("GCASH"), buyer.begins("GCASH")]
    acquirer.will("answer_lost", api="applyToken")
    acquirer.will("notification_late", notification="authNotify", seconds=3_600, calls=2)
    for attempt in attempts:
        assert isinstance(attempt, Authorization)
        code, _ = buyer.agrees(attempt)
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
        shop.seconds_pass(2)


def test_a_token_long_under_way_takes_nothing_from_the_binding_that_came_after_it(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    agrees_twice(shop, buyer, acquirer)
    newer = buyer.wallet()

    shop.clock_moves(hours=2)

    assert WalletAccount.objects.exclude(pk=newer.pk).values_list("status", flat=True).get() == WalletStatus.REPLACED
    newer.refresh_from_db()
    assert newer.status == WalletStatus.ACTIVE
    told = WebhookEvent.objects.filter(kind="wallet.bound").values_list("subject_label", flat=True)
    assert set(told) <= {newer.public_id}
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer), newer)
    assert payment.status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_token_long_under_way_brings_nothing_back_that_the_buyer_has_ended(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    agrees_twice(shop, buyer, acquirer)
    binding.revoke(buyer.wallet(), by=shop.staff, reason_code="BUYER_REQUEST")

    shop.clock_moves(hours=2)

    assert {wallet.status for wallet in WalletAccount.objects.all()} == {WalletStatus.REVOKED, WalletStatus.REPLACED}


def test_a_code_that_came_after_a_binding_is_of_later_whatever_its_token_says(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.owns("GCASH")
    earlier, later = buyer.begins("GCASH"), buyer.begins("GCASH")
    for attempt in (later, earlier):  # the attempt begun first is agreed to last, for a shorter time
        assert isinstance(attempt, Authorization)
        code, _ = buyer.agrees(attempt)
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
        shop.seconds_pass(2)
        acquirer.will("consent_short", days=20)
    first, second = WalletAccount.objects.order_by("pk")
    assert (first.status, second.status) == (WalletStatus.REPLACED, WalletStatus.ACTIVE)


def test_a_lost_refresh_is_repeated(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    wallet = buyer.binds("GCASH")
    before = wallet.access_token_index
    acquirer.will("answer_lost", api="applyToken")
    binding.refresh(wallet)
    shop.clock_moves(minutes=2)
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.ACTIVE
    assert wallet.access_token_index != before
    assert shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer), wallet).status == PaymentStatus.SUCCEEDED


def test_a_lost_refresh_is_healed_by_what_is_told_of_it(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    wallet = buyer.binds("GCASH")
    for number in (1, 2):  # the pair of a refresh, and that of a refresh of it
        shop.clock_moves(days=1)
        before = wallet.access_token_index
        acquirer.will("answer_lost", api="applyToken")
        acquirer.will("refresh_told")
        binding.refresh(wallet)
        wallet.refresh_from_db()
        assert wallet.access_token_index == before

        acquirer.tick()

        wallet.refresh_from_db()
        assert wallet.status == WalletStatus.ACTIVE
        assert wallet.access_token_index != before
        assert Exchange.objects.filter(api="applyToken").count() == 1 + number  # nothing was asked again
    told = Notification.objects.filter(kind="authNotify", masked_body__contains="TOKEN_CREATED")
    assert set(told.values_list("status", flat=True)) == {"APPLIED"}
    assert shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer), wallet).status == PaymentStatus.SUCCEEDED


def test_it_is_refreshed_so_many_days_before_as_was_settled(shop: Shop, buyer: Customer) -> None:
    AcquirerAccount.objects.filter(pk=shop.account.pk).update(protocol_settings={"refresh_before_days": "3"})
    shop.account.refresh_from_db()
    buyer.row.account.refresh_from_db()
    wallet = buyer.binds("GCASH")
    assert wallet.access_token_expires_at is not None
    assert wallet.due_at == wallet.access_token_expires_at - timedelta(days=3)


@pytest.mark.parametrize(
    ("settled", "has_plan", "ends"),
    [
        ("always", True, True),
        ("unless_charged", False, True),
        ("unless_charged", True, False),
        ("never", False, False),
    ],
)
def test_a_wallet_that_asks_is_told_what_was_settled(
    shop: Shop, buyer: Customer, acquirer: Acquirer, settled: str, has_plan: bool, ends: bool
) -> None:
    wallet = buyer.binds("GCASH")
    if has_plan:
        buyer.subscribes(shop.offers(PHP(499_00)), wallet)
    AcquirerAccount.objects.filter(pk=shop.account.pk).update(protocol_settings={"unbinding": settled})
    control = SandboxControl(acquirer.sandbox.url)
    if ends:
        assert control.revoke_in_the_wallet("ana", "GCASH", client_id=FIRST_PARTNER) == 1
    else:
        with pytest.raises(ControlFailed):
            control.revoke_in_the_wallet("ana", "GCASH", client_id=FIRST_PARTNER)
    shop.comes_to_rest()
    wallet.refresh_from_db()
    assert wallet.status == (WalletStatus.REVOKED if ends else WalletStatus.ACTIVE)
    entry = JournalEntry.objects.get(act="asked before unbinding")
    assert entry.outcome == ("allowed" if ends else "refused")
    assert ("It ends the subscription" in entry.note) is has_plan


def test_our_own_revoke_ends_it_and_its_notification_changes_nothing_more(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    binding.revoke(wallet, by=shop.staff)
    shop.comes_to_rest()
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED
    assert wallet.changes.filter(target=WalletStatus.REVOKED).count() == 1


def test_the_wallet_chosen_on_the_acquirers_page_is_the_one_that_is_bound(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    shop.contracts("MAYA")
    attempt = buyer.begins("GCASH")
    assert not isinstance(attempt, WalletAccount)
    decision = acquirer.engine.agree(attempt.auth_url, "ana", wallet="MAYA")
    attempt = binding.redeem(attempt, Secret(decision.auth_code), heard_from=Messenger.BUYER)
    assert attempt.wallet_account is not None
    assert attempt.wallet_account.wallet == "MAYA"


def test_what_it_cannot_declare_is_not_declared(shop: Shop, acquirer: Acquirer) -> None:
    buyer = shop.customer("ana")
    payment = shop.charges(shop.sells("Pass", PHP(100_00), to=buyer), buyer.binds("GCASH"))
    assert why_not_declare(payment) == "its acquirer takes no declarations from us"
    assert payment.order.status == OrderStatus.PAID
