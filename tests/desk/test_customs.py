"""Customs at the desk: declare, see what an amendment changes before it is sent, and see papers only on record."""

import pytest

from payments.customs.states import DeclarationStatus
from payments.models import CustomsRule, Declaration, Payment
from portal.models import JournalEntry
from portal.money import Money
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url
from tests.story import Acquirer, Customer, Shop

NUMBER, NAME = "110101199001011234", "Li Si Wang"
NAMES = {"merchant_customs_code": "33", "merchant_customs_name": "Example Trading Ltd"}
PAPERS = {"certificate_kind": "ID_CARD", "certificate_number": NUMBER, "certificate_name": NAME}


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """100.00 CNY, paid by Alipay."""
    buyer.binds("ALIPAY_CN")
    return shop.charges(shop.sells("Tea", Money(100_00, "CNY"), to=buyer))


def test_a_payment_is_declared_amended_after_a_look_and_its_papers_are_seen_on_record(
    paid: Payment, shop: Shop, acquirer: Acquirer, chief: Desk
) -> None:
    acquirer.will("customs_refuses")
    form = chief.begins(act_url(paid, "declare"))
    said = {"amount": "60.00", "customs_code": "ZONGSHU", **NAMES, **PAPERS}
    assert "passed it on to customs" in form.sends(saying="Declare 60.00 CNY", **said)
    shop.clock_moves(minutes=7)
    declaration = Declaration.objects.get()
    page = chief.reads(page_url(declaration))
    assert "Refused by customs" in page
    assert "Customs has refused it" in page
    assert (
        page.count("failed · Refused: the buyer is not the payer.") == 2
    )  # in the story, and beside the other answers
    assert "1 declaration refused by customs" in chief.reads("/admin/")

    form = chief.begins(act_url(declaration, "amend"))
    said = {"amount": "40.00", **NAMES, "reason_code": "WRONG_DATA", "note": ""}
    looked = form.sends(**said)
    assert "Amount: 60.00 CNY → 40.00 CNY" in looked
    assert len(acquirer.calls("declare")) == 1  # nothing was sent by looking
    done = form.sends(saying="Transmit it again: Amount → 40.00 CNY", **said)
    assert "passed it on to customs" in done
    declaration.refresh_from_db()
    assert (declaration.status, declaration.amount) == (DeclarationStatus.DECLARED, Money(40_00, "CNY"))

    seen = [chief.opens(url) for url in (list_url(declaration), page_url(declaration), page_url(paid))]
    seen += [chief.opens(page_url(entry)) for entry in JournalEntry.objects.all()]
    assert [page for page in seen if NUMBER in page or NAME in page] == []
    shown = chief.begins(act_url(declaration, "reveal")).presses(reason_code="CUSTOMS_ASKS", note="")
    assert NUMBER in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    assert JournalEntry.objects.filter(act="see buyer's certificate", reason_code="CUSTOMS_ASKS").count() == 1


def test_of_papers_only_what_was_wrong_is_typed_again(
    paid: Payment, shop: Shop, acquirer: Acquirer, chief: Desk
) -> None:
    acquirer.will("customs_refuses")
    form = chief.begins(act_url(paid, "declare"))
    assert "At most 100.00 CNY can be declared." in form.sends(
        saying="Declare 200.00 CNY", amount="200.00", customs_code="ZONGSHU", **NAMES, **PAPERS
    )
    form = chief.begins(act_url(paid, "declare"))
    form.sends(saying="Declare 100.00 CNY", amount="100.00", customs_code="ZONGSHU", **NAMES, **PAPERS)
    shop.clock_moves(minutes=7)
    declaration = Declaration.objects.get()
    said = {"amount": "100.00", **NAMES, "certificate_name": "Ana Cruz", "reason_code": "WRONG_DATA", "note": ""}
    form = chief.begins(act_url(declaration, "amend"))
    assert "Name on the buyer’s certificate: given → another" in form.sends(**said)
    form.sends(saying="Transmit it again: Name on the buyer’s certificate → another", **said)
    declaration.refresh_from_db()
    assert (declaration.certificate_number, declaration.certificate_name) == (NUMBER, "Ana Cruz")


def test_too_early_is_said_instead_of_a_form(chief: Desk, paid: Payment, shop: Shop) -> None:
    chief.begins(act_url(paid, "declare")).sends(
        saying="Declare 100.00 CNY", amount="100.00", customs_code="NINGBO", **NAMES
    )
    assert "5 minutes after the last transmission" in chief.reads(act_url(Declaration.objects.get(), "amend"))


@pytest.mark.django_db
def test_a_rule_is_set_and_changed(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    said = {"customs_code": "NINGBO", **NAMES, "scope": "PRODUCTS", "is_active": "on"}
    form = chief.begins(f"{list_url(CustomsRule)}acts/set_rule/")
    assert "name at least one product" in form.sends(account=account.pk, skus="", **said)
    form = chief.begins(f"{list_url(CustomsRule)}acts/set_rule/")
    assert "The rule holds" in form.sends(account=account.pk, skus="tea pot", **said)
    rule = CustomsRule.objects.get()
    assert rule.skus == ["tea", "pot"]
    chief.begins(act_url(rule, "change_rule")).sends(**{**said, "scope": "GOODS", "is_active": ""}, skus="")
    rule.refresh_from_db()
    assert (rule.scope, rule.skus, rule.is_active) == ("GOODS", [], False)
    assert JournalEntry.objects.filter(act="set customs rule").count() == 2
