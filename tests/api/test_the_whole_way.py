"""A buyer's day in a mini program, over the API alone: log in, bind, order, pay, revoke."""

from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind
from tests.factories import PriceFactory
from tests.story import PHP, Acquirer, Shop


def test_a_buyer_binds_orders_pays_and_revokes(mini: Api, shop: Shop, sandbox: Sandbox, acquirer: Acquirer) -> None:
    PriceFactory(product__account=shop.account, product__sku="pass", product__name="Monthly pass")
    methods = mini.get("payment-methods")["items"]
    assert [method["wallet"] for method in methods if method["is_here"]] == ["GCASH"]
    assert methods[0]["wallet_account"] is None

    wallet = bind(mini, sandbox)
    assert (wallet["name"], wallet["status"], wallet["currency"]) == ("GCash", "ACTIVE", "PHP")
    assert mini.get("payment-methods")["items"][0]["wallet_account"]["id"] == wallet["id"]

    order = mini.post("orders", {"items": [{"sku": "pass", "quantity": 2}], "currency": "PHP"}, status=201)
    assert order["amount"] == {"value": "99800", "currency": "PHP", "display": "998.00"}
    assert (order["status"], order["payment"]) == ("INIT", None)

    paid = mini.post(f"orders/{order['number']}/pay", {"wallet_id": wallet["id"], "os_type": "ANDROID"})
    assert (paid["status"], paid["reason"], paid["order"]["status"]) == ("PAID", None, "PAID")
    assert paid["payment"]["label"] == wallet["label"]
    assert acquirer.engine.taken_from("ana") == [PHP(998_00)]

    revoked = mini.post(f"wallets/{wallet['id']}/revoke")
    assert revoked["status"] == "REVOKED"
    assert revoked["ended_at"]
    assert mini.post("sessions/end") == {"status": "ENDED"}
    assert mini.refused("GET", "wallets")["code"] == "session_expired"
