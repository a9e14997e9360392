"""What may go wrong, in plain words, for a number of calls or minutes.

A fault is an object such as ``{"fault": "answer_lost", "api": "pay", "calls": 1}``. ``calls`` and ``minutes`` say how
long it lasts (one call, if neither is said); ``api``, ``wallet``, ``notification`` and ``protocol`` narrow it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from portal.sandbox import alipayplus_codes
from portal.sandbox.codes import BY_API, PAYMENT_RESULTS, REFUND_FAILURES, is_documented, status_of
from portal.sandbox.moments import MINUTE
from portal.sandbox.store import Store
from portal.sandbox.terms import PROTOCOLS

NOTIFICATIONS = ("notifyAuthorization", "notifyPayment", "notifyRefund", "authNotify", "consultUnbinding")
APIS = (*BY_API, *alipayplus_codes.WORDS)
"""The plain words, which strike both protocols, and Alipay+'s own names, which strike it alone."""
_INSTEAD_OF_WORK = ("request_lost", "http_500", "answer_code")
_EVERYWHERE = frozenset({"fault", "calls", "minutes", "wallet", "protocol"})
_LONGEST = {"minutes": 60 * 24 * 366, "seconds": 60 * 60 * 24 * 366, "days": 366}
"""A year. What is longer, endless or not a number at all would break in the middle of the call it is meant for."""


@dataclass(frozen=True)
class Kind:
    """One word a fault may be, what it does, and what it takes."""

    does: str
    takes: frozenset[str]
    needs: frozenset[str] = frozenset()


def title_of(word: str) -> str:
    """A fault's word as a heading."""
    return word.replace("_", " ").capitalize().replace("Http", "HTTP")


def _answer(does: str, *takes: str, needs: tuple[str, ...] = ()) -> Kind:
    return Kind(does, _EVERYWHERE | {"api"} | set(takes) | set(needs), frozenset(needs))


def _notification(does: str, *takes: str, needs: tuple[str, ...] = ()) -> Kind:
    return Kind(does, _EVERYWHERE | {"notification"} | set(takes) | set(needs), frozenset(needs))


KINDS: dict[str, Kind] = {
    "answer_code": _answer(
        "answers a documented code, instead of the work or after it", "work_done", needs=("api", "code")
    ),
    "answer_lost": _answer("does the work, then drops the line"),
    "request_lost": _answer("drops the line with nothing done"),
    "slow_answer": _answer("does the work and answers so many seconds later", needs=("seconds",)),
    "answer_wrongly_signed": _answer("does the work; the answer is signed with a stranger's key"),
    "answer_unsigned": _answer("does the work; the answer has no signature"),
    "http_500": _answer("answers HTTP 500, instead of the work or after it", "work_done"),
    "payment_stays_processing": Kind(
        "pay answers PAYMENT_IN_PROCESS; the payment ends after so many seconds, when told, or when it expires, unless "
        "it is to stay open",
        _EVERYWHERE | {"seconds", "then", "code", "expires"},
    ),
    "payment_fails": Kind("the payment fails for a documented reason", _EVERYWHERE | {"code"}, frozenset({"code"})),
    "refund_stays_processing": Kind(
        "refund answers REFUND_IN_PROCESS; it ends after so many seconds, or when told",
        _EVERYWHERE | {"seconds", "then", "code"},
    ),
    "refund_fails": Kind("the refund fails for a documented reason", _EVERYWHERE | {"code"}, frozenset({"code"})),
    "notification_late": _notification("is sent so many seconds late", needs=("seconds",)),
    "notification_doubled": _notification("is sent twice"),
    "notification_out_of_order": _notification("waits until the next notification was delivered"),
    "notification_lost": _notification("is never sent"),
    "notification_wrongly_signed": _notification(
        "is signed with a stranger's key, the first time or so many attempts", "attempts"
    ),
    "notification_wrong_amount": _notification("names another amount"),
    "consent_short": Kind(
        "the wallet grants its next consent for so many days only, and it cannot be refreshed",
        _EVERYWHERE | {"days"},
        frozenset({"days"}),
    ),
    "refresh_told": Kind(
        "the next pair of a refresh whose answer is not heard is told by notification (Alipay+)", _EVERYWHERE
    ),
    "customs_refuses": Kind("customs refuses the next declaration", _EVERYWHERE),
    "customs_silent": Kind(
        "customs says nothing of the next declaration for so many seconds longer",
        _EVERYWHERE | {"seconds"},
        frozenset({"seconds"}),
    ),
    "declaration_lost": Kind("declare answers SUCCESS, and afterwards nobody knows of the declaration", _EVERYWHERE),
    "no_failure_notification": _notification("is not sent for a payment or refund that failed"),
}


class FaultUnclear(ValueError):
    """A fault that cannot be set; the sentence says why."""


@dataclass
class Fault:
    """A fault in force."""

    number: int
    kind: str
    calls_left: int | None
    until: int | None
    options: dict[str, Any] = field(default_factory=dict)

    def applies(self, **where: str | tuple[str, ...]) -> bool:
        """Whether it narrows itself to nothing else than this, which may have several names."""
        return all(
            name not in self.options or self.options[name] in ((value,) if isinstance(value, str) else value)
            for name, value in where.items()
        )

    @property
    def strikes_first(self) -> bool:
        """Whether it comes before the work, and instead of it."""
        return self.kind in _INSTEAD_OF_WORK and not self.options.get("work_done")

    def described(self) -> dict[str, Any]:
        """As control calls show it."""
        return {
            "id": self.number,
            "fault": self.kind,
            "does": KINDS[self.kind].does,
            "calls_left": self.calls_left,
            "until": self.until,
            **self.options,
        }


class Faults:
    """The faults in force, remembered over a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = [
            Fault(row["number"], **json.loads(row["details"]))
            for row in store.all("SELECT number, details FROM faults ORDER BY number")
        ]

    def set(self, wish: dict[str, Any], now: int) -> Fault:
        """Put a fault in force. Raises FaultUnclear."""
        kind = _checked(wish)
        calls, minutes = wish.get("calls"), wish.get("minutes")
        if calls is None and minutes is None:
            calls = 1
        until = None if minutes is None else now + int(minutes * MINUTE)
        options = {name: value for name, value in wish.items() if name not in ("fault", "calls", "minutes")}
        fault = Fault(0, kind, calls, until, options)
        with self._store.transaction():
            fault.number = self._store.insert("faults", details=_written(fault))
            self._known.append(fault)
        return fault

    def take(self, kinds: Iterable[str], now: int, *, strikes_first: bool = False, **where: Any) -> Fault | None:
        """The first fault of these kinds that applies there, one call less; None when there is none."""
        if not self._known:
            return None
        for fault in list(self._known):
            if fault.until is not None and fault.until <= now:
                self._drop(fault)
            elif fault.kind in kinds and fault.strikes_first is strikes_first and fault.applies(**where):
                if fault.calls_left is not None:
                    fault.calls_left -= 1
                    if fault.calls_left <= 0:
                        self._drop(fault)
                    else:
                        self._store.run(
                            "UPDATE faults SET details = ? WHERE number = ?", (_written(fault), fault.number)
                        )
                return fault
        return None

    def in_force(self, now: int) -> list[Fault]:
        """Every fault that may still happen."""
        return [fault for fault in self._known if fault.until is None or fault.until > now]

    def clear(self, number: int | None = None) -> int:
        """End one fault or all of them; how many were ended."""
        with self._store.transaction():
            ending = [fault for fault in self._known if number in (None, fault.number)]
            for fault in ending:
                self._drop(fault)
        return len(ending)

    def _drop(self, fault: Fault) -> None:
        self._known.remove(fault)
        self._store.run("DELETE FROM faults WHERE number = ?", (fault.number,))


def _written(fault: Fault) -> str:
    return json.dumps(
        {"kind": fault.kind, "calls_left": fault.calls_left, "until": fault.until, "options": fault.options}
    )


def _checked(wish: dict[str, Any]) -> str:
    word = wish.get("fault")
    if not isinstance(word, str) or word not in KINDS:
        raise FaultUnclear(f"There is no fault {word!r}. There are: {', '.join(KINDS)}.")
    kind = KINDS[word]
    for name in kind.needs:
        if wish.get(name) is None:
            raise FaultUnclear(f"The fault {word} needs {name!r}.")
    for name, value in wish.items():
        if name not in kind.takes:
            raise FaultUnclear(f"The fault {word} takes {', '.join(sorted(kind.takes - {'fault'}))}, not {name!r}.")
        _check_option(word, name, value, wish)
    return word


def _check_option(word: str, name: str, value: object, wish: dict[str, Any]) -> None:
    if name in ("calls", "attempts") and (type(value) is not int or value < 1):
        raise FaultUnclear(f"{name!r} must be a whole number above zero.")
    if name in _LONGEST and (type(value) not in (int, float) or not 0 < float(str(value)) <= _LONGEST[name]):
        raise FaultUnclear(f"{name!r} must be a number above zero, and at most a year.")
    if name in ("work_done", "expires") and type(value) is not bool:
        raise FaultUnclear(f"{name!r} must be true or false.")
    if name == "api" and value not in APIS:
        raise FaultUnclear(f"There is no API {value!r}. There are: {', '.join(APIS)}.")
    if name == "notification" and value not in NOTIFICATIONS:
        raise FaultUnclear(f"There is no notification {value!r}. There are: {', '.join(NOTIFICATIONS)}.")
    if name == "then" and value not in ("SUCCESS", "FAIL"):
        raise FaultUnclear("'then' must be SUCCESS or FAIL.")
    if name == "protocol" and value not in PROTOCOLS:
        raise FaultUnclear(f"There is no protocol {value!r}. There are: {', '.join(PROTOCOLS)}.")
    if name == "wallet" and not isinstance(value, str):
        raise FaultUnclear("'wallet' must be a wallet's name.")
    if name == "code":
        check_code(word, value, str(wish.get("api", "")))


def reasons(word: str) -> list[str]:
    """The codes for which a payment or refund may fail, in either protocol."""
    theirs = alipayplus_codes.PAYMENT_RESULTS if word.startswith("payment") else alipayplus_codes.BY_API["refund"]
    possible = theirs | (PAYMENT_RESULTS if word.startswith("payment") else REFUND_FAILURES)
    return sorted(one for one in possible if status_of(one) == "F")


def documented(api: str) -> frozenset[str]:
    """The codes of an API, by its own name or its plain word, in either protocol."""
    own = [name for name, plain in alipayplus_codes.WORDS.items() if plain == api] or [api]
    return BY_API.get(api, frozenset()).union(*(alipayplus_codes.BY_API.get(name, frozenset()) for name in own))


def check_code(word: str, code: object, api: str = "") -> None:
    """Whether the code is documented where the fault would show it. Raises FaultUnclear."""
    if word == "answer_code":
        known = documented(api)
        if known and (not isinstance(code, str) or not (code in known or is_documented(api, code))):
            raise FaultUnclear(f"{code!r} is not documented for {api}. There are: {', '.join(sorted(known))}.")
        return
    failures = reasons(word)
    if code not in failures:
        raise FaultUnclear(f"{code!r} is not a documented reason. There are: {', '.join(failures)}.")
