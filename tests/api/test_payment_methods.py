"""What can be offered to a buyer, and what the doors refuse of what cannot."""

from typing import Any

import pytest

from authorizations.models import Authorization, Buyer
from payments.models import Payment
from portal import accounts
from portal.sandbox.server import Sandbox
from tests import partner
from tests.api.conftest import Api, bind
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def wallet(mini: Api, sandbox: Sandbox) -> dict[str, Any]:
    """Ana's bound GCash."""
    return bind(mini, sandbox)


def _offered(api: Api, query: str = "") -> list[str]:
    return [item["wallet"] for item in api.get(f"payment-methods{query}")["items"]]


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("", "GCASH DANA TNG KAKAOPAY TRUEMONEY ALIPAY_HK ALIPAY_CN DIRECT_DEBIT_SIAMCOMMERCIALBANK"),
        ("?region=TH", "TRUEMONEY DIRECT_DEBIT_SIAMCOMMERCIALBANK"),
        ("?region=SE", ""),
        ("?currency=KRW", "KAKAOPAY"),
        ("?currency=PHP&amount=99", ""),
        ("?currency=PHP&amount=100", "GCASH"),
        ("?currency=THB&amount=3000000", "TRUEMONEY DIRECT_DEBIT_SIAMCOMMERCIALBANK"),
        ("?currency=THB&amount=3000001", "DIRECT_DEBIT_SIAMCOMMERCIALBANK"),
        ("?region=TH&currency=THB&amount=50&terminal_type=MINI_APP", "DIRECT_DEBIT_SIAMCOMMERCIALBANK"),
        ("?region=PH&currency=THB", ""),
    ],
)
def test_what_can_be_offered_depends_on_who_pays_what_and_where_from(mini: Api, query: str, offered: str) -> None:
    assert _offered(mini, query) == offered.split()


def test_what_staff_say_of_a_method_is_offered_from_then_on(mini: Api, shop: Shop) -> None:
    logo = "https://logos.example/gcash.svg"
    shop.says_of("GCASH", terminals="WEB MINI_APP", maximum_value=500_00, logo_url=logo, refunds_in_part=False)
    shop.says_of("DANA", is_contracted=False)

    items = {item["wallet"]: item for item in mini.get("payment-methods")["items"]}

    gcash = items["GCASH"]
    assert (gcash["kind"], gcash["terminal_types"], gcash["logo_url"]) == ("WALLET", ["WEB", "MINI_APP"], logo)
    assert (gcash["maximum"]["display"], gcash["refund_days"], gcash["partial_refund"]) == ("500.00", 365, False)
    assert items["DIRECT_DEBIT_SIAMCOMMERCIALBANK"]["kind"] == "BANK_DEBIT"
    assert (items["KAKAOPAY"]["refund_days"], items["KAKAOPAY"]["partial_refund"]) == (None, None)
    assert "DANA" not in items
    assert "GCASH" in _offered(mini, "?terminal_type=MINI_APP")
    assert "GCASH" not in _offered(mini, "?terminal_type=APP")
    assert _offered(mini, "?currency=PHP&amount=50001") == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?region=Thailand", "region"),
        ("?region=th", "region"),
        ("?region=", "region"),
        ("?currency=BAHT", "currency"),
        ("?currency=thb", "currency"),
        ("?currency=XXX", "currency"),
        ("?terminal_type=FAX", "terminal_type"),
        ("?amount=100", "currency"),
        ("?currency=PHP&amount=0", "amount"),
        ("?currency=PHP&amount=-5", "amount"),
        ("?currency=PHP&amount=1.50", "amount"),
        ("?currency=PHP&amount=ten", "amount"),
        ("?currency=PHP&amount=99999999999999999", "amount"),
        ("?currency=IDR&amount=150", "amount"),
        ("?currency=PHP&amount=100&amount=200", "amount"),
        ("?withheld=maybe", "withheld"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_the_parameters_name(server: Api, query: str, pointer: str) -> None:
    problem = server.refused("GET", f"payment-methods{query}")

    assert problem["status"] == 400
    assert [error["parameter"] for error in problem["errors"]] == [pointer]


def test_the_merchant_may_ask_what_is_withheld_and_why_and_a_buyer_may_not(server: Api, mini: Api, shop: Shop) -> None:
    shop.says_of("GCASH", terminals="WEB")
    query = "?region=TH&currency=THB&terminal_type=MINI_APP&amount=50"

    answer = server.get(f"payment-methods{query}&withheld=true")

    assert [item["wallet"] for item in answer["items"]] == ["DIRECT_DEBIT_SIAMCOMMERCIALBANK"]
    withheld = {item["wallet"]: (item["reason"], item["text"]) for item in answer["withheld"]}
    assert withheld["TRUEMONEY"] == ("BELOW_MINIMUM", "TrueMoney Wallet takes payments of at least 1.00 THB.")
    assert withheld["KPLUS"] == ("NOT_CONTRACTED", "K PLUS is not in the contract.")
    assert withheld["GCASH"] == ("OTHER_REGION", "GCash is for buyers in PH, not in TH.")
    assert len(answer["items"]) + len(withheld) == shop.account.methods.count()
    assert server.get(f"payment-methods{query}")["withheld"] == []
    asked = server.get("payment-methods?currency=PHP&terminal_type=APP&withheld=true")["withheld"]
    reasons = {item["wallet"]: item["reason"] for item in asked}
    assert (reasons["GCASH"], reasons["DANA"]) == ("TERMINAL_NOT_SERVED", "OTHER_CURRENCY")
    assert mini.refused("GET", "payment-methods?withheld=true")["errors"][0]["parameter"] == "withheld"


def test_binding_refuses_what_is_not_offered_and_makes_no_customer_of_it(server: Api, shop: Shop) -> None:
    shop.says_of("GCASH", terminals="MINI_APP")
    body = {"customer": "customer-1", "wallet": "GCASH", "terminal_type": "WEB"}

    problem = server.refused("POST", "authorizations", body)

    assert (problem["status"], problem["code"]) == (422, "terminal_not_served")
    assert problem["detail"] == "GCash does not work from a WEB terminal."
    shop.says_of("GCASH", is_contracted=False)
    assert server.refused("POST", "authorizations", body)["code"] == "wallet_not_contracted"
    assert (Authorization.objects.count(), Buyer.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"is_contracted": False}, "wallet_not_contracted"),
        ({"currency": "USD", "minimum_value": None, "refund_minimum_value": None}, "wrong_currency"),
        ({"minimum_value": 499_01}, "amount_not_allowed"),
        ({"maximum_value": 498_99}, "amount_not_allowed"),
        ({"terminals": "APP"}, "terminal_not_served"),
    ],
)
def test_paying_refuses_it_with_a_code_before_the_wire_and_the_same_key_pays_afterwards(
    server: Api, shop: Shop, buyer: Customer, said: dict[str, Any], code: str
) -> None:
    wallet = buyer.binds("GCASH")
    order = shop.sells("Pass", PHP(499_00), to=buyer)
    before = {name: getattr(shop.account.methods.get(code="GCASH"), name) for name in said}
    shop.says_of("GCASH", **said)
    body = {"wallet_id": wallet.public_id}

    problem = server.refused("POST", f"orders/{order.number}/pay", body, key="once")

    assert (problem["status"], problem["code"]) == (422, code)
    assert (Payment.objects.count(), shop.acquirer.calls("pay")) == (0, [])
    shop.says_of("GCASH", **before)
    assert server.post(f"orders/{order.number}/pay", body, key="once")["status"] == "PAID"
    assert shop.acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_drained_account_leaves_the_offer_to_the_next(mini: Api, shop: Shop, acquirer: Acquirer) -> None:
    second = partner.connected(shop.account, acquirer)
    accounts.order_places(shop.account, [shop.account, second], by=shop.staff, note="contract of March")
    before = _offered(mini)

    accounts.drain(shop.account, by=shop.staff, note="it ends in June")

    assert {"TNG", "GCASH"} <= set(before)
    assert _offered(mini) == ["GCASH", "DANA"]
    refused = mini.refused("POST", "authorizations", {"wallet": "TNG", "os_type": "IOS"})
    assert refused["code"] == "wallet_not_contracted"
    begun = mini.post("authorizations", {"wallet": "GCASH", "os_type": "IOS"}, status=201)
    assert begun["status"] == "OFFERED"
    assert Authorization.objects.get(public_id=begun["id"]).account == second


def test_what_is_bound_stays_in_its_buyers_sight_when_it_is_not_offered_any_more(
    mini: Api, wallet: dict[str, Any], shop: Shop
) -> None:
    shop.says_of("GCASH", is_contracted=False)
    items = {item["wallet"]: item for item in mini.get("payment-methods")["items"]}
    assert (items["GCASH"]["is_offered"], items["GCASH"]["wallet_account"]["id"]) == (False, wallet["id"])
    assert {item["is_offered"] for code, item in items.items() if code != "GCASH"} == {True}
    assert _offered(mini, "?currency=PHP") == []  # it is not debited

    shop.says_of("GCASH", is_contracted=True)
    accounts.drain(shop.account, by=shop.staff, note="its contract ends in June")
    assert _offered(mini) == ["GCASH"]
    assert _offered(mini, "?currency=PHP&amount=100") == ["GCASH"]  # and this is
    assert _offered(mini, "?currency=USD") == []
    assert mini.post(f"wallets/{wallet['id']}/revoke", {})["status"] == "REVOKED"
