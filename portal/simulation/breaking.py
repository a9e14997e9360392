"""What goes wrong: every fault the sandbox knows (``portal.sandbox.faults.KINDS``), for a call or a few.

Left out is only an acquirer that lies in signed words, such as an F for a payment it then keeps: whoever is lied to by
the one source of truth, and by nobody else, can know it from the settlement report alone.
"""

import random
from collections.abc import Callable
from typing import Any

from portal.simulation.stage import WALLETS
from portal.simulation.world import World

_OFTEN = ("pay", "pay", "pay", "refund", "cancel", "inquiryPayment")
_OF_AN_AMOUNT = ("notifyPayment", "notifyPayment", "notifyRefund")
NOTIFICATIONS = ("notifyAuthorization", "notifyPayment", "notifyRefund")
_CODES = {
    "consult": ("UNKNOWN_EXCEPTION", "REQUEST_TRAFFIC_EXCEED_LIMIT", "PROCESS_FAIL"),
    "applyToken": ("UNKNOWN_EXCEPTION", "AUTH_IN_PROCESS", "SYSTEM_ERROR"),
    "revoke": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR"),
    "pay": ("REQUEST_TRAFFIC_EXCEED_LIMIT", "UNKNOWN_EXCEPTION", "PROCESS_FAIL", "INVALID_ACCESS_TOKEN"),
    "inquiryPayment": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR", "PAYMENT_IN_PROCESS", "PROCESS_FAIL", "ACCESS_DENIED"),
    "cancel": ("UNKNOWN_EXCEPTION", "CANCEL_WINDOW_EXCEED", "PROCESS_FAIL"),
    "refund": ("UNKNOWN_EXCEPTION", "MERCHANT_BALANCE_NOT_ENOUGH", "PROCESS_FAIL"),
    "inquiryRefund": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR", "PROCESS_FAIL"),
    "declare": ("UNKNOWN_EXCEPTION", "INVALID_CONTRACT", "CONTEXT_INCONSISTENT"),
    "inquiryDeclarationRequests": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR"),
}
"""Codes the acquirer answers with nothing done."""
APIS = tuple(_CODES)
_CODES_OF_WORK = {
    "applyToken": "UNKNOWN_EXCEPTION",
    "revoke": "UNKNOWN_EXCEPTION",
    "pay": "UNKNOWN_EXCEPTION",
    "cancel": "UNKNOWN_EXCEPTION",
    "refund": "UNKNOWN_EXCEPTION",
}
"""Codes of calls that decide nothing: the work may be done all the same."""
_PAYMENT_FAILURES = ("USER_BALANCE_NOT_ENOUGH", "RISK_REJECT", "PROCESS_FAIL", "INVALID_ACCESS_TOKEN")
_REFUND_FAILURES = ("MERCHANT_BALANCE_NOT_ENOUGH", "PROCESS_FAIL", "RISK_REJECT")


_LEADS_TO: dict[str, tuple[str, ...]] = {
    "payment_stays_processing": ("pays",),
    "payment_fails": ("pays",),
    "refund_stays_processing": ("refunds",),
    "refund_fails": ("refunds",),
    "consent_short": ("asks to bind", "decides", "brings a code"),
    "customs_refuses": ("declares",),
    "customs_silent": ("declares",),
    "declaration_lost": ("declares",),
}
"""The acts that such a fault waits for: seldom enough that without them few would ever strike."""


def something_breaks(world: World, rng: random.Random) -> str:
    """A fault is set, in the sandbox's own words."""
    fault = rng.choices(tuple(FAULTS), weights=[FAULTS[name][0] for name in FAULTS])[0]
    options = FAULTS[fault][1](rng)
    if fault != "answer_code" and rng.random() < 0.1:
        options["wallet"] = rng.choice(tuple(WALLETS))
    world.engine.set_fault(fault, **options)
    world.faults[fault] += 1
    world.expected += _LEADS_TO.get(fault, ())
    if fault == "notification_wrong_amount":
        _is_heard_first(world, rng, options["notification"])
    return f"fault: {fault} {_in_words(options)}".rstrip()


_TELLS_OF = {"notifyPayment": ("pay", "pays"), "notifyRefund": ("refund", "refunds")}
"""The call whose answer says the same as the message, and the act that makes it."""
_ANSWER_IS_LOST_TOO = 0.6


def _is_heard_first(world: World, rng: random.Random, notification: str) -> None:
    """A wrong message is believed by nobody who has heard the right answer: often that is lost."""
    api, act = _TELLS_OF[notification]
    if rng.random() < _ANSWER_IS_LOST_TOO:
        world.engine.set_fault("answer_lost", api=api)
        world.faults["answer_lost"] += 1
    world.expected += (act, "a message arrives")


def _in_words(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _how_long(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        return {"minutes": rng.choice((1, 3, 30))}
    return {"calls": rng.choice((1, 1, 1, 2, 3))}


def _call(rng: random.Random) -> dict[str, Any]:
    return {"api": rng.choice(_OFTEN if rng.random() < 0.6 else APIS)} | _how_long(rng)


def _slow(rng: random.Random) -> dict[str, Any]:
    return _call(rng) | {"seconds": rng.choice((1, 9, 11, 40))}


def _http_500(rng: random.Random) -> dict[str, Any]:
    return _call(rng) | {"work_done": rng.random() < 0.5}


def _code(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.3:
        api = rng.choice(tuple(_CODES_OF_WORK))
        return {"api": api, "code": _CODES_OF_WORK[api], "work_done": True} | _how_long(rng)
    api = rng.choice(_OFTEN if rng.random() < 0.6 else APIS)
    return {"api": api, "code": rng.choice(_CODES[api])} | _how_long(rng)


def _payment_waits(rng: random.Random) -> dict[str, Any]:
    options: dict[str, Any] = {"seconds": rng.choice((2, 5, 30, 58, 70, 200)), "expires": rng.random() < 0.7}
    if rng.random() < 0.3:
        options |= {"then": "FAIL", "code": rng.choice(_PAYMENT_FAILURES)}
    return options


def _refund_waits(rng: random.Random) -> dict[str, Any]:
    options: dict[str, Any] = {"seconds": rng.choice((10, 60, 600))}
    if rng.random() < 0.3:
        options |= {"then": "FAIL", "code": rng.choice(_REFUND_FAILURES)}
    return options


def _message(rng: random.Random) -> dict[str, Any]:
    return {"notification": rng.choice(NOTIFICATIONS)} | _how_long(rng)


FAULTS: dict[str, tuple[int, Callable[[random.Random], dict[str, Any]]]] = {
    "answer_lost": (5, _call),
    "request_lost": (4, _call),
    "slow_answer": (2, _slow),
    "answer_wrongly_signed": (3, _call),
    "answer_unsigned": (3, _call),
    "http_500": (3, _http_500),
    "answer_code": (7, _code),
    "payment_stays_processing": (4, _payment_waits),
    "payment_fails": (2, lambda rng: {"code": rng.choice(_PAYMENT_FAILURES)}),
    "refund_stays_processing": (3, _refund_waits),
    "refund_fails": (2, lambda rng: {"code": rng.choice(_REFUND_FAILURES)}),
    "notification_late": (2, lambda rng: _message(rng) | {"seconds": rng.choice((10, 90, 4000))}),
    "notification_doubled": (2, _message),
    "notification_out_of_order": (2, _message),
    "notification_lost": (3, _message),
    "notification_wrongly_signed": (2, lambda rng: _message(rng) | {"attempts": rng.choice((1, 2))}),
    "notification_wrong_amount": (2, lambda rng: {"notification": rng.choice(_OF_AN_AMOUNT)} | _how_long(rng)),
    "no_failure_notification": (1, _message),
    "consent_short": (2, lambda rng: {"days": rng.choice((0.001, 0.1, 1, 4, 12))}),
    "refresh_told": (1, _how_long),
    "customs_refuses": (2, _how_long),
    "customs_silent": (1, lambda rng: {"seconds": rng.choice((60, 4000, 90_000))}),
    "declaration_lost": (2, _how_long),
}
"""Each fault by name: how often, and with which options."""
