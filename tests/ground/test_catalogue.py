"""The catalogue of payment methods: what it begins with, what may be said of it, and what the database holds."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from portal import catalogue
from portal.acquirer.wallets import USUAL_REFUND_DAYS, WALLETS, wallet_facts
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.catalogue import MethodTaken, Wish, Withheld, why_withheld
from portal.errors import InvalidInput
from portal.models import AcquirerAccount, JournalEntry, PaymentMethod
from portal.money import Money
from tests import factories

pytestmark = pytest.mark.django_db
BY = Actor.command("test")
KNOWN = {
    "kind": "WALLET",
    "country": "PH",
    "currency": "PHP",
    "minimum_value": 100,
    "maximum_value": 500_00,
    "terminals": "WEB MINI_APP",
}


def _method(account: AcquirerAccount, code: str) -> PaymentMethod:
    return PaymentMethod.objects.get(account=account, code=code)


def test_an_account_begins_with_all_that_the_acquirers_table_knows() -> None:
    account = factories.AcquirerAccountFactory(wallets=["DANA", "GCASH", "SOMETHING_NEW"])

    methods = list(account.methods.order_by("pk"))

    assert catalogue.contracted(account) == ["DANA", "GCASH", "SOMETHING_NEW"]
    assert [method.code for method in methods[:3]] == ["DANA", "GCASH", "SOMETHING_NEW"]
    assert {method.code for method in methods} == {*WALLETS, "SOMETHING_NEW"}
    for method in methods:
        known = wallet_facts(method.code)
        if known is not None and known.is_listed:
            assert method.facts() == known, method.code


def test_what_no_page_says_is_empty_and_not_guessed() -> None:
    account = factories.AcquirerAccountFactory()

    dana, maya, mpay, jko = (_method(account, code) for code in ("DANA", "MAYA", "MPAY", "JKOPAY"))

    assert (dana.minimum_value, dana.maximum_value, dana.refund_days, dana.refunds_in_part) == (
        300_00,
        None,
        None,
        None,
    )
    assert (maya.currency, maya.minimum_value, maya.limits, maya.terminals, maya.logo_url) == ("PHP", None, "", "", "")
    assert (mpay.kind, mpay.country, mpay.currency) == ("", "", "")
    assert (jko.country, jko.currency, jko.minimum_value) == ("", "TWD", 100)  # as the amount rules have it
    assert not maya.facts().refund_days_documented
    assert (maya.facts().refund_days, maya.facts().refunds_in_part) == (USUAL_REFUND_DAYS, True)
    banks = account.methods.filter(kind="BANK_DEBIT").values_list("code", "cancellable_when_paid")
    assert dict(banks) == {
        "DIRECT_DEBIT_SIAMCOMMERCIALBANK": False,
        "DIRECT_DEBIT_KRUNGTHAIBANK": False,
        "DIRECTDEBIT_YAPILY": True,
    }


@pytest.mark.parametrize(
    ("said", "wish", "why"),
    [
        ({"is_contracted": False}, Wish(), Withheld.NOT_CONTRACTED),
        ({}, Wish(), None),
        ({}, Wish(region="PH", currency="PHP", terminal="WEB", amount=Money(100, "PHP")), None),
        ({}, Wish(region="TH"), Withheld.OTHER_REGION),
        ({"country": ""}, Wish(region="TH"), None),
        ({}, Wish(currency="THB"), Withheld.OTHER_CURRENCY),
        ({}, Wish(amount=Money(100, "THB")), Withheld.OTHER_CURRENCY),
        ({}, Wish(terminal="APP"), Withheld.TERMINAL_NOT_SERVED),
        ({"terminals": ""}, Wish(terminal="APP"), None),
        ({}, Wish(amount=Money(99, "PHP")), Withheld.BELOW_MINIMUM),
        ({}, Wish(amount=Money(500_00, "PHP")), None),
        ({}, Wish(amount=Money(500_01, "PHP")), Withheld.ABOVE_MAXIMUM),
        ({"maximum_value": None}, Wish(amount=Money(10**15, "PHP")), None),
        ({"minimum_value": None}, Wish(amount=Money(1, "PHP")), None),
        ({"currency": "", "minimum_value": None, "maximum_value": None}, Wish(amount=Money(1, "JPY")), None),
        ({"currency": "JPY"}, Wish(amount=Money(100, "JPY")), None),
        ({"currency": "JPY"}, Wish(amount=Money(99, "JPY")), Withheld.BELOW_MINIMUM),
        ({"currency": "KWD"}, Wish(amount=Money(50_001, "KWD")), Withheld.ABOVE_MAXIMUM),
    ],
)
def test_the_first_reason_that_holds_withholds_a_method(said: dict[str, Any], wish: Wish, why: Withheld | None) -> None:
    method = PaymentMethod(**{"code": "GCASH", "is_contracted": True, **KNOWN, **said})
    assert why_withheld(method, wish) is why


def test_a_method_that_no_catalogue_has_is_not_contracted() -> None:
    account = factories.AcquirerAccountFactory()
    assert why_withheld(catalogue.method_of(account.pk, "NO_SUCH")) is Withheld.NOT_CONTRACTED
    assert catalogue.facts_of(account.pk, "NO_SUCH") is None


@pytest.mark.parametrize(
    "facts",
    [
        {"currency": "XXX"},
        {"currency": "", "minimum_value": 1},
        {"currency": "PHP", "minimum_value": 0},
        {"currency": "PHP", "maximum_value": 0},
        {"currency": "PHP", "refund_minimum_value": -1},
        {"currency": "PHP", "minimum_value": 2, "maximum_value": 1},
        {"kind": "CARD"},
        {"refund_days": 3651},
        {"cancel_days": 3651},
        {"cancel_minutes": 1440},
        {"terminals": "APP WEB"},
        {"terminals": "FAX"},
        {"code": ""},
    ],
)
def test_the_database_refuses_what_no_method_can_be(facts: dict[str, Any]) -> None:
    account = factories.AcquirerAccountFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.PaymentMethodFactory(account=account, **facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"currency": "PHP", "minimum_value": 1, "maximum_value": 1, "refund_minimum_value": 1},
        {"kind": "BANK_DEBIT", "terminals": "WEB WAP APP MINI_APP"},
        {"refund_days": 0, "cancel_days": 0, "cancel_minutes": 0},
        {"refund_days": 3650, "cancel_days": 3650, "cancel_minutes": 1439, "terminals": "MINI_APP"},
    ],
)
def test_the_database_takes_what_one_can_be(facts: dict[str, Any]) -> None:
    method = factories.PaymentMethodFactory(**facts)
    method.refresh_from_db()
    assert {name: getattr(method, name) for name in facts} == facts


def test_a_method_is_once_in_an_account_and_may_be_in_another() -> None:
    one, other = factories.AcquirerAccountFactory(), factories.AcquirerAccountFactory()
    said = catalogue.shown(PaymentMethod())
    catalogue.add(one, "NEWPAY", said, by=BY)
    with pytest.raises(MethodTaken, match="NEWPAY is in the catalogue of Antom"):
        catalogue.add(one, "NEWPAY", said, by=BY)
    catalogue.add(other, "NEWPAY", said, by=BY)
    assert PaymentMethod.objects.filter(code="NEWPAY").count() == 2


def test_the_journal_keeps_both_versions_of_what_changed_and_nothing_else() -> None:
    gcash = _method(factories.AcquirerAccountFactory(), "GCASH")

    changed = catalogue.change(gcash, {"maximum_value": 50_000_00, "refund_days": 180}, by=BY, note="renewed")

    entry = JournalEntry.objects.get()
    assert (entry.act, entry.note, entry.actor_name) == ("change payment method", "renewed", "test")
    assert entry.before == {"maximum_value": None, "refund_days": 365}
    assert entry.after == {"maximum_value": 50_000_00, "refund_days": 180}
    assert (changed.changed_by, changed.facts().maximum) == ("test", Money(50_000_00, "PHP"))
    with pytest.raises(InvalidInput, match="Nothing was changed"):
        catalogue.change(gcash, {"refund_days": 180}, by=BY)
    assert JournalEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "CARD"}, "kind"),
        ({"country": "Philippines"}, "country"),
        ({"country": "ph"}, "country"),
        ({"currency": "PESO", "minimum_value": None, "refund_minimum_value": None}, "currency"),
        ({"currency": ""}, "minimum_value"),
        ({"minimum_value": 0}, "minimum_value"),
        ({"minimum_value": 200, "maximum_value": 199}, "maximum_value"),
        ({"currency": "IDR", "minimum_value": 1_50}, "minimum_value"),
        ({"refund_days": -1}, "refund_days"),
        ({"cancel_days": 4000}, "cancel_days"),
        ({"cancel_minutes": 1440}, "cancel_minutes"),
        ({"terminals": "WEB FAX"}, "terminals"),
        ({"logo_url": "http://logos.example/gcash.svg"}, "logo_url"),
        ({"logo_url": "https://me:secret@logos.example/gcash.svg"}, "logo_url"),
        ({"logo_url": "javascript:alert(1)"}, "logo_url"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(said: dict[str, Any], field: str) -> None:
    gcash = _method(factories.AcquirerAccountFactory(), "GCASH")
    with pytest.raises(InvalidInput) as refused:
        catalogue.change(gcash, said, by=BY)
    assert refused.value.params["field"] == field
    assert JournalEntry.objects.count() == 0


def test_terminals_are_kept_in_one_order() -> None:
    gcash = _method(factories.AcquirerAccountFactory(), "GCASH")
    assert catalogue.change(gcash, {"terminals": "MINI_APP WEB"}, by=BY).terminals == "WEB MINI_APP"


def test_a_person_asks_a_second_one_where_the_account_works_and_nobody_before_it_does() -> None:
    by = Actor.person(get_user_model().objects.create(username="chief", is_superuser=True, is_staff=True))
    ready, beginning = factories.AcquirerAccountFactory(), factories.AcquirerAccountFactory(acquirer_keys=False)

    with pytest.raises(ApprovalNeeded):
        catalogue.change(_method(ready, "GCASH"), {"is_contracted": False}, by=by)
    with pytest.raises(ApprovalNeeded):
        catalogue.add(ready, "NEWPAY", catalogue.shown(PaymentMethod()), by=by)
    catalogue.change(_method(beginning, "GCASH"), {"is_contracted": False}, by=by)

    assert (catalogue.contracted(ready)[0], catalogue.contracted(beginning)) == ("GCASH", ["DANA", "KAKAOPAY"])
