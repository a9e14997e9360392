"""Requests that cannot be carried out: each gets a clear refusal that names the place, and changes nothing at all."""

from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.db import connection

from portal.sandbox.server import Sandbox
from tests.api.conftest import PROBLEM, Api, bind
from tests.factories import PriceFactory, ProductFactory
from tests.story import Shop


class Row(NamedTuple):
    """One request and the refusal it gets."""

    who: str
    method: str
    path: str
    body: Any
    status: int
    code: str
    place: str
    """The pointer, parameter or header that is named; empty where none is."""
    says: str
    """Part of the sentence."""
    headers: dict[str, str | None] = {}


def raw(text: str | bytes) -> bytes:
    """A body as it is."""
    return text if isinstance(text, bytes) else text.encode()


AMOUNT = {"value": "49900", "currency": "PHP"}
WANTED = {"customer": "ana", "amount": AMOUNT, "description": "Pass"}
LINES = {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}
BEGIN = {"wallet": "GCASH", "os_type": "ANDROID"}
PAY = {"wallet_id": "{wallet}", "os_type": "ANDROID"}
INVALID = "invalid_input"


def order_with(**changes: Any) -> dict[str, Any]:
    """A merchant's order with something wrong about it."""
    return {name: value for name, value in {**WANTED, **changes}.items() if value is not ...}


def amount_of(value: Any, currency: Any = "PHP") -> dict[str, Any]:
    """A merchant's order of this amount."""
    return order_with(amount={"value": value, "currency": currency})


# fmt: off
TABLE: list[Row] = [
    # The body as a whole
    Row("mini", "POST", "orders", raw("{"), 400, "malformed_json", "", "position 1"),
    Row("mini", "POST", "orders", raw(""), 400, INVALID, "#/items", "required"),
    Row("mini", "POST", "orders", raw("nonsense"), 400, "malformed_json", "", "position 0"),
    Row("mini", "POST", "orders", raw("[]"), 400, "malformed_json", "", "one JSON object"),
    Row("mini", "POST", "orders", raw("null"), 400, "malformed_json", "", "one JSON object"),
    Row("mini", "POST", "orders", raw('"text"'), 400, "malformed_json", "", "one JSON object"),
    Row("mini", "POST", "orders", raw('{"currency": NaN}'), 400, "malformed_json", "", "NaN"),
    Row("mini", "POST", "orders", raw('{"currency": Infinity}'), 400, "malformed_json", "", "Infinity"),
    Row("mini", "POST", "orders", raw('{"currency": "PHP", "currency": "USD"}'), 400, "malformed_json", "",
        "'currency' is given twice"),
    Row("mini", "POST", "orders", raw(b'{"currency": "\xff\xfe"}'), 400, "malformed_json", "", "not UTF-8"),
    Row("mini", "POST", "orders", raw('{"currency": "PHP"}'.encode("utf-16")), 400, "malformed_json", "", "not UTF-8"),
    Row("mini", "POST", "orders", raw(b'\xef\xbb\xbf{"currency": "PHP"}'), 400, "malformed_json", "", "not JSON"),
    Row("mini", "POST", "orders", raw("[" * 30_000), 400, "malformed_json", "", "nested too deeply"),
    Row("mini", "POST", "orders", raw('{"items":' + "[" * 40 + "]" * 40 + "}"), 400, "malformed_json", "", "nested"),
    Row("mini", "POST", "orders", raw('{"items": [{"sku": "pass", "quantity": ' + "9" * 5_000 + "}]}"), 400,
        "malformed_json", "", "digits"),
    Row("mini", "POST", "orders", raw('{"currency": "' + "x" * 70_000 + '"}'), 413, "too_large", "", "64 KiB"),
    Row("mini", "POST", "orders", raw("currency=PHP"), 415, "unsupported_media_type", "", "application/json",
        {"Content-Type": "application/x-www-form-urlencoded"}),
    Row("mini", "POST", "orders", raw("{}"), 415, "unsupported_media_type", "", "application/json",
        {"Content-Type": "text/plain"}),
    Row("mini", "POST", "orders", raw("{}"), 415, "unsupported_media_type", "", "application/json",
        {"Content-Type": "application/json; charset=utf-16"}),
    Row("mini", "POST", "orders", raw("{}"), 415, "unsupported_media_type", "", "application/json",
        {"Content-Type": "multipart/form-data; boundary=x"}),
    # The request as a whole
    Row("mini", "GET", "orders", None, 406, "not_acceptable", "", "Accept", {"Accept": "text/html"}),
    Row("mini", "GET", "orders", None, 406, "not_acceptable", "", "Accept", {"Accept": ";;,/"}),
    Row("mini", "PUT", "orders", None, 405, "method_not_allowed", "", "method"),
    Row("mini", "DELETE", "orders/{order}", None, 405, "method_not_allowed", "", "method"),
    Row("mini", "OPTIONS", "orders", None, 405, "method_not_allowed", "", "method"),
    Row("mini", "GET", "orders/{order}/pay", None, 405, "method_not_allowed", "", "method"),
    Row("mini", "POST", "orders/{order}", {}, 405, "method_not_allowed", "", "method"),
    Row("mini", "GET", "nowhere", None, 404, "not_found", "", "nothing"),
    Row("mini", "GET", "orders/", None, 404, "not_found", "", "nothing"),
    Row("mini", "GET", "../v2/orders", None, 404, "not_found", "", "nothing"),
    # Who calls
    Row("anybody", "GET", "orders", None, 401, "unauthenticated", "", "Authorization"),
    Row("anybody", "POST", "orders", LINES, 401, "unauthenticated", "", "Authorization"),
    Row("anybody", "GET", "orders", None, 401, "unauthenticated", "", "Bearer", {"Authorization": "Basic YTpi"}),
    Row("anybody", "GET", "orders", None, 401, "unauthenticated", "", "Bearer", {"Authorization": "Bearer"}),
    Row("anybody", "GET", "orders", None, 401, "unauthenticated", "", "Bearer", {"Authorization": "Bearer a b"}),
    Row("anybody", "GET", "orders", None, 401, "unauthenticated", "", "Bearer",
        {"Authorization": "Bearer " + "x" * 300}),
    Row("anybody", "GET", "orders", None, 401, "session_expired", "", "session", {"Authorization": "Bearer bs_wrong"}),
    Row("anybody", "GET", "orders", None, 401, "session_expired", "", "session", {"Authorization": "Bearer null"}),
    Row("anybody", "GET", "orders", None, 401, "key_unknown", "", "merchant key", {"Authorization": "Bearer mk_wrong"}),
    Row("anybody", "POST", "sessions", {"customer": "ana"}, 401, "key_unknown", "", "merchant key",
        {"Authorization": "Bearer mk_wrong"}),
    Row("server", "POST", "sessions/end", {}, 403, "buyers_only", "", "session"),
    # Sessions
    Row("anybody", "POST", "sessions", {}, 400, INVALID, "#/login_code", "required"),
    Row("anybody", "POST", "sessions", {"login_code": "x", "site_name": "GCASH", "user": "ana"}, 400, INVALID,
        "#/user", "no such field"),
    Row("anybody", "POST", "sessions", {"login_code": 7, "site_name": "GCASH"}, 400, INVALID, "#/login_code",
        "must be a string"),
    Row("anybody", "POST", "sessions", {"login_code": "x" * 33, "site_name": "GCASH"}, 400, INVALID, "#/login_code",
        "32"),
    Row("anybody", "POST", "sessions", {"login_code": "a b", "site_name": "GCASH"}, 400, INVALID, "#/login_code",
        "form"),
    Row("anybody", "POST", "sessions", {"login_code": "x", "site_name": "NOWALLET"}, 422, "site_not_supported", "",
        "NOWALLET"),
    Row("anybody", "POST", "sessions", {"login_code": "x", "site_name": "gcash"}, 422, "site_not_supported", "",
        "GCash"),
    Row("anybody", "POST", "sessions", {"login_code": "x", "site_name": "GCASH", "account": "nobody"}, 422,
        "unknown_account", "#/account", "no such account"),
    Row("anybody", "POST", "sessions", {"customer": "ana"}, 400, INVALID, "#/customer", "no such field"),
    Row("server", "POST", "sessions", {"customer": ""}, 400, INVALID, "#/customer", "blank"),
    Row("server", "POST", "sessions", {"customer": "x" * 65}, 400, INVALID, "#/customer", "64"),
    Row("server", "POST", "sessions", {"customer": "a\u0000b"}, 400, INVALID, "#/customer", "control character"),
    Row("server", "POST", "sessions", raw(r'{"customer": "\ud800"}'), 400, INVALID, "#/customer", "cannot be shown"),
    Row("server", "POST", "sessions", {"customer": "a\u202eb"}, 400, INVALID, "#/customer", "cannot be shown"),
    Row("server", "POST", "sessions", {"customer": "a\ufeff"}, 400, INVALID, "#/customer", "cannot be shown"),
    Row("server", "POST", "sessions", {"customer": " ana"}, 400, INVALID, "#/customer", "blank"),
    Row("server", "POST", "sessions", {"customer": None}, 400, INVALID, "#/customer", "null"),
    Row("server", "POST", "sessions", {"customer": "ana", "site_name": "MARS"}, 422, "site_not_supported", "", "MARS"),
    # Attempts to bind
    Row("mini", "POST", "authorizations", {"os_type": "IOS"}, 400, INVALID, "#/wallet", "either"),
    Row("mini", "POST", "authorizations", {**BEGIN, "site_name": "GCASH"}, 400, INVALID, "#/wallet", "either"),
    Row("mini", "POST", "authorizations", {"wallet": "GCASH"}, 400, INVALID, "#/os_type", "IOS or ANDROID"),
    Row("mini", "POST", "authorizations", {**BEGIN, "os_type": "SYMBIAN"}, 400, INVALID, "#/os_type", "SYMBIAN"),
    Row("mini", "POST", "authorizations", {**BEGIN, "terminal_type": "FAX"}, 400, INVALID, "#/terminal_type", "FAX"),
    Row("mini", "POST", "authorizations", {**BEGIN, "os_type": ["IOS"]}, 400, INVALID, "#/os_type", "IOS"),
    Row("mini", "POST", "authorizations", {**BEGIN, "os_version": "x" * 17}, 400, INVALID, "#/os_version", "16"),
    Row("mini", "POST", "authorizations", {**BEGIN, "return_to": "x" * 301}, 400, INVALID, "#/return_to", "300"),
    Row("mini", "POST", "authorizations", {**BEGIN, "wallet": "no-wallet"}, 400, INVALID, "#/wallet", "form"),
    Row("mini", "POST", "authorizations", {**BEGIN, "wallet": "PAYPAY"}, 422, "wallet_not_contracted", "", "PAYPAY"),
    Row("mini", "POST", "authorizations", {**BEGIN, "customer": "paolo"}, 400, INVALID, "#/customer", "no such field"),
    Row("server", "POST", "authorizations", BEGIN, 400, INVALID, "#/customer", "required"),
    Row("server", "POST", "authorizations", {**BEGIN, "customer": "new", "wallet": "PAYPAY"}, 422,
        "wallet_not_contracted", "", "PAYPAY"),
    Row("mini", "POST", "authorizations/{attempt}/code", {}, 400, INVALID, "#/auth_code", "required"),
    Row("mini", "POST", "authorizations/{attempt}/code", {"auth_code": "x" * 129, "auth_state": "y"}, 400, INVALID,
        "#/auth_code", "128"),
    Row("mini", "POST", "authorizations/{attempt}/code", {"auth_code": "", "auth_state": "y"}, 400, INVALID,
        "#/auth_code", "blank"),
    Row("mini", "POST", "authorizations/{attempt}/code", {"auth_code": ["x"], "auth_state": "y"}, 400, INVALID,
        "#/auth_code", "string"),
    Row("mini", "POST", "authorizations/{attempt}/failure", {}, 400, INVALID, "#/error", "required"),
    Row("mini", "POST", "authorizations/{attempt}/failure", {"error": True}, 400, INVALID, "#/error", "6001"),
    Row("mini", "POST", "authorizations/{attempt}/failure", {"error": {"code": 6001}}, 400, INVALID, "#/error", "6001"),
    Row("mini", "POST", "authorizations/{attempt}/failure", {"error": "6 001"}, 400, INVALID, "#/error", "6001"),
    Row("mini", "GET", "authorizations/12345", None, 404, "not_found", "", "There is no authorization 12345."),
    Row("mini", "GET", "authorizations/99999999999999999999999999", None, 404, "not_found", "", ""),
    Row("mini", "GET", "authorizations/%00", None, 404, "not_found", "", ""),
    Row("mini", "GET", "authorizations/" + "A" * 65, None, 404, "not_found", "", ""),
    Row("mini", "GET", "authorizations/a'%20OR%20'1'='1", None, 404, "not_found", "", ""),
    # Wallets
    Row("mini", "POST", "wallets/{wallet}/revoke", {}, 400, "idempotency_key_missing", "Idempotency-Key", "fresh",
        {"Idempotency-Key": None}),
    Row("mini", "POST", "wallets/{wallet}/revoke", {"reason_code": "WHIM"}, 400, INVALID, "#/reason_code", "WHIM"),
    Row("mini", "POST", "wallets/{wallet}/revoke", {"note": "x" * 201}, 400, INVALID, "#/note", "200"),
    Row("mini", "POST", "wallets/W0/revoke", {}, 404, "not_found", "", "There is no wallet W0."),
    Row("mini", "GET", "wallets?status=GONE", None, 400, INVALID, "status", "GONE"),
    Row("mini", "GET", "wallets?customer=paolo", None, 400, INVALID, "customer", "merchant key"),
    Row("mini", "GET", "payment-methods?customer=paolo", None, 400, INVALID, "customer", "merchant key"),
    Row("mini", "GET", "payment-methods?x=1", None, 400, INVALID, "x", "no such field"),
    # Lists
    Row("mini", "GET", "orders?limit=0", None, 400, INVALID, "limit", "1 to 100"),
    Row("mini", "GET", "orders?limit=101", None, 400, INVALID, "limit", "1 to 100"),
    Row("mini", "GET", "orders?limit=ten", None, 400, INVALID, "limit", "1 to 100"),
    Row("mini", "GET", "orders?limit=1000", None, 400, INVALID, "limit", "1 to 100"),
    Row("mini", "GET", "orders?limit=5&limit=6", None, 400, INVALID, "limit", "twice"),
    Row("mini", "GET", "orders?cursor=%21", None, 400, INVALID, "cursor", "form"),
    Row("mini", "GET", "orders?cursor=abc", None, 400, INVALID, "cursor", "no cursor"),
    Row("mini", "GET", "orders?cursor=WyJ4IiwgMV0", None, 400, INVALID, "cursor", "no cursor"),
    Row("mini", "GET", "orders?cursor=WyIyMDI2LTAzLTAyVDAyOjAwOjAwKzAwOjAwIiwgOTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", None,
        400, INVALID, "cursor", "no cursor"),
    Row("mini", "GET", "orders?page=2", None, 400, INVALID, "page", "no such field"),
    Row("mini", "GET", "orders?status=paid", None, 400, INVALID, "status", "paid"),
    Row("mini", "GET", "orders?reference=INV-1", None, 400, INVALID, "reference", "merchant key"),
    Row("server", "GET", "orders?customer=%00", None, 400, INVALID, "customer", "control character"),
    Row("mini", "GET", "products?currency=XXX", None, 400, INVALID, "currency", "PHP"),
    # Orders by a buyer
    Row("mini", "POST", "orders", LINES, 400, "idempotency_key_missing", "Idempotency-Key", "fresh",
        {"Idempotency-Key": None}),
    Row("mini", "POST", "orders", LINES, 400, INVALID, "Idempotency-Key", "255", {"Idempotency-Key": "k" * 256}),
    Row("mini", "POST", "orders", LINES, 400, INVALID, "Idempotency-Key", "ASCII", {"Idempotency-Key": "é"}),
    Row("mini", "POST", "orders", {**LINES, "amount": AMOUNT}, 400, INVALID, "#/amount", "no such field"),
    Row("mini", "POST", "orders", {**LINES, "customer": "paolo"}, 400, INVALID, "#/customer", "no such field"),
    Row("mini", "POST", "orders", {"items": [], "currency": "PHP"}, 400, INVALID, "#/items", "empty"),
    Row("mini", "POST", "orders", {"items": "pass", "currency": "PHP"}, 400, INVALID, "#/items", "be a list."),
    Row("mini", "POST", "orders", {"items": ["pass"], "currency": "PHP"}, 400, INVALID, "#/items/0", "an object."),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass"}], "currency": "PHP"}, 400, INVALID, "#/items/0/quantity",
        "required"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": 0}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "1"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": -1}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "1"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": 1000}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "999"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": 1.5}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "whole number"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": "1"}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "whole number"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": True}], "currency": "PHP"}, 400, INVALID,
        "#/items/0/quantity", "whole number"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": 1, "price": "1"}], "currency": "PHP"}, 400,
        INVALID, "#/items/0/price", "no such field"),
    Row("mini", "POST", "orders", {"items": [{"sku": "pass", "quantity": 1}] * 101, "currency": "PHP"}, 400, INVALID,
        "#/items", "100"),
    Row("mini", "POST", "orders", {**LINES, "currency": "php"}, 400, INVALID, "#/currency", "PHP"),
    Row("mini", "POST", "orders", {**LINES, "currency": "XXX"}, 400, INVALID, "#/currency", "PHP"),
    Row("mini", "POST", "orders", {**LINES, "currency": "USD"}, 422, "price_missing", "#/items", "not sold in USD"),
    Row("mini", "POST", "orders", {"items": [{"sku": "gone", "quantity": 1}], "currency": "PHP"}, 422, "price_missing",
        "#/items", "gone"),
    Row("mini", "POST", "orders", {"items": [{"sku": "retired", "quantity": 1}], "currency": "PHP"}, 422,
        "price_missing", "#/items", "retired"),
    # Orders by the merchant's server
    Row("server", "POST", "orders", LINES, 400, INVALID, "#/items", "no such field"),
    Row("server", "POST", "orders", order_with(customer=...), 400, INVALID, "#/customer", "required"),
    Row("server", "POST", "orders", order_with(amount=...), 400, INVALID, "#/amount", "required"),
    Row("server", "POST", "orders", order_with(amount="499.00"), 400, INVALID, "#/amount", "an object"),
    Row("server", "POST", "orders", order_with(amount=49900), 400, INVALID, "#/amount", "an object"),
    Row("server", "POST", "orders", amount_of(49900), 400, INVALID, "#/amount/value", "string"),
    Row("server", "POST", "orders", amount_of("499.00"), 400, INVALID, "#/amount/value", "digits"),
    Row("server", "POST", "orders", amount_of("-100"), 400, INVALID, "#/amount/value", "digits"),
    Row("server", "POST", "orders", amount_of("1e5"), 400, INVALID, "#/amount/value", "digits"),
    Row("server", "POST", "orders", amount_of("٤٩٩"), 400, INVALID, "#/amount/value", "digits"),
    Row("server", "POST", "orders", amount_of("0"), 400, INVALID, "#/amount/value", "above zero"),
    Row("server", "POST", "orders", amount_of("1" * 17), 400, INVALID, "#/amount/value", "16"),
    Row("server", "POST", "orders", amount_of("10050", "IDR"), 400, INVALID, "#/amount/value", "whole units"),
    Row("server", "POST", "orders", amount_of("100", "XXX"), 400, INVALID, "#/amount/currency", "XXX"),
    Row("server", "POST", "orders", amount_of("100", "ph"), 400, INVALID, "#/amount/currency", "ISO 4217"),
    Row("server", "POST", "orders", amount_of("100", None), 400, INVALID, "#/amount/currency", "null"),
    Row("server", "POST", "orders", order_with(amount={**AMOUNT, "display": "499.00"}), 400, INVALID,
        "#/amount/display", "no such field"),
    Row("server", "POST", "orders", order_with(description="x" * 257), 400, INVALID, "#/description", "256"),
    Row("server", "POST", "orders", order_with(description="one\ntwo"), 400, INVALID, "#/description", "control"),
    Row("server", "POST", "orders", order_with(reference="x" * 65), 400, INVALID, "#/reference", "64"),
    Row("server", "POST", "orders", order_with(customer="{customer}", reference="INV-1"), 409, "conflict", "", "INV-1"),
    Row("server", "POST", "orders", {**WANTED, "a/b~c": 1}, 400, INVALID, "#/a~1b~0c", "no such field"),
    # Paying, cancelling, refunding
    Row("mini", "POST", "orders/{order}/pay", PAY, 400, "idempotency_key_missing", "Idempotency-Key", "fresh",
        {"Idempotency-Key": None}),
    Row("mini", "POST", "orders/{order}/pay", {}, 400, INVALID, "#/wallet_id", "required"),
    Row("mini", "POST", "orders/{order}/pay", {"wallet_id": "{wallet}"}, 400, INVALID, "#/os_type", "IOS"),
    Row("mini", "POST", "orders/{order}/pay", {**PAY, "wallet_id": "W0"}, 404, "not_found", "#/wallet_id", "W0"),
    Row("mini", "POST", "orders/{order}/pay", {**PAY, "wallet_id": 7}, 400, INVALID, "#/wallet_id", "string"),
    Row("mini", "POST", "orders/{order}/pay", {**PAY, "amount": AMOUNT}, 400, INVALID, "#/amount", "no such field"),
    Row("mini", "POST", "orders/{dollars}/pay", PAY, 422, "wrong_currency", "#/wallet_id", "USD"),
    Row("mini", "POST", "orders/{cents}/pay", PAY, 422, "amount_not_allowed", "", "1.00 PHP"),
    Row("mini", "POST", "orders/{paid}/pay", PAY, 409, "order_not_payable", "", "paid"),
    Row("mini", "POST", "orders/O0/pay", PAY, 404, "not_found", "", "There is no order O0."),
    Row("mini", "POST", "orders/{order}/cancel", {}, 400, "idempotency_key_missing", "Idempotency-Key", "fresh",
        {"Idempotency-Key": None}),
    Row("mini", "POST", "orders/{order}/cancel", {"reason_code": "NO_FINAL_ANSWER"}, 400, INVALID, "#/reason_code",
        "NO_FINAL_ANSWER"),
    Row("mini", "POST", "orders/{paid}/cancel", {}, 409, "needs_merchant", "", "merchant"),
    Row("mini", "POST", "orders/{paid}/refunds", {"amount": AMOUNT}, 403, "merchants_only", "", "merchant"),
    Row("server", "POST", "orders/{paid}/refunds", {"amount": AMOUNT}, 400, "idempotency_key_missing",
        "Idempotency-Key", "fresh", {"Idempotency-Key": None}),
    Row("server", "POST", "orders/{order}/refunds", {"amount": AMOUNT}, 400, "idempotency_key_missing",
        "Idempotency-Key", "", {"Idempotency-Key": None}),
    Row("server", "POST", "orders/{paid}/refunds", {}, 400, INVALID, "#/amount", "required"),
    Row("server", "POST", "orders/{paid}/refunds", {"amount": {"value": "49901", "currency": "PHP"}}, 422,
        "amount_not_allowed", "#/amount", "499.00 PHP"),
    Row("server", "POST", "orders/{paid}/refunds", {"amount": {"value": "100", "currency": "USD"}}, 422,
        "amount_not_allowed", "#/amount", "PHP"),
    Row("server", "POST", "orders/{order}/refunds", {"amount": AMOUNT}, 409, "refund_not_possible", "", "paid"),
    Row("server", "POST", "orders/{paid}/refunds", {"amount": AMOUNT, "reason_code": "BORED"}, 400, INVALID,
        "#/reason_code", "BORED"),
    Row("mini", "GET", "refunds/R0", None, 404, "not_found", "", "There is no refund R0."),
    Row("mini", "GET", "refunds/9223372036854775808", None, 404, "not_found", "", ""),
]
# fmt: on


def test_the_table_is_long_enough_and_has_no_row_twice() -> None:
    assert len(TABLE) >= 150
    seen = [repr(row) for row in TABLE]
    assert len(set(seen)) == len(seen)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as it stands in the database."""
    rows = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            rows[model._meta.label] = sorted(cursor.fetchall(), key=repr)
    return rows


@pytest.fixture
def places(mini: Api, server: Api, shop: Shop, sandbox: Sandbox) -> dict[str, str]:
    """A world in which every address of the table leads somewhere: Ana has a wallet, orders, and a paid one."""
    PriceFactory(product__account=shop.account, product__sku="pass")
    retired = ProductFactory(account=shop.account, sku="retired", is_active=False)
    PriceFactory(product=retired)
    wallet = bind(mini, sandbox)
    customer = mini.get("wallets")["items"][0]["customer"]
    offered = mini.post("authorizations", {"wallet": "TNG", "os_type": "IOS"}, status=201)

    def order(**changes: Any) -> str:
        body = {**WANTED, "customer": customer, **changes}
        return str(server.post("orders", body, status=201)["number"])

    paid = order(reference="INV-1")
    mini.post(f"orders/{paid}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    return {
        "customer": customer,
        "wallet": wallet["id"],
        "attempt": offered["id"],
        "order": order(),
        "dollars": order(amount={"value": "100", "currency": "USD"}),
        "cents": order(amount={"value": "50", "currency": "PHP"}),
        "paid": paid,
    }


def fill(value: Any, places: dict[str, str]) -> Any:
    """The row with the world's ids in it."""
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(f"{{{name}}}", place)
        return value
    if isinstance(value, dict):
        return {name: fill(inner, places) for name, inner in value.items()}
    return value


def test_each_malformed_request_is_refused_clearly_and_changes_nothing(
    places: dict[str, str], anybody: Api, mini: Api, server: Api, sandbox: Sandbox, settings: Any
) -> None:
    settings.PORTAL_API_LIMITS = {}
    callers = {"anybody": anybody, "mini": mini, "server": server}
    before, asked = everything(), len(sandbox.engine.taken_from("ana"))
    wrong = []
    for number, row in enumerate(TABLE):
        body = row.body if isinstance(row.body, bytes) else fill(row.body, places)
        sent: dict[str, Any] = {"raw": body} if isinstance(body, bytes) else {"body": body}
        headers = {
            name: value.encode() if value and not value.isascii() else value for name, value in row.headers.items()
        }
        response = callers[row.who].call(
            row.method, fill(row.path, places), key=f"row-{number}", headers=headers, **sent
        )
        problem = response.json() if response.headers["content-type"] == PROBLEM else {}
        named = [
            error.get("pointer") or error.get("parameter") or error.get("header") for error in problem.get("errors", [])
        ]
        sentences = " ".join([problem.get("detail", ""), *(error["detail"] for error in problem.get("errors", []))])
        if (response.status_code, problem.get("code")) != (row.status, row.code):
            wrong.append(f"{row.method} {row.path} {row.body!r:.80}: {response.status_code} {response.text:.300}")
        elif row.place not in named and (row.place or named):
            wrong.append(f"{row.method} {row.path} {row.body!r:.80}: names {named}, not {row.place}")
        elif row.says not in sentences:
            wrong.append(f"{row.method} {row.path} {row.body!r:.80}: says {sentences!r}, not {row.says!r}")
        if everything() != before:
            wrong.append(f"{row.method} {row.path} {row.body!r:.80}: changed something")
            before = everything()
    assert not wrong, "\n".join(wrong)
    assert len(sandbox.engine.taken_from("ana")) == asked == 1
    assert mini.get(f"orders/{places['paid']}")["payment"]["returned"]["value"] == "0"
