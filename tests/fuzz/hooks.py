"""What the fuzzer's process knows of our API beyond its schema. Loaded by schemathesis, in a process of its own.

A schema says which requests are well formed; which of them get far is a matter of the world: this buyer's wallet, a
code the wallet really gave, a fresh key. Well-formed requests are given such values, so that the fuzzer reaches paid
orders, refunds and bound wallets instead of a thousand times "not found". Malformed ones stay as they were made.
"""

import atexit
import itertools
import json
import os
import random
from base64 import urlsafe_b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import GenerationMode

from portal.sandbox.control import SandboxControl

OFTEN, HALF = 0.9, 0.5
WORLD: dict[str, Any] = json.loads(os.environ["FUZZ_WORLD"])
CUSTOMERS: list[str] = WORLD["customers"]
_sandbox = SandboxControl(WORLD["sandbox"])
_rng = random.Random(WORLD["seed"])
_fresh = itertools.count(1)
_offered: dict[str, dict[str, Any]] = {}
"""Attempts to bind that wait for the buyer, by their id."""
_there: dict[str, dict[str, list[str]]] = {
    "number": {"refund_order": list(WORLD["paid"])},
    "refund_id": {"get_refund": list(WORLD["refunded"])},
}
"""Ids that lead somewhere, by the parameter and the operation: few stories come so far by themselves."""
_calls: Counter[str] = Counter()
_customers: dict[str, str] = {}
"""Whose each order is."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Give a well-formed act what it needs to succeed, most of the time."""
    if case.meta is not None and case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if _name(case) == "end_session" and case.headers.get("Authorization") == f"Bearer {WORLD['token']}":
        case.headers["Authorization"] = f"Bearer {_another_session()}"
    if case.query and "cursor" in case.query:
        case.query["cursor"] = _some_cursor()
    if case.query and "amount" in case.query:  # no schema says that one parameter needs another
        case.query["currency"] = "PHP"
    if case.headers and "Idempotency-Key" in case.headers and _rng.random() < OFTEN:
        case.headers["Idempotency-Key"] = f"fuzz-{WORLD['seed']}-{next(_fresh)}"
    for place, known in _there.items():
        if place in (case.path_parameters or {}) and known.get(_name(case)) and _rng.random() < HALF:
            case.path_parameters[place] = _rng.choice(known[_name(case)])
    if _name(case) == "pay_order" and _rng.random() < HALF:  # those of the story are soon paid, or cancelled
        case.path_parameters["number"] = _order_to_pay()
    filled = _FILLED.get(_name(case))
    # An order that is there and "not found", since the wallet to pay it with is not, would be taken for a lost order.
    is_always = _name(case) == "pay_order"
    if filled is not None and isinstance(case.body, dict) and (is_always or _rng.random() < OFTEN):
        filled(case)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember whose the orders are, and what the buyer is to agree to; count what was asked and answered."""
    name, answered = _name(case), response.status_code
    _calls[f"{name} {answered}"] += 1
    if name == "pay_order" and answered == 200 and response.json()["status"] == "PAID":
        _there["number"]["refund_order"].append(response.json()["order"]["number"])
    if name == "refund_order" and answered == 201:
        _there["refund_id"]["get_refund"].append(response.json()["id"])
    if name == "place_order" and answered == 201:
        _customers[response.json()["number"]] = response.json()["customer"]
    if name == "begin_authorization" and answered == 201 and response.json()["status"] == "OFFERED":
        _offered[response.json()["id"]] = response.json()


def _name(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def _as_merchant(method: str, path: str, **what: Any) -> dict[str, Any]:
    """An act of the merchant's server, outside the fuzzer's sight."""
    headers = {"Authorization": f"Bearer {WORLD['key']}", **what.pop("headers", {})}
    answer = requests.request(method, f"{WORLD['portal']}/api/v1/{path}", headers=headers, timeout=20, **what)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _order_to_pay() -> str:
    """An order of somebody's who has a wallet, neither paid nor cancelled."""
    amount = {"value": "20000", "currency": "PHP"}
    wanted = {"customer": _rng.choice(CUSTOMERS), "amount": amount, "description": "Pass"}
    key = {"Idempotency-Key": f"fuzz-{WORLD['seed']}-{next(_fresh)}"}
    placed = _as_merchant("POST", "orders", json=wanted, headers=key)
    _customers[placed["number"]] = placed["customer"]
    return str(placed["number"])


def _another_session() -> str:
    """A session to end: the fuzzer still needs its own."""
    return str(_as_merchant("POST", "sessions", json={"customer": CUSTOMERS[0]})["token"])


def _active_wallet(customer: str) -> str:
    """A wallet the customer can pay pesos with; bound anew once the fuzzer has revoked the last."""
    held = _as_merchant("GET", "wallets", params={"customer": customer, "status": "ACTIVE"})["items"]
    for wallet in held:
        if wallet["wallet"] == "GCASH":
            return str(wallet["id"])
    begun = _as_merchant("POST", "authorizations", json={"customer": customer, "wallet": "GCASH"})
    said = _sandbox.agree(begun["sign_str"], customer)
    code = {"auth_code": said["authCode"], "auth_state": said["authState"]}
    bound = _as_merchant("POST", f"authorizations/{begun['id']}/code", json=code)
    return str(bound["wallet_account"]["id"])


def _some_cursor() -> str:
    """A cursor is opaque, so no schema says which texts are one. Any moment is a place in every list of ours."""
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=_rng.randint(0, 20_000_000))
    place = json.dumps([moment.isoformat(), _rng.randint(1, 2**63 - 1)])
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place_order(case: Any) -> None:
    body = case.body
    if "items" in body:
        body["currency"] = "PHP"
        for line in body["items"]:
            line["sku"] = _rng.choice(WORLD["skus"])
    elif "amount" in body:
        body["customer"] = _rng.choice(CUSTOMERS)
        body["amount"] = {"value": str(_rng.randint(100, 500_00)), "currency": "PHP"}
        body.pop("reference", None)


def _pay_order(case: Any) -> None:
    customer = _customers.get(str(case.path_parameters.get("number")))
    case.body["wallet_id"] = _active_wallet(customer if customer in CUSTOMERS else CUSTOMERS[0])
    case.body["terminal_type"], case.body["os_type"] = "APP", "IOS"


def _refund_order(case: Any) -> None:
    case.body["amount"] = {"value": str(_rng.randint(1, 200_00)), "currency": "PHP"}


def _begin(case: Any) -> None:
    case.body.pop("site_name", None)
    case.body["wallet"] = _rng.choice(WORLD["contracted"])


def _bring_code(case: Any) -> None:
    begun = _offered.pop(str(case.path_parameters.get("authorization_id")), None)
    if begun is not None:
        decision = _sandbox.agree(begun["sign_str"], _rng.choice(CUSTOMERS))
        case.body["auth_code"], case.body["auth_state"] = decision["authCode"], decision["authState"]


def _login(case: Any) -> None:
    if "login_code" in case.body:
        case.body["site_name"] = "GCASH"
        case.body["login_code"] = _sandbox.login_code("GCASH", CUSTOMERS[0])
        case.body.pop("account", None)


_FILLED = {
    "place_order": _place_order,
    "pay_order": _pay_order,
    "refund_order": _refund_order,
    "begin_authorization": _begin,
    "bring_code": _bring_code,
    "open_session": _login,
}


@atexit.register
def _tell() -> None:
    """Leave the count behind."""
    Path(WORLD["calls"]).write_text(json.dumps(_calls))
