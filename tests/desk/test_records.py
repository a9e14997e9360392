"""Incidents, the journal, notifications tried again, products."""

from collections.abc import Callable

import pytest

from payments.models import Price, Product
from portal import clock, inbox
from portal.models import Incident, JournalEntry, Notification, NotificationStatus
from portal.money import Money
from portal.roles import OPERATOR
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url, words
from tests.story import PHP, Acquirer, Customer, Shop

pytestmark = pytest.mark.django_db


def test_an_incident_is_taken_and_closed_with_a_word(chief: Desk, person: Callable[..., Desk]) -> None:
    incident = factories.IncidentFactory()
    colleague = person(OPERATOR)

    assert "The incident is yours." in colleague.begins(act_url(incident, "take")).sends()
    form = chief.begins(act_url(incident, "close"))
    assert "Say in a few words how it was resolved." in form.sends()
    assert "The incident is closed." in form.sends(resolution="The acquirer confirmed the refund by mail.")

    incident.refresh_from_db()
    assert (incident.owner, incident.is_open) == (colleague.user, False)
    assert incident.resolution == "The acquirer confirmed the refund by mail."
    assert "It is closed already." in colleague.reads(act_url(incident, "close"))
    assert list(JournalEntry.objects.values_list("act", "actor_name")) == [
        ("close incident", chief.user.username),
        ("take incident", colleague.user.username),
    ]


def test_an_incident_leads_to_its_thing_and_back(chief: Desk) -> None:
    payment = factories.PaymentFactory(failed=True)
    incident = factories.IncidentFactory(
        subject_type="payments.Payment", subject_id=str(payment.pk), subject_label=payment.payment_request_id
    )

    assert page_url(payment) in chief.opens(page_url(incident))
    told = chief.opens(page_url(payment))
    assert page_url(incident) in told
    assert "Incident: A payment has had no final answer for a day." in words(told)


def test_the_journal_says_who_what_why(chief: Desk) -> None:
    entry = factories.JournalEntryFactory(
        note="Lid cracked", before={"roles": ["Support"]}, after={"roles": ["Finance"]}
    )

    listed = chief.reads(list_url(JournalEntry))
    page = chief.reads(page_url(entry))

    assert "Refund staff P202603140…" in listed
    assert "Buyer request: Lid cracked Refunded 200.00 PHP." in listed
    assert "Before { &quot;" not in page
    assert '"Support"' in page
    assert '"Finance"' in page


def test_the_journal_is_asked_by_person_and_by_thing(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    mine = factories.JournalEntryFactory(act="edit account", user=chief.user, subject_label="mine")
    about = [
        factories.JournalEntryFactory(
            act="edit account",
            subject_type=account._meta.label,
            subject_id=str(account.pk),
            subject_label=f"no {number}",
        )
        for number in range(12)
    ]
    others = factories.JournalEntryFactory(subject_label="others")
    listed = list_url(JournalEntry)

    by = chief.opens(f"{listed}?by={chief.user.pk}")
    assert page_url(mine) in by
    assert page_url(others) not in by
    of_kind = chief.opens(f"{listed}?about={account._meta.label}")
    assert page_url(about[0]) in of_kind
    assert page_url(mine) not in of_kind

    page = chief.opens(page_url(account))
    assert words(page).count(": edit account") == 5  # the newest
    of_it = f"{listed}?about={account._meta.label}%2F{account.pk}"
    assert f'href="{of_it}"' in page
    assert all(page_url(entry) in chief.opens(of_it) for entry in about)
    assert page_url(others) not in chief.opens(of_it)


def test_the_journal_says_what_became_of_what_was_approved(chief: Desk) -> None:
    refused = factories.ApprovalFactory(
        status="REFUSED", finished_at=clock.now(), result="The order does not exist.", decider=chief.user, due_at=None
    )
    factories.JournalEntryFactory(
        act="approve", subject_type=refused._meta.label, subject_id=str(refused.pk), outcome="", note="", reason_code=""
    )
    listed = chief.reads(list_url(JournalEntry))
    assert f"{refused.get_status_display()} · The order does not exist." in listed


# Notifications.


def test_a_message_that_waited_is_tried_again(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    operator = Desk(OPERATOR)
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    request_id = payment.payment_request_id
    type(payment).objects.filter(pk=payment.pk).update(payment_request_id="P-somebody-else")
    acquirer.tick()
    message = Notification.objects.get(subject=request_id)
    assert message.status == NotificationStatus.WAITING
    assert "Still not applied" in operator.begins(act_url(message, "try_again")).sends()

    type(payment).objects.filter(pk=payment.pk).update(payment_request_id=request_id)
    page = operator.begins(act_url(message, "try_again")).sends()

    assert "Applied." in page
    payment.refresh_from_db()
    assert payment.get_status_display() == "Paid"
    assert "It was applied already." in operator.reads(act_url(message, "try_again"))


def test_a_refused_message_cannot_be_tried_again(chief: Desk) -> None:
    message = factories.NotificationFactory(
        status=NotificationStatus.REFUSED, is_verified=False, verdict="WRONG", applied_at=None
    )

    page = chief.reads(act_url(message, "try_again"))

    assert "It did not verify, so it may be anybody's. It changes nothing." in page
    assert inbox.try_again(message).status == NotificationStatus.REFUSED


def test_the_page_of_an_exchange_is_masked_and_leads_to_its_thing(chief: Desk) -> None:
    payment = factories.PaymentFactory()
    exchange = factories.ExchangeFactory(subject=payment.payment_request_id)

    page = chief.opens(page_url(exchange))

    assert page_url(payment) in page
    assert exchange.request_sha256 in page
    assert "Signature verified" in page
    assert "412 ms" in page
    assert "••••" in page
    assert page_url(exchange) in chief.opens(page_url(payment))


# Products.


def test_a_product_is_added_with_its_prices_and_edited(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(wallets=["GCASH", "KAKAOPAY"])

    page = chief.begins("/admin/payments/product/acts/add/").sends(
        account=account.pk, sku="pass", name="Monthly pass", is_digital="on", price_PHP="499.00", price_KRW="12,000"
    )

    product = Product.objects.get()
    assert "Monthly pass is on sale." in page
    assert [price.money for price in product.prices.all()] == [Money(12_000, "KRW"), Money(499_00, "PHP")]
    form = chief.begins(act_url(product, "edit"))
    assert 'value="499.00"' in form.page
    assert "KRW has 0 decimals" in form.sends(name="Pass", price_KRW="12.50")
    form.sends(name="Yearly pass", description="A year", price_PHP="4,990.00")
    product.refresh_from_db()
    assert (product.name, product.is_active) == ("Yearly pass", False)
    assert [price.money for price in product.prices.all()] == [Money(4_990_00, "PHP")]
    assert JournalEntry.objects.filter(subject_type="payments.Product").count() == 2


def test_a_number_is_given_to_one_product_only(chief: Desk) -> None:
    price = factories.PriceFactory()
    product = price.product

    page = chief.begins("/admin/payments/product/acts/add/").sends(
        account=product.account.pk, sku=product.sku, name="Another"
    )

    assert f"Another product of this account has the number {product.sku}." in page
    assert Product.objects.count() == 1
    assert Price.objects.count() == 1


def test_incidents_are_counted_in_the_navigation(chief: Desk) -> None:
    factories.IncidentFactory()
    factories.IncidentFactory()
    Incident.objects.filter(pk=Incident.objects.latest("pk").pk).update(closed_at=factories.clock.now())

    assert "Incidents 1" in chief.reads("/admin/")
