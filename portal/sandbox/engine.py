"""The sandbox's engine: what it answers, what it does when time passes, and the verbs that people and tests use.

No socket is opened here. ``handle`` is the protocol's door; ``tick`` does everything that is due by the clock;
notifications leave through ``deliver``. So the same engine runs behind HTTP, and inside one process.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

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
    customs,
    fields,
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
from portal.sandbox.codes import Refusal, result
from portal.sandbox.context import Context, Keys, Settings, load_keys, load_settings
from portal.sandbox.faults import Fault, Faults
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import moment, on_the_wire, parse_time
from portal.sandbox.notifications import Deliver
from portal.sandbox.plants import Plant
from portal.sandbox.reports import ReportFile
from portal.sandbox.shop_backend import ShopBackend
from portal.sandbox.store import Store

Rule = Callable[[Context, Merchant, dict[str, Any]], dict[str, object]]

_RULES: dict[str, tuple[str, Rule]] = {
    "authorizations/consult": ("consult", authorizations.consult),
    "authorizations/applyToken": ("applyToken", authorizations.apply_token),
    "authorizations/revoke": ("revoke", authorizations.revoke),
    "payments/pay": ("pay", payments.pay),
    "payments/inquiryPayment": ("inquiryPayment", payments.inquire),
    "payments/cancel": ("cancel", payments.cancel),
    "payments/refund": ("refund", refunds.refund),
    "payments/inquiryRefund": ("inquiryRefund", refunds.inquire),
    "customs/declare": ("declare", customs.declare),
    "customs/inquiryDeclarationRequests": ("inquiryDeclarationRequests", customs.inquire),
}
ROUTES: dict[str, tuple[str, Rule]] = {
    f"{prefix}/v1/{path}": rule for prefix in ("/ams/api", "/ams/sandbox/api") for path, rule in _RULES.items()
}
LOGIN_PATH = "/v1/authorizations/applyToken"
# How the wallet's login endpoint is signed is not in the pages we have; we choose the same headers and signature as
# the acquirer's, because one client then serves both.
ROUTES[LOGIN_PATH] = ("login", logins.apply_token)

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


def _nobody_listens(url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
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
            self._seed()
            notifications.release_interrupted(self.context)
        self.shop_backend = ShopBackend(self.context)

    def _seed(self) -> None:
        if self.context.store.one("SELECT 1 FROM users") is None:
            wallets.seed_people(self.context)
        if self.context.store.one("SELECT 1 FROM merchants") is None:
            merchants.seed_merchant(self.context)
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
        api = ROUTES[path][0] if path in ROUTES else ""
        try:
            caller = self._recognise(method, uri, headers, body)
        except Refusal as refusal:
            # Only the rejected signature is documented as unsigned; we choose the same for every answer given before
            # the caller is known, because there is nobody yet to sign for.
            answer = {"result": result(refusal.code, refusal.message)}
            with self.store.transaction():
                client_id = headers.get("client-id", "")
                calls.keep(self.context, client_id=client_id, api=api, path=uri, fault="", request=None, answer=answer)
            return self._written(answer, headers.get("client-id", ""), uri, signed=False)
        return self._serve(api, caller, body)

    def _recognise(self, method: str, uri: str, headers: Mapping[str, str], body: bytes) -> _Caller:
        if method != "POST":
            raise Refusal("METHOD_NOT_SUPPORTED")
        if uri.split("?", 1)[0] not in ROUTES:
            raise Refusal("NO_INTERFACE_DEF")
        media_type = headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refusal("MEDIA_TYPE_NOT_ACCEPTABLE")
        for name in ("client-id", "request-time", "signature"):
            if not headers.get(name):
                raise Refusal("PARAM_ILLEGAL", f"Illegal parameter: the header {name} is required.")
        if not _is_time(headers["request-time"]):
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
        return _Caller(client_id, uri, merchant)

    def _serve(self, api: str, caller: _Caller, body: bytes) -> Response:
        now, faults = self.context.now(), self.context.faults
        with self.store.transaction():
            request, illegal = _parsed(body)
            wallet = self._wallet_in(request, caller.client_id)
            fault = faults.take(_BEFORE_WORK, now, strikes_first=True, api=api, wallet=wallet)
            if fault is not None:
                answer: dict[str, Any] = {}
                if fault.kind == "answer_code":
                    answer = {"result": result(fault.options["code"])}
            else:
                answer = self._answer(api, caller, request, illegal)
                fault = faults.take(_AFTER_WORK, now, api=api, wallet=wallet)
                if fault is not None and fault.kind == "answer_code":
                    answer = {"result": result(fault.options["code"])}
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
        return self._written(
            answer,
            caller.client_id,
            caller.uri,
            signed=kind != "answer_unsigned",
            wrongly=kind == "answer_wrongly_signed",
            delay_seconds=fault.options["seconds"] if fault is not None and kind == "slow_answer" else 0.0,
        )

    def _wallet_in(self, request: Any, client_id: str) -> str:
        """The wallet a request is about: as it says, or that of the payment, refund or token it names."""
        if not isinstance(request, dict):
            return ""
        method = request.get("paymentMethod")
        wallet = method.get("paymentMethodType") if isinstance(method, dict) else request.get("customerBelongsTo")
        for name, query in _WALLETS.items() if wallet is None else ():
            if wallet is None and isinstance(named := request.get(name), str):
                wallet = self.store.value(query, (named, client_id))
        return wallet if isinstance(wallet, str) else ""

    def _answer(self, api: str, caller: _Caller, request: Any, illegal: Refusal | None) -> dict[str, Any]:
        try:
            if illegal is not None:
                raise illegal
            fields.check_request(fields.TABLES[api], request)
            path = caller.uri.split("?", 1)[0]
            return ROUTES[path][1](self.context, caller.merchant, request)
        except Refusal as refusal:
            return {"result": result(refusal.code, refusal.message)}

    def _written(
        self,
        answer: dict[str, Any],
        client_id: str,
        uri: str,
        *,
        signed: bool = True,
        wrongly: bool = False,
        delay_seconds: float = 0.0,
    ) -> Response:
        body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
        time = on_the_wire(self.context.now())
        headers = {"content-type": "application/json; charset=UTF-8", "response-time": time}
        if client_id and client_id.isascii() and client_id.isprintable():
            headers["client-id"] = client_id
        if signed:
            key = self.context.keys.stranger_key if wrongly else self.context.keys.acquirer_key
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

    def agree(self, url: str, user_id: str) -> Decision:
        """The user agrees at an authorization URL. Raises LinkUnusable, UnknownUser."""
        decision = authorizations.agree(self.context, authorizations.authorization_in(url), user_id)
        self.news.set()
        return decision

    def refuse(self, url: str) -> Decision:
        """The user refuses at an authorization URL. Raises LinkUnusable."""
        return authorizations.refuse(self.context, authorizations.authorization_in(url))

    def revoke_in_the_wallet(self, user_id: str, wallet: str, client_id: str | None = None, reason: str = "") -> int:
        """The user ends authorizations inside the wallet; how many ended. Raises UnknownUser."""
        ended = authorizations.revoke_in_the_wallet(self.context, user_id, wallet, client_id, reason)
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


def _is_time(text: str) -> bool:
    """Whether this is a time in one of the two formats in use: Unix milliseconds, or ISO 8601 with offset."""
    if text.isascii() and text.isdigit():
        return len(text) <= 15
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


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
