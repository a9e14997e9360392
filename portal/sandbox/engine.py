"""The sandbox's engine: what it answers, what it does when time passes, and the verbs that people and tests use.

No socket is opened here. ``handle`` is the protocol's door; ``tick`` does everything that is due by the clock;
notifications leave through ``deliver``. So the same engine runs behind HTTP, and inside one process.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from portal.acquirer.signing import (
    ALGORITHM,
    KeyUnreadable,
    content_to_sign,
    load_public_key,
    parse_header,
    sign,
    signature_header,
    verify,
)
from portal.clock import Clock
from portal.money import Money
from portal.sandbox import (
    authorizations,
    calls,
    ledger,
    logins,
    merchants,
    notifications,
    payments,
    plants,
    refunds,
    reports,
    wallets,
)
from portal.sandbox.authorizations import Decision
from portal.sandbox.codes import Refusal
from portal.sandbox.context import Context, Keys, Settings, load_keys, load_settings
from portal.sandbox.doors import Call, Door
from portal.sandbox.doors.alipayplus import AlipayPlusDoor
from portal.sandbox.doors.antom import LOGIN_PATH, AntomDoor
from portal.sandbox.faults import Fault, Faults
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import moment, on_the_wire
from portal.sandbox.notifications import Deliver
from portal.sandbox.plants import Plant
from portal.sandbox.settlement import ReportFile
from portal.sandbox.shop_backend import ShopBackend
from portal.sandbox.store import Store

ANTOM_DOOR, ALIPAYPLUS_DOOR = AntomDoor(), AlipayPlusDoor()
DOORS: dict[str, Door] = {door.protocol: door for door in (ANTOM_DOOR, ALIPAYPLUS_DOOR)}
ROUTES: dict[str, tuple[str, Door]] = {
    path: (call.word, door) for door in DOORS.values() for path, call in door.calls.items()
}
"""Every path: the plain word of its API, and the door it belongs to."""
_ALIPAYPLUS = "/aps/"


def is_protocol(path: str) -> bool:
    """Whether a path is the protocols', and not the pages'."""
    return path.startswith(("/ams/", _ALIPAYPLUS)) or path == LOGIN_PATH


_BEFORE_WORK = ("request_lost", "http_500", "answer_code")
_AFTER_WORK = ("answer_lost", "slow_answer", "answer_wrongly_signed", "answer_unsigned", "http_500", "answer_code")
_MOST_ROUNDS = 1000
_REFUNDED = "SELECT wallet FROM payments JOIN refunds USING (payment_id) WHERE"
_WALLETS = {
    "paymentId": "SELECT wallet FROM payments WHERE payment_id = ? AND client_id = ?",
    "paymentRequestId": "SELECT wallet FROM payments WHERE payment_request_id = ? AND client_id = ?",
    "refundId": f"{_REFUNDED} refund_id = ? AND refunds.client_id = ?",
    "refundRequestId": f"{_REFUNDED} refund_request_id = ? AND refunds.client_id = ?",
    "accessToken": "SELECT wallet FROM tokens WHERE access_token = ? AND client_id = ?",
}
"""The wallet of what a request names, by the field that names it."""


@dataclass(frozen=True)
class Response:
    """What goes back. ``dropped``: nothing at all, the line breaks. ``delay_seconds``: only after so long."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    dropped: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class _Caller:
    client_id: str
    uri: str
    merchant: Merchant
    door: Door
    call: Call


def _nobody_listens(url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, Mapping[str, str], bytes]:
    raise notifications.Undelivered(f"this sandbox delivers nothing, not even to {url.split('?', 1)[0]}")


class Engine:
    """The acquirer and its wallets."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliver: Deliver = _nobody_listens,
        *,
        settings: Settings | None = None,
        keys: Keys | None = None,
        public_url: str = "http://127.0.0.1:9000",
        reports_folder: Path | None = None,
    ) -> None:
        self.deliver = deliver
        self.reports_folder = reports_folder
        self.news = threading.Event()
        """Set when something may have become due, for whoever runs ``tick``."""
        self._ticking = threading.RLock()
        with store.transaction():
            self.context = Context(
                store, clock, load_keys(store, keys), Faults(store), load_settings(store, settings), public_url
            )
            self.context.voices = DOORS
            self._seed()
            notifications.release_interrupted(self.context)
        self.shop_backend = ShopBackend(self.context)

    def _seed(self) -> None:
        if self.context.store.one("SELECT 1 FROM users") is None:
            wallets.seed_people(self.context)
        merchants.seed_merchants(self.context)
        reports.close_due_days(self.context, self.reports_folder)

    @property
    def store(self) -> Store:
        return self.context.store

    @property
    def clock(self) -> Clock:
        return self.context.clock

    # The protocol's door.

    def handle(self, method: str, uri: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one signed call. ``uri`` is path and query; header names in lower case."""
        path = uri.split("?", 1)[0]
        door = ALIPAYPLUS_DOOR if path.startswith(_ALIPAYPLUS) else ANTOM_DOOR
        call = door.calls.get(path)
        api = call.api if call is not None else ""
        try:
            caller = self._recognise(door, call, method, uri, headers, body)
        except Refusal as refusal:
            # Only the rejected signature is documented as unsigned; we choose the same for every answer given before
            # the caller is known, because there is nobody yet to sign for.
            answer = {"result": door.result(api, refusal.code, refusal.message)}
            client_id = headers.get("client-id", "")
            with self.store.transaction():
                calls.keep(self.context, client_id=client_id, api=api, path=uri, fault="", request=None, answer=answer)
            return self._written(answer, client_id, uri, None)
        return self._serve(caller, body)

    def _recognise(
        self, door: Door, call: Call | None, method: str, uri: str, headers: Mapping[str, str], body: bytes
    ) -> _Caller:
        if method != "POST":
            raise Refusal("METHOD_NOT_SUPPORTED")
        if call is None:
            raise Refusal("NO_INTERFACE_DEF")
        media_type = headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refusal("MEDIA_TYPE_NOT_ACCEPTABLE")
        for name in ("client-id", "request-time", "signature"):
            if not headers.get(name):
                raise Refusal("PARAM_ILLEGAL", f"Illegal parameter: the header {name} is required.")
        if not door.is_time(headers["request-time"]):
            raise Refusal("PARAM_ILLEGAL", "Illegal parameter: the header request-time is no time.")
        client_id = headers["client-id"]
        merchant = merchants.find(self.context, client_id)
        if merchant is None:
            raise Refusal("UNKNOWN_CLIENT")
        parts = parse_header(headers["signature"])
        if parts.get("algorithm", ALGORITHM) != ALGORITHM or not parts.get("signature"):
            raise Refusal("INVALID_SIGNATURE")
        key = merchant.key_for(parts.get("keyVersion"))
        if key is None:
            raise Refusal("KEY_NOT_FOUND")
        content = content_to_sign("POST", uri, client_id, headers["request-time"], body)
        try:
            public_key = load_public_key(key)
        except KeyUnreadable as reason:
            raise Refusal("KEY_NOT_FOUND") from reason
        if not verify(public_key, content, parts["signature"]):
            raise Refusal("INVALID_SIGNATURE")
        if merchant.protocol != door.protocol and not call.of_the_wallet:
            raise Refusal("ACCESS_DENIED")
        return _Caller(client_id, uri, merchant, door, call)

    def _serve(self, caller: _Caller, body: bytes) -> Response:
        now, faults, door, api = self.context.now(), self.context.faults, caller.door, caller.call.api
        with self.store.transaction():
            request, illegal = _parsed(body)
            wallet = self._wallet_in(request, caller.client_id)
            where: dict[str, Any] = {
                "api": (api, caller.call.word),
                "wallet": wallet,
                "protocol": caller.merchant.protocol,
            }
            fault = faults.take(_BEFORE_WORK, now, strikes_first=True, **where)
            if fault is not None:
                answer: dict[str, Any] = {}
                if fault.kind == "answer_code":
                    answer = {"result": door.result(api, fault.options["code"])}
            else:
                answer = self._answer(caller, request, illegal)
                fault = faults.take(_AFTER_WORK, now, **where)
                if fault is not None and fault.kind != "slow_answer":
                    door.answer_failed(self.context, caller.merchant, api, answer)
                if fault is not None and fault.kind == "answer_code":
                    answer = {"result": door.result(api, fault.options["code"])}
            calls.keep(
                self.context,
                client_id=caller.client_id,
                api=api,
                path=caller.uri,
                fault=fault.kind if fault is not None else "",
                request=request,
                answer=answer,
            )
        self.news.set()
        kind = fault.kind if fault is not None else ""
        if kind in ("request_lost", "answer_lost"):
            return Response(dropped=True)
        if kind == "http_500":
            return Response(500, {"content-type": "text/plain; charset=utf-8"}, b"Internal Server Error")
        keys = self.context.keys
        key = keys.stranger_key if kind == "answer_wrongly_signed" else keys.speaking(caller.merchant.protocol)
        return self._written(
            answer,
            caller.client_id,
            caller.uri,
            None if kind == "answer_unsigned" else key,
            delay_seconds=fault.options["seconds"] if fault is not None and kind == "slow_answer" else 0.0,
        )

    def _wallet_in(self, request: Any, client_id: str) -> str:
        """The wallet a request is about: as it says, or that of the payment, refund or token it names."""
        if not isinstance(request, dict):
            return ""
        method = request.get("paymentMethod")
        method = method if isinstance(method, dict) else {}
        wallet = method.get("paymentMethodType", request.get("customerBelongsTo"))
        named = {**request, "accessToken": request.get("accessToken", method.get("paymentMethodId"))}
        for name, query in _WALLETS.items() if wallet not in wallets.WALLETS else ():
            if isinstance(text := named.get(name), str) and (found := self.store.value(query, (text, client_id))):
                return str(found)
        return wallet if isinstance(wallet, str) else ""

    def _answer(self, caller: _Caller, request: Any, illegal: Refusal | None) -> dict[str, Any]:
        door, api = caller.door, caller.call.api
        try:
            if illegal is not None:
                raise illegal
            door.check(self.context, api, request)
            return caller.call.rule(self.context, caller.merchant, request)
        except Refusal as refusal:
            return {"result": door.result(api, refusal.code, refusal.message)}

    def _written(
        self, answer: dict[str, Any], client_id: str, uri: str, key: RSAPrivateKey | None, *, delay_seconds: float = 0.0
    ) -> Response:
        """Signed with the key, if there is one."""
        body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
        time = on_the_wire(self.context.now())
        headers = {"content-type": "application/json; charset=UTF-8", "response-time": time}
        if client_id and client_id.isascii() and client_id.isprintable():
            headers["client-id"] = client_id
        if key is not None:
            headers["signature"] = signature_header(sign(key, content_to_sign("POST", uri, client_id, time, body)))
        return Response(200, headers, body, delay_seconds=delay_seconds)

    # Time.

    def tick(self) -> int:
        """Do everything that is due now; how many things were done."""
        with self._ticking:
            done = self._finish_what_is_due()
            for _ in range(_MOST_ROUNDS):
                due = notifications.take_due(self.context)
                if not due:
                    break
                for notification in due:
                    notifications.send(self.context, notification, self.deliver)
                done += len(due)
            return done

    def _finish_what_is_due(self) -> int:
        now, done = self.context.now(), 0
        with self.store.transaction():
            for payment in self.store.all(
                "SELECT * FROM payments WHERE status = 'PROCESSING' AND (finishes_at <= ? OR closes_at <= ?)",
                (now, now),
            ):
                payments.finish_if_due(self.context, payment)
                done += 1
            for refund in self.store.all(
                "SELECT * FROM refunds WHERE status = 'PROCESSING' AND finishes_at <= ?", (now,)
            ):
                refunds.finish_if_due(self.context, refund)
                done += 1
            if self.context.settings.automatic_day_close:
                done += reports.close_due_days(self.context, self.reports_folder)
        return done

    def finish_due(self) -> int:
        """End the payments, refunds and days whose time has come, and deliver nothing; how many things were done."""
        with self._ticking:
            return self._finish_what_is_due()

    def undelivered(self) -> list[int]:
        """The numbers of the notifications whose time has come, in the order ``tick`` would send them."""
        return [row["number"] for row in notifications.due_now(self.context)]

    def deliver_one(self, number: int) -> bool:
        """Make one attempt at a notification, due or not, out of turn; False when there is none of that number."""
        with self._ticking:
            notification = notifications.take(self.context, number)
            if notification is None:
                return False
            notifications.send(self.context, notification, self.deliver)
            return True

    def next_due(self) -> datetime | None:
        """When ``tick`` will next have something to do, as far as is known now."""
        found = [
            self.store.value(f"SELECT MIN({column}) FROM {table} WHERE {condition}")  # noqa: S608 - names below
            for table, column, condition in (
                ("payments", "finishes_at", "status = 'PROCESSING'"),
                ("payments", "closes_at", "status = 'PROCESSING'"),
                ("refunds", "finishes_at", "status = 'PROCESSING'"),
                ("notifications", "due_at", "due_at IS NOT NULL"),
            )
        ]
        if self.context.settings.automatic_day_close:
            found.append(reports.next_close(self.context))
        times = [time for time in found if time is not None]
        return moment(min(times)) if times else None

    # The verbs of people and tests.

    def set_fault(self, fault: str, **options: Any) -> Fault:
        """Let something go wrong (faults.KINDS has the words). Raises FaultUnclear."""
        return self.context.faults.set({"fault": fault, **options}, self.context.now())

    def clear_faults(self, number: int | None = None) -> int:
        """End one fault or all; how many ended."""
        return self.context.faults.clear(number)

    def agree(self, url: str, user_id: str, wallet: str = "") -> Decision:
        """The user agrees at an authorization URL, having picked a wallet where the URL names none.

        Raises LinkUnusable, UnknownUser.
        """
        authorization, named = authorizations.authorization_in(url)
        decision = authorizations.agree(self.context, authorization, user_id, wallet or named)
        self.news.set()
        return decision

    def refuse(self, url: str) -> Decision:
        """The user refuses at an authorization URL. Raises LinkUnusable."""
        return authorizations.refuse(self.context, authorizations.authorization_in(url)[0])

    def revoke_in_the_wallet(self, user_id: str, wallet: str, client_id: str | None = None, reason: str = "") -> int:
        """The user ends authorizations inside the wallet; how many ended. Raises UnknownUser, UnbindingRefused."""
        ended = authorizations.revoke_in_the_wallet(
            self.context, user_id, wallet, self.deliver, client_id=client_id, reason=reason
        )
        self.news.set()
        return ended

    def login_code(self, wallet: str, user_id: str) -> str:
        """A login code of the mini program's user. Raises UnknownUser."""
        with self.store.transaction():
            return logins.new_code(self.context, wallet, user_id)

    def finish_payment(self, payment_id: str, code: str = "SUCCESS") -> str:
        """Tell a payment that stays in process how to end; its status. Raises NotOpen."""
        status: str = payments.finish_by_hand(self.context, payment_id, code)["status"]
        self.news.set()
        return status

    def tell_pending(self, payment_id: str) -> None:
        """Notify PAYMENT_PENDING of a payment in process. Raises NotOpen."""
        payments.tell_pending(self.context, payment_id)
        self.news.set()

    def finish_refund(self, refund_id: str, code: str = "SUCCESS") -> str:
        """Tell a refund that stays in process how to end; its status. Raises NotOpen."""
        status: str = refunds.finish_by_hand(self.context, refund_id, code)["status"]
        self.news.set()
        return status

    def set_balance(self, user_id: str, wallet: str, value: int) -> None:
        """Make an account hold exactly ``value`` minor units. Raises UnknownUser."""
        with self.store.transaction():
            wallets.set_balance(self.context, user_id, wallet, value)

    def balance(self, user_id: str, wallet: str) -> Money:
        """What an account holds. Raises UnknownUser."""
        return wallets.balance(self.context, user_id, wallet)

    def taken_from(self, user_id: str) -> list[Money]:
        """Every debit the user has had, oldest first, whatever was given back later."""
        return [amount for kind, amount in self._movements(user_id) if kind == "PAYMENT"]

    def given_back_to(self, user_id: str) -> list[Money]:
        """Every refund and cancel the user has had back, oldest first."""
        return [amount for kind, amount in self._movements(user_id) if kind != "PAYMENT"]

    def _movements(self, user_id: str) -> list[tuple[str, Money]]:
        rows = self.store.all(
            "SELECT transactions.kind, transactions.value, transactions.currency FROM transactions "
            "JOIN payments ON payments.payment_id = transactions.payment_id "
            "WHERE payments.user_id = ? ORDER BY transactions.number",
            (user_id,),
        )
        return [(row["kind"], Money(abs(row["value"]), row["currency"])) for row in rows]

    def ledger_balances(self) -> dict[str, dict[str, int]]:
        """What every account of the books holds."""
        return ledger.balances(self.context)

    def faults_in_the_books(self) -> list[str]:
        """What is wrong with the books; empty when they balance."""
        return ledger.faults_in_the_books(self.context)

    def close_day(self, day: str | None = None, edition: str | None = None) -> list[ReportFile]:
        """Settle a day (``YYYYMMDD``, today if none is named) and write its reports. Raises ValueError."""
        with self._ticking:
            return reports.close_day(self.context, day, self.reports_folder, edition)

    def plant(self, kind: str, **options: Any) -> Plant:
        """Let the next settlement report be wrong (plants.KINDS has the words). Raises PlantUnclear."""
        return plants.plant(self.context, {"kind": kind, **options})

    def register_merchant(self, **wish: Any) -> Merchant:
        """Add or change a merchant (merchants.register). Raises MerchantUnclear."""
        with self.store.transaction():
            return merchants.register(self.context, wish)

    def reset(self) -> None:
        """Forget everything but keys and settings, and begin again with the first users and merchant."""
        with self._ticking, self.store.transaction():
            self.context.faults.clear()
            self.store.forget_everything()
            reports.begin_anew(self.context)
            self._seed()
        self.shop_backend.forget()


def _parsed(body: bytes) -> tuple[Any, Refusal | None]:
    """The request, or what is wrong with it."""
    try:
        request = json.loads(body, parse_constant=_no_constant)
        json.dumps(request, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None, Refusal("PARAM_ILLEGAL", "Illegal parameters: the body is not JSON in UTF-8.")
    if not isinstance(request, dict):
        return None, Refusal("PARAM_ILLEGAL", "Illegal parameters: the body is not a JSON object.")
    return request, None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
