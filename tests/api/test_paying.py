"""Paying over the API: paid, failed with a reason, or pending while nobody knows; calling off, giving back."""

from typing import Any

import pytest

from payments.api.reasons import ACTIONS
from portal.acquirer.antom.codes import PAY
from portal.acquirer.results import Outcome
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind
from tests.factories import PriceFactory
from tests.story import PHP, Acquirer, Shop


@pytest.fixture
def wallet(mini: Api, sandbox: Sandbox, shop: Shop) -> dict[str, Any]:
    """Ana's bound GCash, and something to buy."""
    PriceFactory(product__account=shop.account, product__sku="pass", product__name="Monthly pass")
    return bind(mini, sandbox)


def order(mini: Api) -> str:
    """An order of one pass: 499.00 PHP."""
    placed = mini.post("orders", {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}, status=201)
    return str(placed["number"])


def pay(api: Api, number: str, wallet: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Press Pay."""
    paid: dict[str, Any] = api.post(f"orders/{number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"}, **options)
    return paid


def test_a_refusal_gives_a_reason_and_something_to_do(mini: Api, wallet: dict[str, Any], acquirer: Acquirer) -> None:
    acquirer.will("answer_code", api="pay", code="USER_BALANCE_NOT_ENOUGH")
    number = order(mini)
    answer = pay(mini, number, wallet)
    assert answer["status"] == "FAILED"
    assert answer["reason"] == {
        "code": "USER_BALANCE_NOT_ENOUGH",
        "text": "There is not enough money in the wallet. Top it up, or use another one.",
        "action": "choose_another_wallet",
    }
    assert answer["order"]["status"] == "INIT"
    # A new act pays the same order.
    assert pay(mini, number, wallet)["status"] == "PAID"
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


def test_what_nobody_knows_is_pending_and_then_paid(
    mini: Api, wallet: dict[str, Any], acquirer: Acquirer, shop: Shop
) -> None:
    acquirer.will("answer_lost", api="pay")
    number = order(mini)
    answer = pay(mini, number, wallet)
    assert (answer["status"], answer["reason"], answer["payment"]["reason"]) == ("PENDING", None, None)
    again = mini.refused("POST", f"orders/{number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    assert (again["status"], again["code"]) == (409, "order_not_payable")
    assert mini.refused("POST", f"orders/{number}/cancel", {})["code"] == "payment_in_progress"
    shop.clock_moves(seconds=10)
    shown = mini.get(f"orders/{number}")
    assert (shown["status"], shown["payment"]["status"]) == ("PAID", "PAID")
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


def test_a_payment_called_off_for_want_of_an_answer_owes_nothing(
    mini: Api, wallet: dict[str, Any], acquirer: Acquirer, shop: Shop
) -> None:
    acquirer.will("payment_stays_processing", seconds=600)
    number = order(mini)
    assert pay(mini, number, wallet)["status"] == "PENDING"
    shop.clock_moves(minutes=20)
    shown = mini.get(f"orders/{number}")
    assert shown["status"] == "INIT"
    assert shown["payment"]["status"] in {"CANCELLED", "FAILED"}
    assert shown["payment"]["reason"]["action"] == "retry"
    assert acquirer.engine.taken_from("ana") == acquirer.engine.given_back_to("ana") == []


def test_a_wallet_that_was_revoked_cannot_pay(mini: Api, wallet: dict[str, Any]) -> None:
    number = order(mini)
    mini.post(f"wallets/{wallet['id']}/revoke")
    problem = mini.refused("POST", f"orders/{number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    assert (problem["status"], problem["code"]) == (409, "wallet_not_active")


def test_a_buyer_withdraws_what_nobody_paid(mini: Api, wallet: dict[str, Any]) -> None:
    number = order(mini)
    withdrawn = mini.post(f"orders/{number}/cancel", {"note": "changed my mind"})
    assert (withdrawn["status"], withdrawn["cancel"]) == ("CANCELLED", None)
    assert withdrawn["closed_at"]
    problem = mini.refused("POST", f"orders/{number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    assert problem["code"] == "order_not_payable"
    assert mini.post(f"orders/{number}/cancel")["status"] == "CANCELLED"


def test_a_buyer_is_sent_to_the_merchant_for_what_is_paid(
    mini: Api, wallet: dict[str, Any], acquirer: Acquirer
) -> None:
    number = order(mini)
    pay(mini, number, wallet)
    problem = mini.refused("POST", f"orders/{number}/cancel", {})
    assert (problem["status"], problem["code"]) == (409, "needs_merchant")
    problem = mini.refused("POST", f"orders/{number}/refunds", {"amount": {"value": "1", "currency": "PHP"}})
    assert (problem["status"], problem["code"]) == (403, "merchants_only")
    assert acquirer.engine.given_back_to("ana") == []


def test_the_merchant_cancels_what_is_paid(mini: Api, server: Api, wallet: dict[str, Any], acquirer: Acquirer) -> None:
    number = order(mini)
    pay(mini, number, wallet)
    cancelled = server.post(f"orders/{number}/cancel", {"reason_code": "OUT_OF_STOCK"})
    assert (cancelled["status"], cancelled["cancel"]["status"]) == ("CANCELLED", "CONFIRMED")
    assert cancelled["cancel"]["amount"]["display"] == "499.00"
    assert cancelled["payment"]["status"] == "CANCELLED"
    assert cancelled["payment"]["reason"]["text"] == "The payment was cancelled; the money goes back to the wallet."
    assert acquirer.engine.given_back_to("ana") == [PHP(499_00)]


def test_the_merchant_refunds_in_parts_and_never_more_than_is_left(
    mini: Api, server: Api, wallet: dict[str, Any], acquirer: Acquirer
) -> None:
    number = order(mini)
    pay(mini, number, wallet)
    refund = server.post(f"orders/{number}/refunds", {"amount": {"value": "20000", "currency": "PHP"}}, status=201)
    assert (refund["status"], refund["order"], refund["reason_code"]) == ("SUCCEEDED", number, "BUYER_REQUEST")
    problem = server.refused("POST", f"orders/{number}/refunds", {"amount": {"value": "29901", "currency": "PHP"}})
    assert (problem["status"], problem["code"]) == (422, "refund_exceeds_payment")
    assert "299.00 PHP" in problem["detail"]
    server.post(f"orders/{number}/refunds", {"amount": {"value": "29900", "currency": "PHP"}}, status=201)
    shown = mini.get(f"orders/{number}")
    assert shown["status"] == "REFUNDED"
    assert [item["amount"]["value"] for item in shown["refunds"]] == ["29900", "20000"]
    assert shown["payment"]["returned"]["value"] == "49900"
    assert mini.get(f"refunds/{refund['id']}") == refund
    assert acquirer.engine.given_back_to("ana") == [PHP(200_00), PHP(299_00)]


def test_a_refund_nobody_knows_about_is_pending_and_then_done(
    mini: Api, server: Api, wallet: dict[str, Any], acquirer: Acquirer, shop: Shop
) -> None:
    number = order(mini)
    pay(mini, number, wallet)
    acquirer.will("answer_lost", api="refund")
    refund = server.post(f"orders/{number}/refunds", {"amount": {"value": "100", "currency": "PHP"}}, status=201)
    assert (refund["status"], refund["refunded_at"]) == ("PENDING", None)
    shop.clock_moves(minutes=5)
    done = server.get(f"refunds/{refund['id']}")
    assert done["status"] == "SUCCEEDED"
    assert done["refunded_at"]


def test_the_merchants_server_charges_its_customer_at_its_own_amount(
    server: Api, sandbox: Sandbox, acquirer: Acquirer
) -> None:
    begun = server.post("authorizations", {"customer": "customer-8812", "wallet": "GCASH"}, status=201)
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    wallet = server.post(
        f"authorizations/{begun['id']}/code", {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    )["wallet_account"]
    placed = server.post(
        "orders",
        {
            "customer": "customer-8812",
            "amount": {"value": "123456", "currency": "PHP"},
            "description": "Electricity, March",
            "reference": "INV-42",
        },
        status=201,
    )
    assert (placed["amount"]["display"], placed["reference"]) == ("1,234.56", "INV-42")
    paid = server.post(f"orders/{placed['number']}/pay", {"wallet_id": wallet["id"]})
    assert paid["status"] == "PAID"
    assert acquirer.engine.taken_from("ana") == [PHP(1_234_56)]
    assert [item["number"] for item in server.get("orders?reference=INV-42")["items"]] == [placed["number"]]
    assert [item["number"] for item in server.get("orders?customer=customer-8812&status=PAID")["items"]] == [
        placed["number"]
    ]
    assert server.get("orders?status=INIT")["items"] == []


def test_a_customers_order_is_paid_from_that_customers_wallet_only(
    server: Api, mini: Api, wallet: dict[str, Any], shop: Shop
) -> None:
    body = {"customer": "somebody else", "amount": {"value": "100", "currency": "PHP"}, "description": "Pass"}
    placed = server.post("orders", body, status=201)
    problem = server.refused("POST", f"orders/{placed['number']}/pay", {"wallet_id": wallet["id"]})
    assert (problem["status"], problem["code"]) == (404, "not_found")


def test_products_have_their_price_in_each_currency(mini: Api, shop: Shop) -> None:
    price = PriceFactory(product__account=shop.account, product__sku="b", product__name="Bus pass")
    PriceFactory(product=price.product, currency="USD", value=9_00)
    PriceFactory(product__account=shop.account, product__sku="a", product__name="Apple", currency="USD", value=1_00)
    PriceFactory(product__sku="elsewhere")  # another account's
    both = mini.get("products")["items"]
    assert [(item["sku"], [amount["display"] for amount in item["prices"]]) for item in both] == [
        ("a", ["1.00"]),
        ("b", ["499.00", "9.00"]),
    ]
    assert [item["sku"] for item in mini.get("products?currency=PHP")["items"]] == ["b"]
    assert mini.get("products?currency=USD&limit=1")["items"][0]["prices"] == [
        {"value": "100", "currency": "USD", "display": "1.00"}
    ]


def test_lists_go_on_where_they_ended_whatever_is_added_meanwhile(mini: Api, wallet: dict[str, Any]) -> None:
    numbers = [order(mini) for _ in range(5)]
    first = mini.get("orders?limit=2")
    order(mini)
    second = mini.get(f"orders?limit=2&cursor={first['next_cursor']}")
    third = mini.get(f"orders?limit=2&cursor={second['next_cursor']}")
    listed = [item["number"] for page in (first, second, third) for item in page["items"]]
    assert listed == numbers[::-1]
    assert third["next_cursor"] is None
    wallets = mini.get("wallets?limit=1")
    assert (len(wallets["items"]), wallets["next_cursor"]) == (1, None)


@pytest.mark.parametrize("code", [code for code, row in PAY.items() if row.outcome is Outcome.FAIL])
def test_every_final_refusal_of_pay_has_a_text_for_the_buyer(
    code: str, mini: Api, wallet: dict[str, Any], acquirer: Acquirer
) -> None:
    acquirer.will("answer_code", api="pay", code=code)
    answer = pay(mini, order(mini), wallet)
    assert (answer["status"], answer["reason"]["code"]) == ("FAILED", code)
    assert 20 <= len(answer["reason"]["text"]) <= 90
    assert code not in answer["reason"]["text"]
    assert answer["reason"]["action"] in ACTIONS
