"""What the console's buttons do: each is one control call, and one sentence about it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from portal.money import MoneyError, parse_major
from portal.sandbox import control_calls
from portal.sandbox.control_calls import ControlRefused
from portal.sandbox.engine import Engine, Response
from portal.sandbox.faults import KINDS, title_of
from portal.sandbox.pages.markup import go_to
from portal.sandbox.wallets import WALLETS

Act = Callable[[Engine, dict[str, str]], str]
_NUMBERS = ("calls", "minutes", "days", "seconds", "attempts", "by", "value")
_YES_OR_NO = ("work_done", "expires", "later")


def perform(engine: Engine, given: dict[str, str]) -> Response:
    """Do what a button says and go back to where it was, with a sentence."""
    back = given.get("back", "/")
    if not back.startswith("/") or back.startswith("//"):
        back = "/"
    act = _ACTS.get(given.get("act", ""))
    try:
        if act is None:
            raise ControlRefused("There is no such button.")
        said, state = act(engine, given), "good"
    except (ControlRefused, MoneyError) as reason:
        said, state = str(reason), "bad"
    joiner = "&" if "?" in back else "?"
    return go_to(f"{back}{joiner}{urlencode({'said': said, 'state': state})}")


def _call(engine: Engine, path: str, given: dict[str, Any] | None = None, method: str = "POST") -> Any:
    return control_calls.answer(engine, method, f"/control{path}", given or {})


def _number(name: str, text: str) -> int | float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError as reason:
        raise ControlRefused(f"{name!r} must be a number, not {text[:40]!r}.") from reason


def _typed(given: dict[str, str]) -> dict[str, Any]:
    """A form's fields as a control call takes them: empty ones left out, numbers and ticks as such."""
    typed: dict[str, Any] = {}
    for name, text in given.items():
        if name in ("act", "back") or text == "":
            continue
        if name in _NUMBERS:
            typed[name] = _number(name, text)
        elif name in _YES_OR_NO:
            typed[name] = text == "yes"
        else:
            typed[name] = text
    return typed


def _move_clock(engine: Engine, given: dict[str, str]) -> str:
    span = given.get("span", "")
    seconds = _number("span", span)
    _call(engine, "/clock/move", {"seconds": seconds})
    engine.tick()
    return "The clock moved, and everything due was done."


def _tick(engine: Engine, _given: dict[str, str]) -> str:
    done = _call(engine, "/tick")["done"]
    return f"Done: {done} {'thing was' if done == 1 else 'things were'} due."


def _set_fault(engine: Engine, given: dict[str, str]) -> str:
    fault = _call(engine, "/faults", _typed(given))
    return f"In force: {title_of(fault['fault'])} ({KINDS[fault['fault']].does})."


def _clear_fault(engine: Engine, given: dict[str, str]) -> str:
    number = given.get("number", "")
    ended = _call(engine, f"/faults/{number}" if number else "/faults", method="DELETE")["cleared"]
    return f"Ended: {ended}."


def _set_balance(engine: Engine, given: dict[str, str]) -> str:
    wallet = WALLETS.get(given.get("wallet", ""))
    if wallet is None:
        raise ControlRefused("Choose a wallet.")
    balance = parse_major(given.get("balance", ""), wallet.currency)
    _call(engine, "/balances", {"user": given.get("user"), "wallet": wallet.name, "value": balance.value})
    return f"{given.get('user')} now holds {balance} in {wallet.title}."


def _set_status(engine: Engine, given: dict[str, str]) -> str:
    _call(engine, "/accounts", {name: given.get(name) for name in ("user", "wallet", "status")})
    return f"{given.get('user')}'s account in {given.get('wallet')} is {given.get('status')}."


def _add_user(engine: Engine, given: dict[str, str]) -> str:
    _call(engine, "/users", {"id": given.get("id"), "name": given.get("name")})
    return f"{given.get('name')} exists now. Give them an account by setting a balance."


def _finish_payment(engine: Engine, given: dict[str, str]) -> str:
    wish = {"code": given.get("code", "SUCCESS")}
    return f"The payment ended: {_call(engine, '/payments/' + given.get('id', '') + '/finish', wish)['status']}."


def _finish_refund(engine: Engine, given: dict[str, str]) -> str:
    wish = {"code": given.get("code", "SUCCESS")}
    return f"The refund ended: {_call(engine, '/refunds/' + given.get('id', '') + '/finish', wish)['status']}."


def _resend(engine: Engine, given: dict[str, str]) -> str:
    _call(engine, f"/notifications/{given.get('number', '')}/resend")
    engine.tick()
    return "Sent again."


def _drop(engine: Engine, given: dict[str, str]) -> str:
    _call(engine, f"/notifications/{given.get('number', '')}/drop")
    return "It will not be sent."


def _close_day(engine: Engine, given: dict[str, str]) -> str:
    files = _call(engine, "/day-close", _typed(given))["files"]
    return f"Closed: {len(files)} files written." if files else "Closed: there was nothing to settle."


def _plant(engine: Engine, given: dict[str, str]) -> str:
    _call(engine, "/plant", _typed(given))
    return "Planted: the next settlement report will be wrong in this one way."


_ACTS: dict[str, Act] = {
    "move_clock": _move_clock,
    "tick": _tick,
    "set_fault": _set_fault,
    "clear_fault": _clear_fault,
    "set_balance": _set_balance,
    "set_status": _set_status,
    "add_user": _add_user,
    "finish_payment": _finish_payment,
    "finish_refund": _finish_refund,
    "resend": _resend,
    "drop": _drop,
    "close_day": _close_day,
    "plant": _plant,
}
