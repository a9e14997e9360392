"""The desk's pages of what crossed the wire: exchanges and notifications, masked; the bytes are never shown."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal import clock, inbox, registry
from portal.acquirer.results import SignatureVerdict
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import (
    AccountFilter,
    Card,
    DayFilter,
    Headline,
    LedgerAdmin,
    Question,
    Questions,
    verdict_of_call,
    verdict_of_message,
)
from portal.models import Exchange, Notification, NotificationStatus

_SLOW_MS = 5000

_VERDICTS = {
    SignatureVerdict.VERIFIED: Chip("Signature verified", "good"),
    SignatureVerdict.MISSING: Chip("Not signed", "bad"),
    SignatureVerdict.WRONG: Chip("Signature wrong", "bad"),
    SignatureVerdict.UNKNOWN_KEY: Chip("Unknown key", "bad"),
    SignatureVerdict.NO_ANSWER: Chip("No answer", "wait"),
}


def _verdict(text: str) -> Chip:
    try:
        return _VERDICTS[SignatureVerdict(text)]
    except ValueError:
        return Chip(text or "Unknown")


def _thing_of(subject: str) -> SafeString | str:
    """A link to the thing an id belongs to, found by the registry of searches."""
    if not subject:
        return display.NOTHING
    for search in registry.searches:
        for kind, label, url in search(subject):
            return display.link(url, f"{kind} {label}")
    return display.mono(subject)


def _headers(headers: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _pretty(text: str) -> str:
    """Masked JSON with line breaks; what is not JSON as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


class ExchangeQuestions(Questions):
    """What one asks about calls."""

    questions = (
        Question("no_answer", "No answer", lambda: ~Q(error="")),
        Question("not_believed", "Not believed", lambda: Q(error="") & ~Q(verdict=SignatureVerdict.VERIFIED)),
        Question("refused", "Refused", lambda: Q(result_status="F")),
        Question("unknown", "Unknown", lambda: Q(result_status="U")),
        Question("slow", "Slower than 5 s", lambda: Q(duration_ms__gt=_SLOW_MS)),
    )


class ExchangeDay(DayFilter):
    """By the day a call was sent."""

    field = "sent_at"


class ApiFilter(admin.SimpleListFilter):
    """By the acquirer's API."""

    title = "API"
    parameter_name = "api"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = (
            "consult",
            "applyToken",
            "revoke",
            "pay",
            "inquiryPayment",
            "cancel",
            "refund",
            "inquiryRefund",
            "declare",
            "inquiryDeclarationRequests",
        )
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(api=self.value()) if self.value() else queryset


@admin.register(Exchange)
class ExchangeAdmin(LedgerAdmin):
    """One call of ours and its answer, masked."""

    section, position, icon = "System", 10, "wire"
    hint = "our calls, newest first"
    empty_title = "No call yet"
    empty_text = "Every call to the acquirer and its answer is kept here, masked, with the verdict on its signature."
    list_display = ("api", "said", "subject_id", "account", "took", "sent")
    list_select_related = ("account",)
    list_filter = (ExchangeQuestions, ApiFilter, ExchangeDay, AccountFilter)
    search_fields = ("subject", "request_sha256", "response_sha256")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exchange]:
        """Without the bytes: a list must not decrypt them, and no page shows them."""
        return super().get_queryset(request).defer("request_body", "response_body")

    @display.column("Said")
    def said(self, exchange: Exchange) -> SafeString:
        return verdict_of_call(exchange)

    @display.column("About", is_minor=True)
    def subject_id(self, exchange: Exchange) -> SafeString | str:
        return display.ident(exchange.subject)

    @display.column("Took", numeric=True, is_minor=True)
    def took(self, exchange: Exchange) -> str:
        return f"{exchange.duration_ms:,} ms"

    @display.column("Sent", numeric=True, is_minor=True)
    def sent(self, exchange: Exchange) -> SafeString | str:
        return display.when(exchange.sent_at)

    def headline(self, exchange: Exchange) -> Headline:
        said = f"{exchange.result_code} " if exchange.result_code else ""
        return Headline(
            exchange.api,
            (_verdict(exchange.verdict),),
            f"{said}in {exchange.duration_ms:,} ms · {display.exact(exchange.sent_at)}",
        )

    def cards(self, request: HttpRequest, exchange: Exchange) -> list[Card]:
        return [
            Card(
                "The call",
                facts=[
                    ("About", _thing_of(exchange.subject)),
                    ("Account", display.to(exchange.account)),
                    ("URL", display.mono(exchange.url)),
                    ("HTTP status", str(exchange.http_status or "no answer")),
                    ("Result", f"{exchange.result_status} {exchange.result_code}".strip() or display.NOTHING),
                    ("No answer because", exchange.error.replace("_", " ") or display.NOTHING),
                    ("Signature", _verdict(exchange.verdict)),
                    ("Took", f"{exchange.duration_ms:,} ms"),
                    ("Sent", display.stamp(exchange.sent_at)),
                    ("SHA-256 sent", display.mono(exchange.request_sha256)),
                    ("SHA-256 received", display.mono(exchange.response_sha256)),
                ],
            ),
            Card(
                "Messages",
                note="masked; the bytes are kept encrypted",
                texts=[
                    ("We sent", _pretty(exchange.masked_request) or "(nothing)"),
                    ("with headers", _headers(exchange.request_headers) or "(none)"),
                    ("They answered", _pretty(exchange.masked_response) or "(nothing)"),
                    ("with headers", _headers(exchange.response_headers) or "(none)"),
                ],
                wide=True,
            ),
        ]


# Notifications.


class NotificationQuestions(Questions):
    """What one asks about messages."""

    questions = (
        Question("open", "Could not be applied", lambda: Q(status=NotificationStatus.UNAPPLIED)),
        Question("waiting", "Waiting", lambda: Q(status__in=(NotificationStatus.WAITING, NotificationStatus.RECEIVED))),
        Question("refused", "Refused: bad signature", lambda: Q(status=NotificationStatus.REFUSED)),
        Question("repeated", "Sent more than once", lambda: Q(deliveries__gt=1)),
    )


class NotificationDay(DayFilter):
    """By the day a message came."""

    field = "received_at"


class TryAgainForm(ActForm):
    """Apply a kept message once more."""

    title = "Try this notification again"

    def will_happen(self) -> list[str]:
        return [
            "The message was verified when it came in. It is applied once more, as if it came now.",
            "What it would change twice is changed once; what is final stays as it is.",
        ]

    def button(self) -> str:
        return "Try again now"


def _not_waiting(message: Notification) -> str:
    if not message.is_verified:
        return "It did not verify, so it may be anybody's. It changes nothing."
    if message.status == NotificationStatus.APPLIED:
        return "It was applied already."
    return ""


@admin.register(Notification)
class NotificationAdmin(LedgerAdmin):
    """One message of the acquirer, masked."""

    section, position, icon = "System", 20, "bell"
    hint = "their messages, newest first"
    empty_title = "No message yet"
    empty_text = "What the acquirer tells us unasked is kept here, verified or refused."
    list_display = ("message", "became", "subject_id", "account", "times", "received")
    list_select_related = ("account",)
    list_filter = (NotificationQuestions, NotificationDay, AccountFilter)
    search_fields = ("subject", "sha256")
    acts = (Act("try_again", "Try again…", form=TryAgainForm, tone="main", why_not=_not_waiting),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Without the bytes, as of exchanges."""
        return super().get_queryset(request).defer("body")

    def hot_count(self) -> int:
        return Notification.objects.filter(status=NotificationStatus.UNAPPLIED).count()

    @display.column("Message")
    def message(self, notification: Notification) -> str:
        return notification.kind or "message"

    @display.column("Became")
    def became(self, notification: Notification) -> SafeString:
        return verdict_of_message(notification)

    @display.column("About", is_minor=True)
    def subject_id(self, notification: Notification) -> SafeString | str:
        return display.ident(notification.subject)

    @display.column("Sent", numeric=True, is_minor=True)
    def times(self, notification: Notification) -> str:
        return "once" if notification.deliveries == 1 else f"{notification.deliveries} times"

    @display.column("Received", numeric=True)
    def received(self, notification: Notification) -> SafeString | str:
        return display.when(notification.received_at)

    def headline(self, notification: Notification) -> Headline:
        tones = {NotificationStatus.APPLIED: "good", NotificationStatus.RECEIVED: "wait"} | {
            NotificationStatus.WAITING: "wait",
            NotificationStatus.UNAPPLIED: "bad",
            NotificationStatus.REFUSED: "bad",
        }
        status = NotificationStatus(notification.status)
        chips = (Chip(status.label, tones[status]), _verdict(notification.verdict))
        return Headline(notification.kind or "Message", chips, display.exact(notification.received_at))

    def cards(self, request: HttpRequest, notification: Notification) -> list[Card]:
        return [
            Card(
                "The message",
                facts=[
                    ("About", _thing_of(notification.subject)),
                    ("Account", display.to(notification.account)),
                    ("Came to", display.mono(notification.path)),
                    ("Received", display.stamp(notification.received_at)),
                    ("Delivered", self.times(notification)),
                    ("Last delivered", display.stamp(notification.last_received_at)),
                    ("Applied", display.stamp(notification.applied_at)),
                    ("Tried next", display.stamp(notification.due_at)),
                    ("Note", notification.note or display.NOTHING),
                    ("SHA-256", display.mono(notification.sha256)),
                ],
            ),
            Card(
                "As it came",
                note="masked; the bytes are kept encrypted",
                texts=[
                    ("Body", _pretty(notification.masked_body) or "(not shown: it did not verify, or is empty)"),
                    ("Headers", _headers(notification.headers) or "(none)"),
                ],
                wide=True,
            ),
        ]

    def try_again(self, request: HttpRequest, notification: Notification, form: ActForm) -> Done:
        tried = inbox.try_again(Notification.objects.select_related("account").get(pk=notification.pk))
        if tried.status == NotificationStatus.APPLIED:
            return Done("Applied.")
        when = (
            f" It is tried next {display.relative(tried.due_at)}."
            if tried.due_at and tried.due_at > clock.now()
            else ""
        )
        return Done(f"Still not applied: {tried.note}{when}", "wait")
