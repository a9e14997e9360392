"""The desk's pages of payment methods: read by everybody, changed by two people, told in the journal."""

from typing import Any

import pytest

from portal.catalogue import contracted
from portal.models import Approval, JournalEntry, PaymentMethod
from portal.roles import ADMINISTRATOR, FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url, words

pytestmark = pytest.mark.django_db
LIST = list_url(PaymentMethod)
GCASH = {
    "is_contracted": "on",
    "kind": "WALLET",
    "country": "PH",
    "currency": "PHP",
    "minimum": "1.00",
    "limits": "100,000 PHP per day",
    "refund_days": "365",
    "refunds_in_part": "yes",
    "refund_minimum": "1.00",
    "cancellable_when_paid": "on",
    "cancel_days": "1",
    "cancel_time": "00:15",
}


@pytest.fixture
def gcash() -> PaymentMethod:
    account = factories.AcquirerAccountFactory(name="Antom SG")
    method: PaymentMethod = account.methods.get(code="GCASH")
    return method


def test_the_list_asks_what_one_wants_to_know(person: Any, gcash: PaymentMethod) -> None:
    desk = person(SUPPORT)
    catalogue = desk.reads(LIST)
    assert "Payment methods what is contracted, and what each takes" in catalogue
    assert "GCash Contracted PH from 1.00 PHP until 00:15 the next day 365 days Antom SG" in catalogue
    assert "K PLUS No contract TH 1.00 – 2,000,000.00 THB until 00:15 the next day 365 days" in catalogue
    assert "Maya No contract PH PHP until 00:15 the next day 365 days, our choice" in catalogue
    assert "SCB direct debit No contract TH THB not once paid" in catalogue
    assert "Add a method…" not in catalogue
    for query, number in {
        "ask=contracted": 3,
        "ask=not_contracted": 26,
        "ask=banks": 3,
        "ask=no_cancel": 2,
        "ask=lacking": 0,
        "ask=changed": 0,
        "country=TH": 5,
        "currency=KRW&ask=contracted": 1,
        "account=nobody": 0,
    }.items():
        page = desk.reads(f"{LIST}?{query}")
        shown = page.count("the next day") + page.count("not once paid")
        assert shown == number, query


def test_the_page_of_a_method_says_what_is_known_and_what_is_not(person: Any, gcash: PaymentMethod) -> None:
    desk = person(SUPPORT)
    page = desk.reads(page_url(gcash))
    assert "GCash Contracted Wallet · PH · PHP · Antom SG" in page
    assert "Smallest payment 1.00 PHP Largest payment not known Limits per period 100,000 PHP per day" in page
    assert "Cancel once paid until 00:15 the next day, UTC+8 Refund 365 days Refund of a part yes" in page
    assert "What hangs on it Bound wallets 0 Subscriptions charged 0" in page
    assert "Edit…" not in page
    assert desk.status(act_url(gcash, "edit")) == 403


def test_a_method_becomes_another_one_by_two_people(person: Any, gcash: PaymentMethod) -> None:
    asking, deciding = person(OPERATOR), person(FINANCE)
    form = asking.begins(act_url(gcash, "edit"))
    assert "A second person approves every one of these" in words(form.page)
    assert 'value="00:15"' in form.page

    page = form.sends(**{**GCASH, "maximum": "30,000.00", "refunds_in_part": "no", "terminals": ["MINI_APP", "WEB"]})

    assert "Nothing was done yet: your request waits for somebody else." in page
    gcash.refresh_from_db()
    assert (gcash.maximum_value, gcash.refunds_in_part, gcash.terminals) == (None, True, "")
    approve = deciding.begins(act_url(Approval.objects.get(), "approve"))
    told = words(approve.page)
    assert "Largest payment: Not known becomes 30,000.00 PHP." in told
    assert "Refund of a part: Yes becomes No." in told
    assert "Works from: Not known becomes WEB MINI_APP." in told

    assert "The method is changed." in approve.sends()

    gcash.refresh_from_db()
    assert (gcash.maximum_value, gcash.refunds_in_part, gcash.terminals) == (30_000_00, False, "WEB MINI_APP")
    entry = JournalEntry.objects.get(act="change payment method")
    assert (entry.user, entry.note) == (asking.user, "as agreed")
    assert entry.before == {"maximum_value": None, "refunds_in_part": True, "terminals": ""}
    assert entry.after == {"maximum_value": 30_000_00, "refunds_in_part": False, "terminals": "WEB MINI_APP"}
    assert "change payment method" in deciding.reads(page_url(gcash)).lower()


def test_whoever_takes_a_method_from_the_contract_reads_what_hangs_on_it(person: Any, gcash: PaymentMethod) -> None:
    wallet = factories.WalletAccountFactory(buyer__account=gcash.account)
    factories.WalletAccountFactory(buyer__account=gcash.account, status="REVOKED")
    factories.WalletAccountFactory(buyer__account=gcash.account, wallet="DANA")
    factories.WalletAccountFactory()
    factories.SubscriptionFactory(buyer=wallet.buyer, wallet_account=wallet)

    form = person(OPERATOR).begins(act_url(gcash, "edit"))

    assert "On it hang now: Bound wallets: 1, Subscriptions charged: 1." in words(form.page)


def test_what_was_asked_is_not_done_over_another_change(person: Any, gcash: PaymentMethod) -> None:
    person(OPERATOR).begins(act_url(gcash, "edit")).sends(**{**GCASH, "maximum": "30,000.00"})
    PaymentMethod.objects.filter(pk=gcash.pk).update(maximum_value=1_000_00)

    page = person(FINANCE).reads(page_url(Approval.objects.get()))

    assert "Somebody changed the method in the meantime. Ask anew." in page
    gcash.refresh_from_db()
    assert gcash.maximum_value == 1_000_00


def test_an_account_that_is_being_connected_asks_nobody(person: Any) -> None:
    account = factories.AcquirerAccountFactory(acquirer_keys=False)
    desk = person(ADMINISTRATOR)
    gcash = account.methods.get(code="GCASH")

    page = desk.begins(act_url(gcash, "edit")).sends(**{**GCASH, "is_contracted": ""})

    assert "The method is saved. What comes next is held against it." in page
    assert contracted(account) == ["DANA", "KAKAOPAY"]
    assert "DANA, Kakao Pay" in desk.reads(page_url(account))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"country": "PHL"}, "at most 2 characters"),
        ({"currency": ""}, "Choose the currency of the amount."),
        ({"minimum": "1.005"}, "PHP has 2 decimals"),
        ({"minimum": "-1"}, "The amount must be above zero."),
        ({"minimum": "2.00", "maximum": "1.00"}, "The maximum is not below the minimum."),
        ({"currency": "JPY", "minimum": "1.50"}, "JPY has 0 decimals"),
        ({"currency": "IDR", "minimum": "1.50"}, "IDR"),
        ({"refund_days": "9999"}, "less than or equal to 3650"),
        ({"cancel_time": "25:00"}, "Enter a valid time."),
        ({"terminals": ["FAX"]}, "Select a valid choice. FAX"),
        ({"logo_url": "http://logos.example/a.svg"}, "Give an address that begins with https://."),
        ({}, "Nothing was changed."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    chief: Desk, gcash: PaymentMethod, said: dict[str, Any], sentence: str
) -> None:
    page = chief.begins(act_url(gcash, "edit")).sends(**{**GCASH, **said})

    assert sentence in page
    assert (Approval.objects.count(), JournalEntry.objects.count()) == (0, 0)


def test_a_method_the_acquirer_names_to_us_is_added(person: Any, gcash: PaymentMethod) -> None:
    said = {**GCASH, "account": gcash.account_id, "code": "NEWPAY", "currency": "SGD", "country": "sg"}
    form = person(OPERATOR).begins(f"{LIST}acts/add/")
    assert "A value has capital letters, digits and _ only." in form.sends(**{**said, "code": "new pay"})

    form = person(OPERATOR).begins(f"{LIST}acts/add/")
    form.sends(**said)
    approve = person(FINANCE).begins(act_url(Approval.objects.get(), "approve"))
    assert "Smallest payment: 1.00 SGD." in words(approve.page)
    approve.sends()

    made = PaymentMethod.objects.get(code="NEWPAY")
    assert (made.account, made.currency, made.country, made.minimum_value) == (gcash.account, "SGD", "SG", 1_00)
    assert contracted(gcash.account)[-1] == "NEWPAY"


def test_what_a_buyer_would_be_offered_is_asked_and_answered_with_reasons(person: Any, gcash: PaymentMethod) -> None:
    desk = person(SUPPORT)
    offer = f"{LIST}offer/"
    assert "What would be offered?" in desk.reads(LIST)
    begun = desk.reads(offer)
    assert "Not offered, and why" not in begun

    asked = f"{offer}?account={gcash.account_id}"
    page = desk.reads(f"{asked}&region=ph&currency=PHP&amount=349.00&terminal=WEB")
    offered, _, withheld = page.partition("Not offered, and why")
    assert "GCash PH from 1.00 PHP" in offered
    assert "Maya Not contracted PHP" in withheld
    assert "Kakao Pay" in withheld
    assert "For buyers in KR" in withheld
    assert "Debits" not in withheld  # the region is the first reason

    assert "Below its smallest payment" in desk.reads(f"{asked}&currency=PHP&amount=0.50")
    PaymentMethod.objects.filter(pk=gcash.pk).update(terminals="APP MINI_APP", maximum_value=1_000_00)
    assert "Works from: App, Mini program" in desk.reads(f"{asked}&terminal=WEB")
    assert "Above its largest payment" in desk.reads(f"{asked}&currency=PHP&amount=1000.01")
    assert "Debits PHP" in desk.reads(f"{asked}&currency=KRW")

    for wrong, said in {
        "amount=5": "Choose the currency of the amount.",
        "currency=JPY&amount=5.5": "JPY",
        "region=PHL": "Give the two letters of ISO 3166",
    }.items():
        page = desk.reads(f"{asked}&{wrong}")
        assert said in page
        assert "Not offered, and why" not in page
