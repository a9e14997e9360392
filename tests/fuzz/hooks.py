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
MOST = {"value": "50000", "currency": "PHP"}
CUSTOMERS: list[str] = WORLD["customers"]
_sandbox = SandboxControl(WORLD["sandbox"])
_rng = random.Random(WORLD["seed"])
_fresh = itertools.count(1)
_offered: dict[str, dict[str, Any]] = {}
"""Attempts to bind that wait for the buyer, by their id."""
_there: dict[str, dict[str, list[str]]] = {
    "number": {"refund_order": list(WORLD["paid"]), "declare_order": list(WORLD["declarable"])},
    "refund_id": {"get_refund": list(WORLD["refunded"])},
    "declaration_id": {"get_declaration": list(WORLD["declared"])},
}
"""Ids that lead somewhere, by the parameter and the operation: few stories come so far by themselves."""
_agreed: dict[str, dict[str, Any]] = {}
"""Subscriptions that were made for an act, by their id."""
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
        case.headers.update(_once())
    for place, known in _there.items():
        if place in (case.path_parameters or {}) and known.get(_name(case)) and _rng.random() < HALF:
            case.path_parameters[place] = _rng.choice(known[_name(case)])
    if _name(case) == "pay_order" and _rng.random() < HALF:  # those of the story are soon paid, or cancelled
        case.path_parameters["number"] = _order_to_pay()
    if "subscription_id" in (case.path_parameters or {}) and _rng.random() < OFTEN:
        _has_agreed(case)
    filled = _FILLED.get(_name(case))
    # An order that is there and "not found", since the wallet to pay it with is not, would be taken for a lost order.
    is_always = _name(case) in ("pay_order", "change_subscription")
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
    if name == "declare_order" and answered == 201:
        _there["declaration_id"]["get_declaration"].append(response.json()["id"])
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


def _once() -> dict[str, str]:
    """The header of an act that was never asked for before."""
    return {"Idempotency-Key": f"fuzz-{WORLD['seed']}-{next(_fresh)}"}


def _order_to_pay() -> str:
    """An order of somebody's who has a wallet, neither paid nor cancelled."""
    amount = {"value": "20000", "currency": "PHP"}
    wanted = {"customer": _rng.choice(CUSTOMERS), "amount": amount, "description": "Pass"}
    placed = _as_merchant("POST", "orders", json=wanted, headers=_once())
    _customers[placed["number"]] = placed["customer"]
    return str(placed["number"])


def _has_agreed(case: Any) -> None:
    """Somebody has agreed to a plan, and not thought of it again: the act finds it so that it makes sense."""
    customer = CUSTOMERS[0]
    plan = "metered" if _name(case) == "post_amount" else "fixed"
    wanted: dict[str, Any] = {"customer": customer, "plan": plan, "wallet_id": _active_wallet(customer)}
    if plan == "metered":
        wanted["most"] = MOST
    begun = _as_merchant("POST", "subscriptions", json=wanted, headers=_once())
    if _name(case) == "resume_subscription":
        _as_merchant("POST", f"subscriptions/{begun['id']}/pause", json={}, headers=_once())
    case.path_parameters["subscription_id"] = begun["id"]
    _agreed[begun["id"]] = begun


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


def _start_subscription(case: Any) -> None:
    customer = _rng.choice(CUSTOMERS) if "customer" in case.body else CUSTOMERS[0]
    if "customer" in case.body:
        case.body["customer"] = customer
        case.body.pop("reference", None)
    case.body["plan"], case.body["wallet_id"] = "fixed", _active_wallet(customer)
    for name in ("most", "ends_on"):
        case.body.pop(name, None)


def _skip_cycle(case: Any) -> None:
    case.body["due_on"] = _next_day(case)


def _change_subscription(case: Any) -> None:
    case.body.clear()
    case.body |= {"plan": "metered", "most": MOST}


def _post_amount(case: Any) -> None:
    case.body["due_on"] = _next_day(case)
    case.body["amount"] = {"value": str(_rng.randint(1, 100_00)), "currency": "PHP"}


def _next_day(case: Any) -> str:
    agreed = _agreed.get(str(case.path_parameters.get("subscription_id")))
    return str(agreed["next_on"]) if agreed else "2026-03-31"


def _declare_order(case: Any) -> None:
    case.body |= {"customs_code": "ZONGSHU", "merchant_customs_code": "33", "merchant_customs_name": "Example"}
    case.body["amount"] = {"value": str(_rng.randint(1, 9)), "currency": "CNY"}
    case.body["suborder"] = f"P{next(_fresh)}"


def _open_hosted_page(case: Any) -> None:
    case.body["customer"] = CUSTOMERS[0]
    case.body.pop("order", None)
    case.body.pop("return_url", None)


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
    "start_subscription": _start_subscription,
    "skip_cycle": _skip_cycle,
    "change_subscription": _change_subscription,
    "post_amount": _post_amount,
    "declare_order": _declare_order,
    "open_hosted_page": _open_hosted_page,
}


@atexit.register
def _tell() -> None:
    """Leave the count behind."""
    Path(WORLD["calls"]).write_text(json.dumps(_calls))
