"""Customs over the API: the merchant's server declares and asks; a buyer does neither; nobody hears of papers."""

from typing import Any

import pytest

from authorizations.models import Buyer, WalletAccount
from payments.customs import operations as customs
from payments.models import Declaration, Order
from portal.actor import Actor
from portal.models import AcquirerAccount, IdempotencyKey
from portal.money import Money
from tests.api.conftest import Api
from tests.factories import AcquirerAccountFactory
from tests.story import Acquirer, Customer, Shop

PAPERS = {"kind": "ID_CARD", "number": "110101199001011234", "name": "Li Si Wang"}
OFFICE = {"customs_code": "ZONGSHU", "merchant_customs_code": "33", "merchant_customs_name": "Example Trading Ltd"}


@pytest.fixture
def order(shop: Shop, buyer: Customer) -> Order:
    """100.00 CNY, paid by Alipay."""
    buyer.binds("ALIPAY_CN")
    return shop.charges(shop.sells("Tea", Money(100_00, "CNY"), to=buyer)).order


def test_a_part_is_declared_once_and_read_without_the_papers(
    server: Api, order: Order, shop: Shop, acquirer: Acquirer
) -> None:
    body: dict[str, Any] = {**OFFICE, "amount": {"value": "6000", "currency": "CNY"}, "suborder": "P1"}
    path = f"orders/{order.number}/declarations"
    made = server.post(path, {**body, "certificate": PAPERS}, status=201, key="once")
    again = server.call("POST", path, {**body, "certificate": PAPERS}, key="once")
    assert (made["status"], made["has_certificate"], made["suborder"]) == ("AT_CUSTOMS", True, "P1")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (made["id"], "true")
    assert Declaration.objects.count() == 1

    more = {**OFFICE, "suborder": "P2", "amount": {"value": "4001", "currency": "CNY"}}
    assert server.refused("POST", path, more)["code"] == "declaration_exceeds_payment"
    assert server.refused("POST", path, body)["code"] == "declaration_exceeds_payment"
    assert server.refused("POST", path, {"customs_code": "NINGBO"})["code"] == "invalid_input"
    half = {**OFFICE, "certificate": {"kind": "ID_CARD", "number": PAPERS["number"]}}
    assert server.refused("POST", path, half)["code"] == "invalid_input"
    shop.clock_moves(minutes=7)

    assert server.get(f"declarations/{made['id']}")["status"] == "ACCEPTED"
    kept = [str(vars(row)) for row in IdempotencyKey.objects.all()]
    assert [text for text in (*server.heard, *kept) if PAPERS["number"] in text or PAPERS["name"] in text] == []


def test_without_office_the_accounts_rule_speaks(server: Api, order: Order, account: AcquirerAccount) -> None:
    path = f"orders/{order.number}/declarations"
    assert server.refused("POST", path, {})["code"] == "declaration_not_possible"
    customs.set_rule(account, **OFFICE, scope="GOODS", skus=[], is_active=False, by=Actor.command("test"))
    made = server.post(path, {}, status=201)
    assert (made["customs_code"], made["amount"]["display"]) == ("ZONGSHU", "100.00")


def test_a_refusal_says_why(server: Api, order: Order, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("customs_refuses")
    made = server.post(f"orders/{order.number}/declarations", OFFICE, status=201)
    shop.clock_moves(minutes=7)
    shown = server.get(f"declarations/{made['id']}")
    assert (shown["status"], shown["reason"]["code"]) == ("REFUSED", "failed")


def test_a_buyer_neither_declares_nor_reads(server: Api, mini: Api, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(buyer=Buyer.objects.get(reference__in=_mine(mini)))
    path = f"orders/{order.number}/declarations"
    assert mini.refused("POST", path, OFFICE)["code"] == "merchants_only"
    made = server.post(path, OFFICE, status=201)
    assert mini.refused("GET", f"declarations/{made['id']}")["code"] == "not_found"


def _mine(mini: Api) -> list[str]:
    """Under which reference the mini program's buyer is known."""
    return [Buyer.objects.exclude(reference="ana").latest("pk").reference]


def test_the_rule_is_that_of_the_account_through_which_it_was_paid(
    server: Api, order: Order, account: AcquirerAccount
) -> None:
    """A shop may bind wallets through another account: customs knows the merchant by that one's registration."""
    through = AcquirerAccountFactory(slug="through")
    customs.set_rule(account, **OFFICE, scope="GOODS", skus=[], is_active=False, by=Actor.command("test"))
    WalletAccount.objects.update(account=through)
    path = f"orders/{order.number}/declarations"
    assert "the account has no customs rule" in server.refused("POST", path, {})["detail"]
