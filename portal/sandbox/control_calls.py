"""The control calls: what people and tests may ask of the sandbox over HTTP, as JSON.

They are for whoever runs the sandbox, so they are served on the same address, which is the loopback unless told
otherwise; a POST must say ``application/json``, which a web page elsewhere cannot do unasked.
"""

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from portal.money import Money, MoneyError
from portal.sandbox import merchants, notifications, plants, reports, wallets
from portal.sandbox.authorizations import Decision, LinkUnusable, UnbindingRefused
from portal.sandbox.calendars import MerchantUnclear
from portal.sandbox.calls import mask
from portal.sandbox.engine import Engine
from portal.sandbox.faults import KINDS, Fault, FaultUnclear, check_code
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import on_the_wire
from portal.sandbox.payments import NotOpen
from portal.sandbox.wallets import UnknownUser

Call = Callable[[Engine, dict[str, Any], dict[str, str]], Any]
"""Engine, the JSON body or query, the parts of the path."""

_MOST_ROWS = 500
_PART = re.compile(r"\(.*?\)")
_NO_SECRETS = ("access_token", "refresh_token")
_NOT_SHOWN = ("compared",)


class ControlRefused(Exception):
    """A control call that cannot be done; the sentence says why."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


_UNDERSTOOD = (
    FaultUnclear,
    LinkUnusable,
    MerchantUnclear,
    MoneyError,
    NotOpen,
    UnbindingRefused,
    UnknownUser,
    ValueError,
)


def answer(engine: Engine, method: str, path: str, given: dict[str, Any]) -> Any:
    """Do one control call. Raises ControlRefused."""
    methods = []
    for verb, pattern, call in _CALLS:
        match = pattern.fullmatch(path)
        if match and verb == method:
            try:
                return call(engine, given, match.groupdict())
            except _UNDERSTOOD as reason:
                raise ControlRefused(str(reason)) from reason
        if match:
            methods.append(verb)
    if methods:
        raise ControlRefused(f"{path} takes {' or '.join(methods)}.", 405)
    raise ControlRefused(f"There is no control call {path}; GET /control lists them.", 404)


def _text(given: dict[str, Any], name: str, default: str | None = None) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise ControlRefused(f"{name!r} is missing: a string is expected.")
    return value


def _number(given: dict[str, Any], name: str) -> int:
    value = given.get(name)
    if type(value) is not int:
        raise ControlRefused(f"{name!r} is missing: a whole number is expected.")
    return value


def _index(_engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {
        "calls": [f"{verb} {_PART.sub('<part>', pattern.pattern)}" for verb, pattern, _ in _CALLS],
        "faults": {word: {"does": kind.does, "takes": sorted(kind.takes)} for word, kind in KINDS.items()},
    }


# The clock.


def _clock(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    now = engine.clock.now()
    due = engine.next_due()
    return {
        "now": now.isoformat(),
        "acquirer_time": on_the_wire(engine.context.now()),
        "next_due": due.isoformat() if due is not None else None,
    }


def _turn(engine: Engine, verb: str, *arguments: object) -> None:
    act = getattr(engine.clock, verb, None)
    if act is None:
        raise ControlRefused(f"This sandbox's clock does not know {verb!r}.", 409)
    act(*arguments)
    engine.news.set()


def _clock_move(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    spans = {name: given[name] for name in ("seconds", "minutes", "hours", "days") if name in given}
    if not spans or any(type(span) not in (int, float) or not math.isfinite(span) for span in spans.values()):
        raise ControlRefused("Say how far: seconds, minutes, hours or days, as a number.")
    try:
        _turn(engine, "move", timedelta(**spans))
    except OverflowError as reason:
        raise ControlRefused("The clock cannot move that far: it knows the years 1 to 9999.") from reason
    return _clock(engine, given, parts)


def _moment(given: dict[str, Any], name: str) -> datetime:
    moment = datetime.fromisoformat(_text(given, name))
    if moment.tzinfo is None:
        raise ControlRefused(f"{name!r} needs an offset, as in 2026-03-01T10:00:00+08:00.")
    return moment


def _clock_set(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    _turn(engine, "set", _moment(given, "to"))
    return _clock(engine, given, parts)


def _clock_freeze(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    _turn(engine, "freeze", _moment(given, "at") if given.get("at") else engine.clock.now())
    engine.tick()  # so that days that end from here on are closed, also when this lies in the past
    return _clock(engine, given, parts)


def _clock_unfreeze(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    _turn(engine, "unfreeze")
    return _clock(engine, given, parts)


def _clock_system(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    _turn(engine, "run_with_the_system")
    return _clock(engine, given, parts)


def _tick(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"done": engine.tick()}


# Faults and settings.


def _fault(engine: Engine, fault: Fault) -> dict[str, Any]:
    shown = fault.described()
    if fault.until is not None:
        shown["until"] = on_the_wire(fault.until)
    return shown


def _faults(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"faults": [_fault(engine, fault) for fault in engine.context.faults.in_force(engine.context.now())]}


def _set_fault(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    wallet = given.get("wallet")
    if isinstance(wallet, str) and wallet not in wallets.WALLETS:
        # It would be in force, and never happen.
        raise ControlRefused(f"There is no wallet {wallet!r}. There are: {', '.join(wallets.WALLETS)}.")
    return _fault(engine, engine.context.faults.set(given, engine.context.now()))


def _clear_faults(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"cleared": engine.clear_faults()}


def _clear_fault(engine: Engine, _given: dict[str, Any], parts: dict[str, str]) -> Any:
    return {"cleared": engine.clear_faults(int(parts["number"]))}


def _settings(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return asdict(engine.context.settings)


def _change_settings(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    with engine.store.transaction():
        engine.context.change_settings(given)
    return _settings(engine, given, parts)


# Merchants and users.


def _merchant(merchant: Merchant) -> dict[str, Any]:
    return {**asdict(merchant), "public_keys": sorted(merchant.public_keys)}


def _merchants(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"merchants": [_merchant(one) for one in merchants.all_merchants(engine.context)]}


def _webhook_secret(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    engine.shop_backend.learn(_text(given, "secret"))
    return {}


def _register_merchant(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return _merchant(engine.register_merchant(**given))


def users(engine: Engine) -> list[dict[str, Any]]:
    """Everybody, with their accounts."""
    people: dict[str, dict[str, Any]] = {
        row["id"]: {"id": row["id"], "name": row["name"], "accounts": []}
        for row in engine.store.all("SELECT * FROM users ORDER BY id")
    }
    for row in engine.store.all("SELECT * FROM accounts ORDER BY user_id, wallet"):
        people[row["user_id"]]["accounts"].append(
            {
                "wallet": row["wallet"],
                "currency": row["currency"],
                "balance": row["balance"],
                "customer_id": row["customer_id"],
                "login_id": wallets.masked_login(row["login_id"]),
                "status": row["status"],
            }
        )
    return list(people.values())


def _users(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"users": users(engine)}


def _add_user(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    user_id = _text(given, "id")
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", user_id):
        raise ControlRefused("'id' must be up to 32 small letters, digits, '_' and '-'.")
    with engine.store.transaction():
        wallets.add_user(engine.context, user_id, _text(given, "name", user_id))
    return {"id": user_id}


def _set_balance(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    user_id, wallet, value = _text(given, "user"), _text(given, "wallet"), _number(given, "value")
    if value < 0:
        raise ControlRefused("'value' must not be negative.")
    engine.set_balance(user_id, wallet, value)
    return _money(engine.balance(user_id, wallet))


def _set_account_status(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    user_id, wallet, status = _text(given, "user"), _text(given, "wallet"), _text(given, "status")
    wallets.account_of(engine.context, user_id, wallet)
    if status not in wallets.ACCOUNT_STATUSES:
        raise ControlRefused(f"'status' must be one of {', '.join(wallets.ACCOUNT_STATUSES)}.")
    engine.store.run("UPDATE accounts SET status = ? WHERE user_id = ? AND wallet = ?", (status, user_id, wallet))
    return {"user": user_id, "wallet": wallet, "status": status}


def _money(amount: Money) -> dict[str, Any]:
    return {"currency": amount.currency, "value": amount.value}


def _taken(engine: Engine, _given: dict[str, Any], parts: dict[str, str]) -> Any:
    return {
        "taken": [_money(amount) for amount in engine.taken_from(parts["user"])],
        "given_back": [_money(amount) for amount in engine.given_back_to(parts["user"])],
    }


# Authorizations.


def _decision(decision: Decision, *, lose_callback: bool = False) -> dict[str, Any]:
    return {
        "authCode": decision.auth_code,
        "authState": decision.auth_state,
        "returnUrl": None if lose_callback else decision.return_url,
    }


def _agree(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    decision = engine.agree(_text(given, "url"), _text(given, "user"), _text(given, "wallet", ""))
    return _decision(decision, lose_callback=bool(given.get("lose_callback")))


def _refuse(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return _decision(engine.refuse(_text(given, "url")))


def _login_code(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"authCode": engine.login_code(_text(given, "wallet"), _text(given, "user"))}


def _revoke(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    ended = engine.revoke_in_the_wallet(
        _text(given, "user"), _text(given, "wallet"), given.get("client_id"), _text(given, "reason", "")
    )
    return {"revoked": ended}


# The sandbox's own truth.


def _rows(engine: Engine, table: str, given: dict[str, Any], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The newest rows of a table, narrowed to what the query says; no secrets."""
    wanted = {name: given[name] for name in columns if name in given}
    condition = "".join(f" AND {name} = ?" for name in wanted)
    rows = engine.store.all(
        f"SELECT * FROM {table} WHERE 1{condition} ORDER BY number DESC LIMIT {_MOST_ROWS}",  # noqa: S608 - our names
        list(wanted.values()),
    )
    return [_shown(dict(row)) for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    for name in _NOT_SHOWN:
        row.pop(name, None)
    for name in _NO_SECRETS:
        if row.get(name):
            row[f"{name}_sha256"] = hashlib.sha256(row[name].encode()).hexdigest()
            row[name] = mask(row[name])
    for name, value in row.items():
        if (name.endswith("_at") or name == "at") and isinstance(value, int):
            row[name] = on_the_wire(value)
    return row


def _payments(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    columns = ("payment_request_id", "payment_id", "client_id", "user_id", "wallet", "status", "order_id")
    return {"payments": _rows(engine, "payments", given, columns)}


def _refunds(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    columns = ("refund_request_id", "refund_id", "payment_id", "client_id", "status")
    return {"refunds": _rows(engine, "refunds", given, columns)}


def _tokens(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"tokens": _rows(engine, "tokens", given, ("user_id", "wallet", "client_id", "status", "kind"))}


def _transactions(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    columns = ("payment_id", "request_id", "kind", "client_id", "batch_id")
    return {"transactions": _rows(engine, "transactions", given, columns)}


def _declarations(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    rows = _rows(engine, "declarations", given, ("declaration_request_id", "payment_id", "client_id"))
    return {"declarations": [{k: v for k, v in row.items() if k not in ("request", "answer")} for row in rows]}


def _calls(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"calls": _rows(engine, "calls", given, ("api", "client_id", "code", "fault"))}


def _notifications(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    rows = _rows(engine, "notifications", given, ("kind", "reference", "status", "client_id"))
    for row in rows:
        del row["body"]
        row["tries"] = [
            {"at": on_the_wire(one["at"]), "http_status": one["http_status"], "outcome": one["outcome"]}
            for one in engine.store.all(
                "SELECT * FROM attempts WHERE notification = ? ORDER BY number", (row["number"],)
            )
        ]
    return {"notifications": rows}


def _resend(engine: Engine, _given: dict[str, Any], parts: dict[str, str]) -> Any:
    if not notifications.resend(engine.context, int(parts["number"])):
        raise ControlRefused("There is no such notification to send.", 404)
    engine.news.set()
    return {"resent": int(parts["number"])}


def _drop(engine: Engine, _given: dict[str, Any], parts: dict[str, str]) -> Any:
    if not notifications.drop(engine.context, int(parts["number"])):
        raise ControlRefused("There is no such notification waiting.", 404)
    return {"dropped": int(parts["number"])}


def _ledger(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"entries": _rows(engine, "entries", given, ("reference", "account", "kind", "currency"))}


def _ledger_balances(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"balances": engine.ledger_balances(), "complaints": engine.faults_in_the_books()}


def _code_of(given: dict[str, Any], word: str) -> str:
    code = _text(given, "code", "SUCCESS")
    if code != "SUCCESS":
        check_code(word, code)
    return code


def _finish_payment(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    return {"status": engine.finish_payment(parts["id"], _code_of(given, "payment_fails"))}


def _finish_refund(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    return {"status": engine.finish_refund(parts["id"], _code_of(given, "refund_fails"))}


def _close_day(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    day, edition = (_text(given, name) if given.get(name) is not None else None for name in ("day", "edition"))
    files = engine.close_day(day, edition)
    return {
        "files": [{"day": one.day, "name": one.name, "kind": one.kind, "client_id": one.client_id} for one in files]
    }


def _reports(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"reports": [_shown(dict(row)) for row in reports.listing(engine.context)]}


def _report(engine: Engine, given: dict[str, Any], parts: dict[str, str]) -> Any:
    client_id = given.get("client_id", merchants.FIRST_CLIENT)
    file = reports.stored(engine.context, parts["day"], parts["name"], client_id)
    if file is None:
        raise ControlRefused(f"There is no report {parts['name']} of {parts['day']}.", 404)
    return asdict(file)


def _plant(engine: Engine, given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return asdict(plants.plant(engine.context, given))


def _plants(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    return {"waiting": [asdict(one) for one in plants.waiting(engine.context)], "kinds": plants.KINDS}


def _reset(engine: Engine, _given: dict[str, Any], _parts: dict[str, str]) -> Any:
    engine.reset()
    return {"reset": True}


_CALLS: tuple[tuple[str, re.Pattern[str], Call], ...] = tuple(
    (verb, re.compile(pattern), call)
    for verb, pattern, call in (
        ("GET", r"/control", _index),
        ("GET", r"/control/clock", _clock),
        ("POST", r"/control/clock/move", _clock_move),
        ("POST", r"/control/clock/set", _clock_set),
        ("POST", r"/control/clock/freeze", _clock_freeze),
        ("POST", r"/control/clock/unfreeze", _clock_unfreeze),
        ("POST", r"/control/clock/system", _clock_system),
        ("POST", r"/control/tick", _tick),
        ("GET", r"/control/faults", _faults),
        ("POST", r"/control/faults", _set_fault),
        ("DELETE", r"/control/faults", _clear_faults),
        ("DELETE", r"/control/faults/(?P<number>[0-9]+)", _clear_fault),
        ("GET", r"/control/settings", _settings),
        ("POST", r"/control/settings", _change_settings),
        ("GET", r"/control/merchants", _merchants),
        ("POST", r"/control/merchants", _register_merchant),
        ("GET", r"/control/users", _users),
        ("POST", r"/control/webhook-secret", _webhook_secret),
        ("POST", r"/control/users", _add_user),
        ("GET", r"/control/users/(?P<user>[a-z0-9_-]+)/taken", _taken),
        ("POST", r"/control/balances", _set_balance),
        ("POST", r"/control/accounts", _set_account_status),
        ("POST", r"/control/authorizations/agree", _agree),
        ("POST", r"/control/authorizations/refuse", _refuse),
        ("POST", r"/control/login-codes", _login_code),
        ("POST", r"/control/tokens/revoke", _revoke),
        ("GET", r"/control/tokens", _tokens),
        ("GET", r"/control/payments", _payments),
        ("POST", r"/control/payments/(?P<id>[^/]+)/finish", _finish_payment),
        ("GET", r"/control/refunds", _refunds),
        ("POST", r"/control/refunds/(?P<id>[^/]+)/finish", _finish_refund),
        ("GET", r"/control/transactions", _transactions),
        ("GET", r"/control/declarations", _declarations),
        ("GET", r"/control/calls", _calls),
        ("GET", r"/control/notifications", _notifications),
        ("POST", r"/control/notifications/(?P<number>[0-9]+)/resend", _resend),
        ("POST", r"/control/notifications/(?P<number>[0-9]+)/drop", _drop),
        ("GET", r"/control/ledger", _ledger),
        ("GET", r"/control/ledger/balances", _ledger_balances),
        ("POST", r"/control/day-close", _close_day),
        ("GET", r"/control/reports", _reports),
        ("GET", r"/control/reports/(?P<day>[0-9]{8})/(?P<name>[A-Za-z0-9_.]+)", _report),
        ("GET", r"/control/plant", _plants),
        ("POST", r"/control/plant", _plant),
        ("POST", r"/control/reset", _reset),
    )
)
