"""One box finds anything by any of its ids, says what one would open it to learn, and shows nobody too much."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorizations.models import Buyer, WalletAccount
from payments.models import Declaration, Order
from portal import finding, registry
from portal.roles import SUPPORT
from tests import factories
from tests.desk.conftest import Desk, page_url, words

pytestmark = pytest.mark.django_db

STANDING = 14
"""Queries of a search that finds things of one kind: session, person, rights, the navigation, two rounds, the hits."""


SMALL = {"ReportFile", "Product"}
"""Tables of a few thousand rows at most, which are read whole as fast."""


def answer(desk: Desk, text: str) -> Any:
    return desk.client.get("/admin/search/", {"q": text})


def test_an_exact_id_opens_its_page(chief: Desk) -> None:
    refund = factories.RefundFactory(payment=factories.PaymentFactory(order__reference="T-8841", order__paid=True))
    payment, order = refund.payment, refund.payment.order
    cancel = factories.CancelFactory()
    attempt = factories.AuthorizationFactory()
    wallet = factories.WalletAccountFactory()
    event = factories.WebhookEventFactory()
    declared = factories.DeclarationFactory(customs_payment_id="2026030122001447", customs_order_id="T-8841-1")
    expected = {
        refund.refund_request_id: refund,
        refund.refund_id: refund,
        payment.payment_request_id: payment,
        payment.payment_id: payment,
        order.number: order,
        order.reference: order,
        cancel.cancel_id: cancel,
        attempt.auth_state: attempt,
        attempt.public_id: attempt,
        wallet.public_id: wallet,
        event.event_id: event,
        declared.declaration_request_id: declared,
        declared.customs_payment_id: declared,
        declared.customs_order_id: declared,
        f"  {order.number} ": order,
    }

    for text, thing in expected.items():
        assert answer(chief, text).headers.get("Location") == page_url(thing), text


def test_an_id_opens_its_own_thing_though_messages_speak_of_it(chief: Desk) -> None:
    payment = factories.PaymentFactory()
    factories.ExchangeFactory(subject=payment.payment_request_id)
    factories.NotificationFactory(subject=payment.payment_request_id)
    factories.IncidentFactory(subject_label=payment.payment_request_id)

    assert answer(chief, payment.payment_request_id).headers["Location"] == page_url(payment)


def test_several_hits_are_grouped_and_say_what_they_are(chief: Desk) -> None:
    payment = factories.PaymentFactory(order__buyer__reference="ana")

    page = answer(chief, "ana").content.decode()

    assert page_url(payment.order) in page
    assert page_url(payment.order.buyer) in page
    said = words(page)
    assert "Orders" in said
    assert f"{payment.order.number} ana · {payment.order.description} Paid 1,499.00 PHP just now" in said
    masked = answer(chief, payment.wallet_account.login_label).content.decode()
    assert page_url(payment.wallet_account) in masked
    assert page_url(payment.order) in masked
    WalletAccount.objects.update(login_label="ana***@example.com")
    assert page_url(payment.wallet_account) in answer(chief, "ana***").content.decode()


def test_an_order_id_at_customs_that_is_ours_opens_ours(chief: Desk) -> None:
    declared = factories.DeclarationFactory()
    Declaration.objects.update(customs_order_id=declared.payment.payment_request_id)

    assert answer(chief, declared.payment.payment_request_id).headers["Location"] == page_url(declared.payment)


def test_the_same_reference_at_two_accounts_is_a_choice(chief: Desk) -> None:
    one, other = factories.OrderFactory(reference="T-1"), factories.OrderFactory(reference="T-1")

    page = answer(chief, "T-1").content.decode()

    assert page_url(one) in page
    assert page_url(other) in page


def test_a_beginning_is_found_where_no_whole_id_is(chief: Desk) -> None:
    order = factories.OrderFactory(number="O20260302ABCDEFGH")
    factories.OrderFactory(number="O20260302XYZ")
    factories.BuyerFactory(reference="o20260302abc")  # another case is another id

    page = answer(chief, "O20260302ABC").content.decode()

    assert "nothing carries it whole; these begin with it" in page
    assert page_url(order) in page
    assert len(re.findall(r'<a href="[^"]+/change/"><span class="what">', page)) == 1
    assert "Nothing carries this id" in words(answer(chief, "O20").content.decode())  # too short a beginning
    assert "Nothing carries this id" in words(answer(chief, "20260302ABC").content.decode())  # no beginning


def test_of_many_hits_ten_are_shown_and_the_rest_is_said(chief: Desk) -> None:
    buyer = factories.BuyerFactory(reference="ana")
    for _ in range(14):
        factories.OrderFactory(buyer=buyer)

    page = answer(chief, "ana").content.decode()

    assert "10 of them; there are more" in page
    assert page.count("/admin/payments/order/") - page.count('href="/admin/payments/order/"') == 10


def test_an_id_that_only_a_message_knows_leads_to_it(chief: Desk) -> None:
    message = factories.NotificationFactory(subject="P-of-somebody-else")

    assert answer(chief, "P-of-somebody-else").headers["Location"] == page_url(message)


@pytest.mark.parametrize(
    "text", ["", " ", "nope", "x" * 5000, "\x00", "%%%%%", "____", "'; DROP TABLE", "٣٣٣٣", "\U0010ffff" * 4]
)
def test_what_is_nobody_s_id_is_told_kindly(chief: Desk, text: str) -> None:
    factories.PaymentFactory()

    page = answer(chief, text)

    assert page.status_code == 200
    assert "Nothing carries this id" in page.content.decode() or "Any id will do" in page.content.decode()


def test_nobody_finds_what_they_may_not_open(person: type[Desk]) -> None:
    factories.ExchangeFactory(subject="P-only-on-the-wire")
    payment = factories.PaymentFactory(order__buyer__reference="ana")
    event = factories.WebhookEventFactory(subject_label=payment.order.number)
    support = person(SUPPORT)

    for text in ("P-only-on-the-wire", event.event_id, event.event_id[:-2]):
        assert "Nothing carries this id" in words(answer(support, text).content.decode()), text
    assert answer(support, payment.order.number).headers["Location"] == page_url(payment.order)
    assert "Webhook" not in words(answer(support, "ana").content.decode())


@pytest.mark.parametrize("text", ["ana", "nobody-s", "O20260302"])
def test_a_search_asks_a_bounded_number_of_questions(chief: Desk, text: str) -> None:
    factories.PaymentFactory(order__buyer__reference="ana")
    answer(chief, text)

    with CaptureQueriesContext(connection) as asked:
        answer(chief, text)

    assert len(asked) <= STANDING, [query["sql"][:100] for query in asked]


def test_a_later_app_plugs_in_by_the_registry(chief: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    order = factories.OrderFactory(description="A very special thing")
    shown = registry.Found(label="special", url="/admin/special/")
    special = registry.Searched(kind="Special", model=Order, show=lambda keys: [shown], own=("description",))
    monkeypatch.setattr(registry, "searches", [special])

    assert finding.find("A very special thing").only == shown
    assert finding.find(order.number).groups == []


def test_every_column_that_is_searched_has_an_index() -> None:
    for searched in registry.searches:
        for lookup in (*searched.own, *searched.mentions, *searched.prefixes):
            model: Any = searched.model
            *path, name = lookup.split("__")
            for step in path:
                model = model._meta.get_field(step).related_model
            field = model._meta.get_field(name)
            first = {index.fields[0] for index in model._meta.indexes if index.fields}
            is_served = field.unique or field.db_index or name in first
            assert is_served or model.__name__ in SMALL, f"{model.__name__}.{name}"


def test_models_without_ids_of_their_own_are_not_searched() -> None:
    searched = {one.model for one in registry.searches}

    assert {apps.get_model("payments.Order"), Buyer} <= searched
    assert apps.get_model("portal.JournalEntry") not in searched
