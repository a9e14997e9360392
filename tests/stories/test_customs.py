"""Customs: never more declared than was paid, nothing declared twice, and nobody reads the buyer's certificate."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from payments.customs import operations as customs
from payments.customs.operations.asking import record_inquiry
from payments.customs.operations.sending import send
from payments.customs.promising import Buyer
from payments.customs.states import CustomsOffice, DeclarationStatus, RuleScope
from payments.errors import AmendmentNotPossible, DeclarationExceedsPayment, DeclarationNotPossible
from payments.models import CustomsRule, Declaration, Payment
from payments.operations import place_order
from payments.operations.products import add_product
from portal import clock
from portal.actor import Actor
from portal.gateways import acquirer_for
from portal.models import Exchange, Incident, JournalEntry
from portal.money import Money
from portal.sandbox.control import SandboxControl
from tests.factories import UserFactory
from tests.story import Acquirer, Customer, Shop

NUMBER, NAME = "110101199001011234", "Li Si Wang"
S = DeclarationStatus


def CNY(value: int) -> Money:  # noqa: N802 - reads like the currency it is
    """An amount in fen."""
    return Money(value, "CNY")


@pytest.fixture
def paid(buyer: Customer, shop: Shop) -> Payment:
    """100.00 CNY, paid by Alipay."""
    buyer.binds("ALIPAY_CN")
    return shop.charges(shop.sells("Tea", CNY(100_00), to=buyer))


def declares(shop: Shop, payment: Payment, amount: Money | None = None, **more: Any) -> Declaration:
    """Declare it to the general administration."""
    wanted: dict[str, Any] = {
        "office": CustomsOffice.ZONGSHU,
        "merchant_customs_code": "3301961A7X",
        "merchant_customs_name": "Example Trading Ltd",
    }
    return customs.declare(payment, amount or CNY(100_00), by=shop.staff, **(wanted | more))


def rules(shop: Shop, scope: RuleScope = RuleScope.EVERYTHING, **more: Any) -> CustomsRule:
    """Let the account declare by itself."""
    wanted: dict[str, Any] = {"skus": [], "is_active": True, "merchant_customs_name": "Example Trading Ltd"} | more
    return customs.set_rule(
        shop.account, customs_code="NINGBO", merchant_customs_code="33", scope=scope, by=shop.staff, **wanted
    )


def stands(declaration: Declaration) -> tuple[str, int]:
    """Its status, and what is declared of its payment."""
    declaration.refresh_from_db()
    return declaration.status, Payment.objects.get(pk=declaration.payment_id).declared_value


def transmits(shop: Shop, declaration: Declaration, **changes: Any) -> Declaration:
    """Transmit it again, with these changes."""
    held = Declaration.objects.get(pk=declaration.pk)
    return customs.amend(held, replace(held.contents, **changes), by=shop.staff, reason_code="WRONG_DATA")


def test_what_is_paid_is_declared_by_the_rule_and_customs_accepts(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    rules(shop)
    buyer.binds("ALIPAY_CN")
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Tea", CNY(100_00), to=buyer), buyer.wallet("ALIPAY_CN"))
    shop.charges(shop.sells("Pass", Money(499_00, "PHP"), to=buyer), buyer.wallet("GCASH"))
    shop.clock_moves(minutes=10)

    declaration = Declaration.objects.get()
    assert (declaration.payment_id, declaration.customs_code, declaration.amount) == (payment.pk, "NINGBO", CNY(100_00))
    assert stands(declaration) == (S.ACCEPTED, 100_00)
    assert declaration.provider_registration_id == "31222699S7"
    assert [change.target for change in declaration.changes.all()] == [S.PROCESSING, S.DECLARED, S.ACCEPTED]
    assert len(acquirer.calls("declare")) == 1


def test_a_rule_declares_goods_or_products_and_an_inactive_one_nothing(shop: Shop, buyer: Customer) -> None:
    buyer.binds("ALIPAY_CN")
    for sku, is_digital in (("tea", False), ("ebook", True)):
        prices = {"CNY": CNY(20_00)}
        add_product(
            shop.account, sku, sku, description="", is_digital=is_digital, prices=prices, by=Actor.command("story")
        )

    def declared(rule: CustomsRule, *skus: str) -> int:
        rule.refresh_from_db()
        before = Declaration.objects.count()
        for sku in skus:
            shop.charges(place_order(buyer.row, [(sku, 1)], "CNY", by=buyer.by))
        return Declaration.objects.count() - before

    assert declared(rules(shop, RuleScope.GOODS), "tea", "ebook") == 1
    assert declared(rules(shop, RuleScope.PRODUCTS, skus=["ebook"]), "tea", "ebook") == 1
    assert declared(rules(shop, RuleScope.EVERYTHING), "tea", "ebook") == 2
    assert declared(rules(shop, is_active=False), "tea", "ebook") == 0


def test_customs_refuses_it_is_amended_and_accepted(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("customs_refuses")
    declaration = declares(shop, paid)
    shop.clock_moves(minutes=7)
    assert stands(declaration) == (S.REFUSED, 100_00)  # it still counts at the acquirer
    assert (declaration.customs_result_code, declaration.customs_result[:8]) == ("failed", "Refused:")

    assert transmits(shop, declaration, amount=CNY(60_00)).status == S.DECLARED
    assert stands(declaration) == (S.DECLARED, 60_00)
    shop.clock_moves(minutes=7)

    assert stands(declaration) == (S.ACCEPTED, 60_00)
    amounts = sorted(asked(call)["declarationAmount"]["value"] for call in acquirer.calls("declare"))
    assert amounts == ["10000", "6000"]


def test_other_papers_are_not_held_against_what_was_said_of_the_first(
    shop: Shop, paid: Payment, acquirer: Acquirer
) -> None:
    """The acquirer answers an amendment as the first time, its check of the buyer's papers included."""
    acquirer.will("customs_refuses", calls=2)
    declaration = declares(shop, paid, buyer=Buyer("ID_CARD", NUMBER, NAME))
    shop.clock_moves(minutes=7)
    assert transmits(shop, declaration, amount=CNY(60_00)).identity_check == "CHECK_NOT_PASSED"

    shop.clock_moves(minutes=7)
    transmits(shop, declaration, certificate_name="Ana Cruz")
    shop.clock_moves(minutes=7)
    assert stands(declaration) == (S.ACCEPTED, 60_00)
    assert declaration.identity_check == ""


def asked(call: dict[str, Any]) -> dict[str, Any]:
    """The body of a call."""
    body: dict[str, Any] = json.loads(call["request"])
    return body


def test_a_lost_answer_heals_by_asking(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("answer_lost", api="declare")
    declaration = declares(shop, paid)
    assert stands(declaration) == (S.PROCESSING, 100_00)
    shop.clock_moves(minutes=10)

    assert stands(declaration) == (S.ACCEPTED, 100_00)
    assert len(acquirer.calls("declare")) == 1


@pytest.mark.parametrize("fault", ["request_lost", "declaration_lost"])
def test_what_never_arrived_or_was_lost_is_sent_again_under_its_id(
    shop: Shop, paid: Payment, acquirer: Acquirer, fault: str
) -> None:
    acquirer.will(fault, **({"api": "declare"} if fault == "request_lost" else {}))
    declaration = declares(shop, paid)
    shop.clock_moves(minutes=30)

    assert stands(declaration) == (S.ACCEPTED, 100_00)
    assert {asked(call)["declarationRequestId"] for call in acquirer.calls("declare")} == {str(declaration)}
    assert declaration.times_sent == 2


def test_what_the_acquirer_turns_down_is_released_and_may_be_declared_anew(
    shop: Shop, paid: Payment, acquirer: Acquirer
) -> None:
    acquirer.will("answer_code", api="declare", code="INVALID_CONTRACT")
    assert stands(declares(shop, paid)) == (S.FAILED, 0)
    assert stands(declares(shop, paid)) == (S.DECLARED, 100_00)


def test_split_orders_are_declared_in_parts_and_never_beyond_what_was_paid(
    shop: Shop, paid: Payment, acquirer: Acquirer
) -> None:
    first = declares(shop, paid, CNY(60_00), suborder_id="P1")
    with pytest.raises(DeclarationExceedsPayment, match=r"40.01 CNY is more than can still be declared: 40.00 CNY"):
        declares(shop, paid, CNY(40_01), suborder_id="P2")
    with pytest.raises(DeclarationNotPossible, match="before"):
        declares(shop, paid, CNY(1_00), suborder_id="P1")
    with pytest.raises(DeclarationNotPossible, match="not both"):
        declares(shop, paid, CNY(1_00))
    second = declares(shop, paid, CNY(40_00), suborder_id="P2")
    with pytest.raises(DeclarationNotPossible, match="all of it"):
        declares(shop, paid, CNY(1), suborder_id="P3")

    assert len(acquirer.calls("declare")) == 2  # what was refused was refused before the wire
    assert (stands(first), stands(second)) == ((S.DECLARED, 100_00), (S.DECLARED, 100_00))
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database says it, too
        Payment.objects.filter(pk=paid.pk).update(declared_value=100_01)
    with pytest.raises(IntegrityError), transaction.atomic():
        Declaration.objects.filter(pk=second.pk).update(suborder_id="P1")


def test_only_what_was_paid_by_alipay_can_be_declared(shop: Shop, buyer: Customer) -> None:
    buyer.binds("GCASH")
    pesos = shop.charges(shop.sells("Pass", Money(499_00, "PHP"), to=buyer))
    with pytest.raises(DeclarationNotPossible, match="by Alipay in CNY only"):
        declares(shop, pesos)


def test_too_early_or_too_much_is_refused_before_the_wire(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("customs_silent", seconds=3600)
    declaration = declares(shop, paid, CNY(60_00), suborder_id="P1")
    shop.clock_moves(minutes=4)
    with pytest.raises(AmendmentNotPossible, match="5 minutes"):
        transmits(shop, declaration, merchant_customs_code="OTHER")
    shop.clock_moves(minutes=2)
    with pytest.raises(DeclarationExceedsPayment):
        transmits(shop, declaration, amount=CNY(100_01))
    with pytest.raises(AmendmentNotPossible, match="split"):
        transmits(shop, declaration, suborder_id="")
    assert len(acquirer.calls("declare")) == 1

    transmits(shop, declaration, amount=CNY(100_00), suborder_id="P9", merchant_customs_code="OTHER")
    assert stands(declaration) == (S.DECLARED, 100_00)
    shop.clock_moves(hours=2)
    assert stands(declaration) == (S.ACCEPTED, 100_00)
    transmits(shop, declaration, merchant_customs_code="THIRD")  # what was accepted may be wrong, or get lost
    shop.clock_moves(hours=2)
    assert stands(declaration) == (S.ACCEPTED, 100_00)
    with pytest.raises(AmendmentNotPossible, match="without a certificate"):
        transmits(shop, declaration, certificate_number=NUMBER, certificate_name=NAME)
    assert len(acquirer.calls("declare")) == 3


def test_a_refused_amendment_leaves_what_was_declared(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("customs_silent", seconds=3600)
    declaration = declares(shop, paid, CNY(60_00))
    shop.clock_moves(minutes=6)
    acquirer.will("answer_code", api="declare", code="CONTEXT_INCONSISTENT")
    transmits(shop, declaration, amount=CNY(90_00), merchant_customs_code="OTHER")

    assert stands(declaration) == (S.DECLARED, 60_00)
    assert (declaration.amount, declaration.merchant_customs_code) == (CNY(60_00), "3301961A7X")
    assert (declaration.result_code, declaration.former) == ("CONTEXT_INCONSISTENT", "")


@pytest.mark.parametrize("fault", ["answer_lost", "request_lost"])
def test_an_amendment_of_which_nobody_knows_is_sent_again(
    shop: Shop, paid: Payment, acquirer: Acquirer, fault: str
) -> None:
    acquirer.will("customs_refuses")
    declaration = declares(shop, paid, CNY(60_00))
    shop.clock_moves(minutes=7)
    acquirer.will(fault, api="declare")
    transmits(shop, declaration, amount=CNY(40_00))
    assert stands(declaration) == (S.AMENDING, 60_00)  # the larger of the two, until one of them is certain
    shop.clock_moves(minutes=10)

    assert stands(declaration) == (S.ACCEPTED, 40_00)


def test_a_word_that_was_heard_before_it_was_sent_again_is_not_about_what_was_sent(
    shop: Shop, paid: Payment, acquirer: Acquirer
) -> None:
    acquirer.will("customs_silent", seconds=3600)
    declaration = declares(shop, paid)
    shop.clock_stands_at(clock.now() + timedelta(minutes=6))
    acquirer.will("answer_lost", api="declare")
    transmits(shop, declaration)  # as it was
    shop.clock_stands_at(clock.now() + timedelta(minutes=6))
    before = acquirer_for(shop.account).inquire_declarations([declaration.declaration_request_id])
    assert before.records[0].result_code == "success"

    shop.clock_stands_at(clock.now() + timedelta(seconds=1))
    acquirer.will("customs_refuses")
    declaration.refresh_from_db()
    send(declaration, is_leased=True)
    record_inquiry(declaration, before)  # by whoever had asked, and was slow
    assert stands(declaration)[0] == S.DECLARED

    shop.clock_moves(hours=2)
    assert stands(declaration)[0] == S.REFUSED


def test_ten_are_asked_about_in_one_question(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("ALIPAY_CN")
    payment = shop.charges(shop.sells("Tea", CNY(100_00), to=buyer))
    for part in range(11):
        declares(shop, payment, CNY(1_00), suborder_id=f"P{part}")
    shop.clock_stands_at(clock.now() + timedelta(minutes=3))
    shop.comes_to_rest()

    sizes = [len(asked(call)["declarationRequestIds"]) for call in acquirer.calls("inquiryDeclarationRequests")]
    assert sorted(sizes) == [1, 10]
    assert set(Declaration.objects.values_list("status", flat=True)) == {S.ACCEPTED}


def test_customs_that_never_speaks_becomes_an_incident_that_its_word_settles(
    shop: Shop, paid: Payment, acquirer: Acquirer
) -> None:
    acquirer.will("customs_silent", seconds=5 * 86400)
    declaration = declares(shop, paid)
    shop.clock_moves(days=4)
    incident = Incident.objects.get(kind=customs.UNANSWERED)
    assert (stands(declaration)[0], incident.is_open) == (S.DECLARED, True)
    shop.clock_moves(days=3)

    incident.refresh_from_db()
    assert (stands(declaration)[0], incident.is_open) == (S.ACCEPTED, False)


@pytest.mark.parametrize("name", [NAME, "Li Si", "李四"])
def test_nobody_reads_the_buyers_certificate_but_by_the_one_act(
    shop: Shop, paid: Payment, acquirer: Acquirer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level("DEBUG")
    acquirer.will("customs_refuses", calls=2)  # in words that quote the papers
    buyer = Buyer("ID_CARD", NUMBER, name)
    declaration = declares(shop, paid, buyer=buyer)
    shop.clock_moves(minutes=7)
    declaration.refresh_from_db()
    assert declaration.identity_check == "CHECK_NOT_PASSED"
    transmits(shop, declaration, certificate_name=f"{name} X")
    shop.clock_moves(minutes=7)
    declaration.refresh_from_db()
    assert declaration.customs_result.startswith("Refused: the buyer is not the payer. (••••")

    assert asked(acquirer.calls("declare")[0])["buyerCertificate"]["certificateNo"][-4:] == NUMBER[-4:]
    with connection.cursor() as cursor:
        cursor.execute("SELECT certificate_number, certificate_name FROM payments_declaration")
        kept = cursor.fetchone()
    seen = [*kept, repr(buyer), caplog.text]
    seen += [text for row in Exchange.objects.all() for text in (row.masked_request, row.masked_response)]
    seen += [str((row.before, row.after, row.note, row.outcome)) for row in JournalEntry.objects.all()]
    assert [text for text in seen if NUMBER in text or name in text] == []
    # Nor can they be found by trying: neither a digest nor a signature of what held them is shown.
    asked_of_it = Exchange.objects.filter(api="inquiryDeclarationRequests", response_sha256="")
    assert {{**row.response_headers}.get("signature") for row in asked_of_it} == {"••••"}
    sent = Exchange.objects.filter(api="declare")
    assert {(row.request_sha256, row.request_headers["signature"]) for row in sent} == {("", "••••")}

    auditor = Actor.person(UserFactory(roles=("Auditor",)))
    shown = customs.reveal(declaration, by=auditor, reason_code="CUSTOMS_ASKS")
    assert (shown.number, shown.name) == (NUMBER, f"{name} X")
    line = JournalEntry.objects.latest("pk")
    assert (line.act, line.actor_name, line.reason_code) == ("see buyer's certificate", auditor.name, "CUSTOMS_ASKS")


@pytest.fixture
def ninety_percent(acquirer: Acquirer) -> Iterator[None]:
    """The acquirer lets 90 of 100 be declared, and says so when it is asked, not when it is paid."""
    control = SandboxControl(acquirer.sandbox.url)
    control.settings(customs_declarable_percent=90)
    yield
    control.settings(customs_declarable_percent=100)


@pytest.mark.usefixtures("ninety_percent")
def test_no_more_is_declared_than_the_acquirer_lets(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    with pytest.raises(DeclarationExceedsPayment, match=r"90\.00"):
        declares(shop, paid)
    assert acquirer.calls("declare") == []
    assert stands(declares(shop, paid, CNY(90_00))) == (S.DECLARED, 90_00)


@pytest.mark.usefixtures("ninety_percent")
def test_a_rule_declares_what_the_acquirer_lets(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    rules(shop)
    buyer.binds("ALIPAY_CN")
    acquirer.will("notification_lost", calls=10)
    shop.charges(shop.sells("Tea", CNY(100_00), to=buyer))
    shop.clock_moves(minutes=10)
    declaration = Declaration.objects.get()
    assert (stands(declaration), declaration.amount) == ((S.ACCEPTED, 90_00), CNY(90_00))


def test_what_is_denied_sent_again_and_refused_has_an_end(shop: Shop, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("request_lost", api="declare")
    declaration = declares(shop, paid)
    acquirer.will("answer_code", api="declare", code="PARAM_ILLEGAL", calls=9)
    shop.clock_moves(minutes=30)
    assert stands(declaration) == (S.FAILED, 0)
    acquirer.heals()
    assert stands(declares(shop, paid)) == (S.DECLARED, 100_00)


@pytest.mark.parametrize(("fault", "code"), [("answer_lost", "OTHER"), ("request_lost", "3301961A7X")])
def test_what_an_amendment_changed_beside_the_amount_is_asked_about_too(
    shop: Shop, paid: Payment, acquirer: Acquirer, fault: str, code: str
) -> None:
    acquirer.will("customs_silent", seconds=36_000, calls=2)
    declaration = declares(shop, paid, buyer=Buyer("ID_CARD", NUMBER, NAME))
    shop.clock_moves(minutes=7)
    acquirer.will(fault, api="declare")
    transmits(shop, declaration, merchant_customs_code="OTHER")
    acquirer.will("answer_code", api="declare", code="SYSTEM_ERROR", calls=9)
    shop.clock_moves(minutes=30)
    declaration.refresh_from_db()
    assert (declaration.status, declaration.merchant_customs_code) == (S.DECLARED, code)

    acquirer.heals()
    acquirer.will(fault, api="declare")
    transmits(shop, declaration, certificate_name="Ana Cruz")
    acquirer.will("answer_code", api="declare", code="SYSTEM_ERROR", calls=9)
    shop.clock_moves(minutes=30)
    assert stands(declaration)[0] == S.AMENDING  # of papers the acquirer says nothing


@pytest.mark.parametrize(("fault", "held"), [("answer_lost", 40_00), ("request_lost", 60_00)])
def test_an_amendment_that_is_refused_the_second_time_is_asked_about(
    shop: Shop, paid: Payment, acquirer: Acquirer, fault: str, held: int
) -> None:
    acquirer.will("customs_silent", seconds=36_000, calls=2)
    declaration = declares(shop, paid, CNY(60_00))
    shop.clock_moves(minutes=7)
    acquirer.will(fault, api="declare")
    transmits(shop, declaration, amount=CNY(40_00))
    acquirer.will("answer_code", api="declare", code="ORDER_STATUS_INVALID", calls=9)
    shop.clock_moves(minutes=30)
    declaration.refresh_from_db()
    assert (stands(declaration), declaration.amount) == ((S.DECLARED, held), CNY(held))
