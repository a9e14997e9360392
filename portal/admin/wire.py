"""The desk's pages of what crossed the wire: exchanges and notifications, masked; the bytes are never shown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal import clock, finding, gather, inbox, registry
from portal.acquirer.results import SignatureVerdict
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import (
    AccountFilter,
    Card,
    Headline,
    LedgerAdmin,
    Question,
    Questions,
    verdict_of_call,
    verdict_of_message,
)
from portal.models import Exchange, Notification, NotificationStatus
from portal.models.wire import SLOW_MS
from portal.registry import Found, Searched
from portal.words import lazy, say

_VERDICTS = {
    SignatureVerdict.VERIFIED: Chip(lazy("Signature verified"), "good"),
    SignatureVerdict.MISSING: Chip(lazy("Not signed"), "bad"),
    SignatureVerdict.WRONG: Chip(lazy("Signature wrong"), "bad"),
    SignatureVerdict.UNKNOWN_KEY: Chip(lazy("Unknown key"), "bad"),
    SignatureVerdict.NO_ANSWER: Chip(lazy("No answer"), "wait"),
}


def _verdict(text: str) -> Chip:
    try:
        return _VERDICTS[SignatureVerdict(text)]
    except ValueError:
        return Chip(text or say("Unknown"))


def _thing_of(subject: str) -> SafeString | str:
    """A link to the thing an id belongs to, found by the registry of searches."""
    if not subject:
        return display.NOTHING
    found = finding.thing_of(subject)
    if found is None:
        return display.mono(subject)
    return display.link(found.url, display.joined((found.label, found.amount, found.state)))


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
        Question("no_answer", lazy("No answer"), lambda: ~Q(error="") & ~Q(verdict=SignatureVerdict.VERIFIED)),
        Question("not_believed", lazy("Not believed"), lambda: Q(error="") & ~Q(verdict=SignatureVerdict.VERIFIED)),
        Question("refused", lazy("Refused"), lambda: Q(result_status="F")),
        Question("unknown", lazy("Unknown"), lambda: Q(result_status="U")),
        Question("slow", lazy("Slower than 5 s"), lambda: Q(duration_ms__gt=SLOW_MS)),
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
    hint = lazy("our calls, newest first")
    empty_title = lazy("No call yet")
    empty_text = lazy(
        "Every call to the acquirer and its answer is kept here, masked, with the verdict on its signature."
    )
    list_display = ("api", "said", "subject_id", "account", "took", "sent")
    more_columns = ("result_code", "http_status", "verdict", "error", "url", "request_sha256", "response_sha256")
    list_select_related = ("account",)
    list_filter = (ExchangeQuestions, ApiFilter, ExchangeDay, AccountFilter)
    search_fields = ("subject", "request_sha256", "response_sha256")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exchange]:
        """Without the bytes: a list must not decrypt them, and no page shows them."""
        return super().get_queryset(request).defer("request_body", "response_body")

    @display.column(lazy("Said"))
    def said(self, exchange: Exchange) -> SafeString:
        return verdict_of_call(exchange)

    @display.column(lazy("About"), is_minor=True)
    def subject_id(self, exchange: Exchange) -> SafeString | str:
        return display.ident(exchange.subject)

    @display.column(lazy("Took"), numeric=True, is_minor=True)
    def took(self, exchange: Exchange) -> str:
        return say("{duration_ms:,} ms", duration_ms=exchange.duration_ms)

    @display.column(lazy("Sent"), numeric=True, is_minor=True)
    def sent(self, exchange: Exchange) -> SafeString | str:
        return display.when(exchange.sent_at)

    def headline(self, exchange: Exchange) -> Headline:
        said = f"{exchange.result_code} " if exchange.result_code else ""
        return Headline(
            exchange.api,
            (_verdict(exchange.verdict),),
            say(
                "{said}in {duration_ms:,} ms · {exact}",
                said=said,
                duration_ms=exchange.duration_ms,
                exact=display.exact(exchange.sent_at),
            ),
        )

    def cards(self, request: HttpRequest, exchange: Exchange) -> list[Card]:
        return [
            Card(
                say("The call"),
                facts=[
                    (say("About"), _thing_of(exchange.subject)),
                    (say("Account"), display.to(exchange.account)),
                    ("URL", display.mono(exchange.url)),
                    (say("HTTP status"), str(exchange.http_status or say("no answer"))),
                    (say("Result"), f"{exchange.result_status} {exchange.result_code}".strip() or display.NOTHING),
                    *display.meaning_facts(exchange.account, exchange.result_code, exchange.api),
                    (say("No answer because"), exchange.error.replace("_", " ") or display.NOTHING),
                    (say("Signature"), _verdict(exchange.verdict)),
                    (say("Took"), say("{duration_ms:,} ms", duration_ms=exchange.duration_ms)),
                    (say("Sent"), display.stamp(exchange.sent_at)),
                    (say("SHA-256 sent"), display.mono(exchange.request_sha256) or display.NOTHING),
                    (say("SHA-256 received"), display.mono(exchange.response_sha256) or display.NOTHING),
                ],
            ),
            Card(
                say("Messages"),
                note=say("masked; the bytes are kept encrypted"),
                texts=[
                    (say("We sent"), _pretty(exchange.masked_request) or "(nothing)"),
                    (say("with headers"), _headers(exchange.request_headers) or "(none)"),
                    (say("They answered"), _pretty(exchange.masked_response) or "(nothing)"),
                    (say("with headers"), _headers(exchange.response_headers) or "(none)"),
                ],
                wide=True,
            ),
        ]


# Notifications.


class NotificationQuestions(Questions):
    """What one asks about messages."""

    questions = (
        Question("open", lazy("Could not be applied"), lambda: Q(status=NotificationStatus.UNAPPLIED)),
        Question(
            "waiting", lazy("Waiting"), lambda: Q(status__in=(NotificationStatus.WAITING, NotificationStatus.RECEIVED))
        ),
        Question("refused", lazy("Refused: bad signature"), lambda: Q(status=NotificationStatus.REFUSED)),
        Question("repeated", lazy("Sent more than once"), lambda: Q(deliveries__gt=1)),
    )


class NotificationDay(DayFilter):
    """By the day a message came."""

    field = "received_at"


class TryAgainForm(ActForm):
    """Apply a kept message once more."""

    title = lazy("Try this notification again")

    def will_happen(self) -> list[str]:
        return [
            say("The message was verified when it came in. It is applied once more, as if it came now."),
            say("What it would change twice is changed once; what is final stays as it is."),
        ]

    def button(self) -> str:
        return say("Try again now")


def _not_waiting(message: Notification) -> str:
    if not message.is_verified:
        return say("It did not verify, so it may be anybody's. It changes nothing.")
    if message.status == NotificationStatus.APPLIED:
        return say("It was applied already.")
    return ""


@admin.register(Notification)
class NotificationAdmin(LedgerAdmin):
    """One message of the acquirer, masked."""

    section, position, icon = "System", 20, "bell"
    hint = lazy("their messages, newest first")
    empty_title = lazy("No message yet")
    empty_text = lazy("What the acquirer tells us unasked is kept here, verified or refused.")
    list_display = ("message", "became", "subject_id", "account", "times", "received")
    more_columns = ("verdict", "note", "applied_at", "last_received_at", "sha256")
    list_select_related = ("account",)
    list_filter = (NotificationQuestions, NotificationDay, AccountFilter)
    search_fields = ("subject", "sha256")
    acts = (Act("try_again", lazy("Try again…"), form=TryAgainForm, tone="main", why_not=_not_waiting),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Without the bytes, as of exchanges."""
        return super().get_queryset(request).defer("body")

    hot_rows = gather.Standing(lambda: Notification.objects.filter(status=NotificationStatus.UNAPPLIED))

    @display.column(lazy("Message"))
    def message(self, notification: Notification) -> str:
        return notification.kind or "message"

    @display.column(lazy("Became"))
    def became(self, notification: Notification) -> SafeString:
        return verdict_of_message(notification)

    @display.column(lazy("About"), is_minor=True)
    def subject_id(self, notification: Notification) -> SafeString | str:
        return display.ident(notification.subject)

    @display.column(lazy("Sent"), numeric=True, is_minor=True)
    def times(self, notification: Notification) -> str:
        return (
            say("once")
            if notification.deliveries == 1
            else say("{deliveries} times", deliveries=notification.deliveries)
        )

    @display.column(lazy("Received"), numeric=True)
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
        return Headline(notification.kind or say("Message"), chips, display.exact(notification.received_at))

    def cards(self, request: HttpRequest, notification: Notification) -> list[Card]:
        return [
            Card(
                say("The message"),
                facts=[
                    (say("About"), _thing_of(notification.subject)),
                    (say("Account"), display.to(notification.account)),
                    (say("Came to"), display.mono(notification.path)),
                    (say("Received"), display.stamp(notification.received_at)),
                    (say("Delivered"), self.times(notification)),
                    (say("Last delivered"), display.stamp(notification.last_received_at)),
                    (say("Applied"), display.stamp(notification.applied_at)),
                    (say("Tried next"), display.stamp(notification.due_at)),
                    (say("Note"), notification.note or display.NOTHING),
                    ("SHA-256", display.mono(notification.sha256)),
                ],
            ),
            Card(
                say("As it came"),
                note=say("masked; the bytes are kept encrypted"),
                texts=[
                    (
                        say("Body"),
                        _pretty(notification.masked_body) or say("(not shown: it did not verify, or is empty)"),
                    ),
                    (say("Headers"), _headers(notification.headers) or "(none)"),
                ],
                wide=True,
            ),
        ]

    def try_again(self, request: HttpRequest, notification: Notification, form: ActForm) -> Done:
        tried = inbox.try_again(Notification.objects.select_related("account").get(pk=notification.pk))
        if tried.status == NotificationStatus.APPLIED:
            return Done(say("Applied."))
        when = (
            say(" It is tried next {relative}.", relative=display.relative(tried.due_at))
            if tried.due_at and tried.due_at > clock.now()
            else ""
        )
        return Done(say("Still not applied: {note}{when}", note=tried.note, when=when), "wait")


# The search.


def _calls(keys: Sequence[Any]) -> list[Found]:
    rows = Exchange.objects.filter(pk__in=keys).defer("request_body", "response_body", "masked_request")
    return [
        Found(
            label=call.api,
            url=display.page_of(call),
            state=call.result_code or call.error.replace("_", " ") or say("No answer"),
            tone={"S": "good", "F": "bad"}.get(call.result_status, "wait"),
            at=call.sent_at,
            detail=say("{duration_ms:,} ms", duration_ms=call.duration_ms),
        )
        for call in rows.defer("masked_response")
    ]


def _messages(keys: Sequence[Any]) -> list[Found]:
    return [
        Found(
            label=message.kind or "message",
            url=display.page_of(message),
            state=message.get_status_display(),
            at=message.received_at,
            detail=message.note,
        )
        for message in Notification.objects.filter(pk__in=keys).defer("body", "masked_body")
    ]


registry.searches.register(
    "exchanges", Searched(kind="Exchanges", model=Exchange, show=_calls, mentions=("subject",)), position=80
)
registry.searches.register(
    "notifications",
    Searched(kind="Notifications", model=Notification, show=_messages, mentions=("subject",)),
    position=81,
)
