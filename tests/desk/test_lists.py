"""Lists cost the same with one row and with two hundred, find by whole ids, and answer questions."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorizations.models import Authorization, Buyer, Consent, WalletAccount
from payments.models import (
    BulkRefund,
    Cancel,
    CustomsRule,
    Declaration,
    Order,
    Payment,
    Plan,
    Product,
    Refund,
    RetryPolicy,
    Subscription,
)
from payments.states import PaymentStatus
from portal import clock
from portal.admin.ledger import LedgerAdmin
from portal.models import (
    AcquirerAccount,
    Approval,
    ApprovalRule,
    Deputy,
    Exchange,
    Incident,
    JournalEntry,
    MerchantKey,
    Notification,
    PaymentMethod,
    SignIn,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from tests import factories
from tests.desk.conftest import Desk, list_url

ACCOUNT = factories.AcquirerAccountFactory


def _order(account: AcquirerAccount) -> Order:
    buyer = factories.BuyerFactory(account=account)
    payment = factories.PaymentFactory(
        order__buyer=buyer, wallet_account=factories.WalletAccountFactory(buyer=buyer), returned_value=200_00
    )
    factories.RefundFactory(payment=payment)
    return payment.order


def _ending(account: AcquirerAccount) -> Consent:
    buyer = factories.BuyerFactory(account=account)
    ends = clock.now() + timedelta(days=20)
    wallet = factories.WalletAccountFactory(buyer=buyer, refresh_token="", access_token_expires_at=ends)
    factories.CycleFactory(subscription__buyer=buyer, subscription__wallet_account=wallet)
    return Consent.objects.get(pk=wallet.pk)


ROW: dict[Any, Callable[[AcquirerAccount], Any]] = {
    AcquirerAccount: lambda account: ACCOUNT(),
    PaymentMethod: lambda account: factories.PaymentMethodFactory(account=account),
    MerchantKey: lambda account: factories.MerchantKeyFactory(account=account),
    Exchange: lambda account: factories.ExchangeFactory(account=account),
    Notification: lambda account: factories.NotificationFactory(account=account),
    Incident: lambda account: factories.IncidentFactory(owner=factories.UserFactory()),
    Approval: lambda account: factories.ApprovalFactory(account=account),
    ApprovalRule: lambda account: factories.ApprovalRuleFactory(),
    Deputy: lambda account: factories.DeputyFactory(),
    JournalEntry: lambda account: factories.JournalEntryFactory(),
    WebhookEndpoint: lambda account: factories.WebhookAttemptFactory(delivery__endpoint__account=account).endpoint,
    WebhookEvent: lambda account: factories.WebhookDeliveryFactory(event__subject__buyer__account=account).event,
    WebhookDelivery: lambda account: factories.WebhookDeliveryFactory(event__subject__buyer__account=account),
    SignIn: lambda account: factories.SignInFactory(),
    User: lambda account: factories.UserFactory(roles=("Finance", "Operator")),
    Buyer: lambda account: factories.BuyerFactory(account=account),
    WalletAccount: lambda account: factories.WalletAccountFactory(buyer__account=account),
    Consent: _ending,
    Authorization: lambda account: factories.AuthorizationFactory(buyer__account=account, bound=True),
    Product: lambda account: factories.PriceFactory(product__account=account),
    Order: _order,
    Payment: _order,
    Refund: lambda account: factories.RefundFactory(
        payment=factories.PaymentFactory(order__buyer__account=account, returned_value=200_00)
    ),
    BulkRefund: lambda account: factories.BulkLineFactory(payment__order__buyer__account=account).bulk,
    Plan: lambda account: factories.PlanFactory(product__account=account),
    Subscription: lambda account: factories.CycleFactory(subscription__buyer__account=account).subscription,
    Declaration: lambda account: factories.DeclarationFactory(payment__order__buyer__account=account),
    CustomsRule: lambda account: factories.CustomsRuleFactory(),
    RetryPolicy: lambda account: factories.RetryPolicyFactory(),
    Cancel: lambda account: factories.CancelFactory(payment__order__buyer__account=account),
}


def test_every_ledger_of_the_ground_and_the_two_apps_is_in_this_file() -> None:
    ledgers = {
        model
        for model, model_admin in admin.site._registry.items()
        if isinstance(model_admin, LedgerAdmin) and model._meta.app_label != "reconciliation"
    }

    assert ledgers == set(ROW)


@pytest.mark.parametrize("model", ROW, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_with_one_row_and_with_two_hundred(chief: Desk, model: Any) -> None:
    account = ACCOUNT()
    make = ROW[model]
    make(account)
    chief.opens(list_url(model))  # content types and permissions are remembered from now on
    with CaptureQueriesContext(
        connection,
    ) as few:
        chief.opens(list_url(model))
    for _ in range(199):
        make(account)

    with CaptureQueriesContext(connection) as many:
        page = chief.opens(list_url(model))

    assert len(many) == len(few), [query["sql"][:160] for query in many.captured_queries]
    assert page.count("<tr>") == 51  # the head, and a page of fifty
    assert re.search(r"50 rows(,| *<)", page)


def test_the_page_of_a_payment_costs_the_same_with_one_refund_and_with_thirty(chief: Desk) -> None:
    payment = factories.PaymentFactory(order__amount_value=1_000_000_00, order__paid=True, returned_value=200_00)
    url = f"/admin/payments/payment/{payment.pk}/change/"
    factories.RefundFactory(payment=payment)
    chief.opens(url)
    with CaptureQueriesContext(connection) as few:
        chief.opens(url)
    for _ in range(29):
        factories.RefundFactory(payment=payment)

    with CaptureQueriesContext(connection) as many:
        chief.opens(url)

    assert len(many) == len(few)


@pytest.mark.parametrize(
    "field",
    [
        "payment_request_id",
        "payment_id",
        "order.number",
        "order.reference",
        "order.buyer.reference",
        "wallet_account.login_label",
    ],
)
def test_a_payment_is_found_by_any_whole_id(chief: Desk, field: str) -> None:
    payment = factories.PaymentFactory(order__reference="T-8841", order__paid=True)
    factories.PaymentFactory()
    wanted: Any = payment
    for name in field.split("."):
        wanted = getattr(wanted, name)

    found = chief.opens(f"{list_url(Payment)}?q={wanted}")
    part = chief.opens(f"{list_url(Payment)}?q={wanted[:-1]}")

    assert payment.payment_request_id in found
    assert "1 in all" in found
    assert "Nothing matches" in part


def test_a_payment_is_found_by_its_refund_and_its_cancel(chief: Desk) -> None:
    refund = factories.RefundFactory()
    cancel = factories.CancelFactory()

    assert refund.payment.payment_request_id in chief.opens(f"{list_url(Payment)}?q={refund.refund_request_id}")
    assert refund.payment.payment_request_id in chief.opens(f"{list_url(Payment)}?q={refund.refund_id}")
    assert cancel.payment.payment_request_id in chief.opens(f"{list_url(Payment)}?q={cancel.cancel_id}")


def test_one_asks_which_payments_wait_longer_than_five_minutes(chief: Desk) -> None:
    fresh = factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(minutes=4))
    old = factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(minutes=6))
    factories.PaymentFactory()

    page = chief.opens(f"{list_url(Payment)}?ask=waiting")

    assert "Waiting longer than 5 min" in page
    assert old.payment_request_id in page
    assert fresh.payment_request_id not in page
    assert "1 in all" in page


def test_what_needs_attention_is_old_reversed_or_contradicted(chief: Desk) -> None:
    old = factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(minutes=6))
    reversed_ = factories.PaymentFactory(failed=True)
    Payment.objects.filter(pk=reversed_.pk).update(status=PaymentStatus.REVERSED)
    contradicted = factories.PaymentFactory(failed=True)
    contradicted.contradictions.create(said="SUCCESS", heard_from="NOTIFICATION")
    contradicted.contradictions.create(said="AMOUNT", heard_from="INQUIRY")
    fine = factories.PaymentFactory()

    page = chief.opens(f"{list_url(Payment)}?ask=attention")

    assert "3 in all" in page
    assert all(payment.payment_request_id in page for payment in (old, reversed_, contradicted))
    assert fine.payment_request_id not in page
    orders = chief.opens(f"{list_url(Order)}?ask=attention")
    assert "3 in all" in orders


def test_lists_are_narrowed_by_wallet_account_and_day(chief: Desk) -> None:
    other = ACCOUNT(slug="other", wallets=["DANA"])
    mine = factories.PaymentFactory(order__buyer__account__slug="mine")
    buyer = factories.BuyerFactory(account=other)
    theirs = factories.PaymentFactory(
        order__buyer=buyer,
        wallet_account=factories.WalletAccountFactory(buyer=buyer, wallet="DANA"),
        created_at=clock.now() - timedelta(days=1),
    )

    for narrowed in ("wallet=DANA", "account=other", "day=1", "day=2026-03-01"):
        page = chief.opens(f"{list_url(Payment)}?{narrowed}")
        assert theirs.payment_request_id in page, narrowed
        assert mine.payment_request_id not in page, narrowed
    assert mine.payment_request_id in chief.opens(f"{list_url(Payment)}?day=0")
    assert "2 in all" in chief.opens(f"{list_url(Payment)}?day=7")


@pytest.mark.parametrize(
    "query",
    [
        "day=2026-99-99",
        "day=%00",
        "ask=nothing",
        "q=%00",
        "q=" + "x" * 5000,
        "p=0",
        "o=1.2",
        "nothing=1",
        "password__startswith=x",
    ],
)
def test_a_list_survives_any_query(chief: Desk, query: str) -> None:
    factories.PaymentFactory()

    assert "Payments" in chief.reads(f"{list_url(Payment)}?{query}")


def test_a_list_keeps_its_place_when_one_comes_back(chief: Desk) -> None:
    payment = factories.PaymentFactory()

    page = chief.opens(f"{list_url(Payment)}?ask=paid")
    link = page.split(f'href="/admin/payments/payment/{payment.pk}/change/', 1)[1].split('"', 1)[0]
    thing = chief.opens(f"/admin/payments/payment/{payment.pk}/change/{link}")

    assert f'href="{list_url(Payment)}?ask=paid"' in thing


def test_an_empty_list_says_so_kindly(chief: Desk) -> None:
    assert "No payment yet When a buyer pays an order" in chief.reads(list_url(Payment))
