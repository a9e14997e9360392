"""The desk's pages of webhooks: who listens, what happened, what was delivered, and every attempt at it."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import Count, IntegerField, Model, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from portal import clock, gather, outbox, registry
from portal.admin import display
from portal.admin.acts import Act, ActForm, ChosenForm, Done, NoteForm
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.models import (
    AcquirerAccount,
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.outbox import addresses, attempts, schedule
from portal.registry import Found, Searched, TimelineEntry
from portal.words import lazy, say

_ATTEMPTS_SHOWN = 100
_LAST_ATTEMPTS = 15
_TOLD_AT_MOST = 100
_TONES = {DeliveryState.WAITING: "wait", DeliveryState.DELIVERED: "good", DeliveryState.GIVEN_UP: "bad"}
_ENDPOINT_TONES = {EndpointState.ACTIVE: "good", EndpointState.PAUSED: "bad", EndpointState.DISABLED: ""}


def _pretty(body: str) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)


def _state_of(delivery: WebhookDelivery) -> Chip:
    state = DeliveryState(delivery.state)
    if state == DeliveryState.WAITING and delivery.times_tried and delivery.delivered_at is None:
        return Chip(say("Not taken yet"), "bad")
    return Chip(state.label, _TONES[state])


def _state_of_endpoint(endpoint: WebhookEndpoint) -> Chip:
    state = EndpointState(endpoint.state)
    if state == EndpointState.ACTIVE and endpoint.failures:
        return Chip(say("Failing"), "wait")
    return Chip(state.label, _ENDPOINT_TONES[state])


def _result(attempt: WebhookAttempt) -> Chip:
    word = f"HTTP {attempt.http_status}" if attempt.http_status else attempt.error.replace("_", " ").capitalize()
    return Chip(word, "good" if attempt.is_success else "bad")


# Endpoints.


class EndpointForm(NoteForm):
    """Who listens, to what."""

    title = lazy("Add a webhook endpoint")
    is_roomy = True
    name = forms.CharField(
        label=lazy("Name", sense="thing"),
        max_length=80,
        help_text=lazy("For people: which system it is, e.g. shop backend."),
    )
    url = forms.CharField(
        label=lazy("Address"),
        max_length=addresses.LONGEST_URL,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=lazy(
            "https://…, reachable from the internet. People at the desk can read it: put no secret into it."
        ),
    )
    account = forms.ModelChoiceField(
        label=lazy("Account"),
        queryset=AcquirerAccount.objects.all(),
        required=False,
        empty_label=lazy("All accounts"),
        help_text=lazy("Whose orders and wallets it hears of."),
    )
    kinds = forms.MultipleChoiceField(
        label=lazy("Events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(kind.value, kind.value) for kind in outbox.KINDS],
        help_text=lazy("None ticked: all of them, and those that will be invented."),
    )
    field_order = ("name", "url", "account", "kinds", "note")

    def will_happen(self) -> list[str]:
        return [
            say("The address is resolved and must be public; that is checked anew every time something is sent."),
            say("A secret is made. It is shown once, on the next page; the receiver verifies with it who sends."),
        ]

    def button(self) -> str:
        return say("Add this endpoint")

    def clean_url(self) -> str:
        """An address webhooks may go to."""
        given: str = self.cleaned_data["url"].strip()
        try:
            addresses.check(given, attempts.rules())
        except addresses.AddressNotAllowed as reason:
            raise forms.ValidationError(reason.message) from None
        return given

    def facts(self) -> dict[str, Any]:
        """What the endpoint is to be."""
        return {name: self.cleaned_data[name] for name in ("name", "url", "account", "kinds")}


class ChangeEndpointForm(EndpointForm):
    """The same, of an endpoint that exists."""

    title = lazy("Change the endpoint")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoint: WebhookEndpoint = self.thing
        self.initial.update(
            {"name": endpoint.name, "url": endpoint.url, "account": endpoint.account_id, "kinds": endpoint.kinds}
        )

    def will_happen(self) -> list[str]:
        return [say("What waits goes to the new address, in the bytes it had. The secret stays.")]

    def button(self) -> str:
        return say("Save the endpoint")


class RotateForm(NoteForm):
    """A new secret."""

    title = lazy("Rotate the secret")
    hours = forms.TypedChoiceField(
        label=lazy("The old secret signs too for"),
        coerce=int,
        choices=[
            ("24", lazy("a day")),
            ("1", lazy("an hour")),
            ("72", lazy("three days")),
            ("0", lazy("no time: it is known to somebody")),
        ],
        initial="24",
    )
    field_order = ("hours", "note")

    def will_happen(self) -> list[str]:
        return [
            say("A new secret is made and shown once, on the next page."),
            say(
                "Meanwhile every message carries a signature by each of the two: a receiver that knows either takes it."
            ),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Rotate the secret of “{thing_name}”", thing_name=self.thing.name)


class PauseForm(NoteForm):
    """Nothing for now."""

    title = lazy("Pause the endpoint")

    def will_happen(self) -> list[str]:
        return [say("Nothing is sent to it until somebody resumes it. What happens meanwhile is kept for it.")]

    def button(self) -> str:
        return say("Pause “{thing_name}”", thing_name=self.thing.name)


class ResumeForm(NoteForm):
    """Send again."""

    title = lazy("Resume the endpoint")

    def will_happen(self) -> list[str]:
        waiting = _not_taken().filter(endpoint=self.thing).count()
        if waiting == 1:
            return [say("One event waits for it. It is sent now.")]
        return [say("{waiting:,} events wait for it. They are sent now, oldest first.", waiting=waiting)]

    def button(self) -> str:
        return say("Resume “{thing_name}”", thing_name=self.thing.name)


class DisableForm(NoteForm):
    """No more."""

    title = lazy("Disable the endpoint")

    def will_happen(self) -> list[str]:
        return [
            say("Nothing is sent to it, and nothing that happens from now on is kept for it."),
            say("What waits for it stays, in case somebody resumes it."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Disable “{thing_name}”", thing_name=self.thing.name)


class PingForm(ActForm):
    """Does anybody hear us?"""

    title = lazy("Send a ping")

    def will_happen(self) -> list[str]:
        sentences = [
            say("A ping, signed like everything else, is sent to {url} now.", url=self.thing.url),
            say("It is about nothing: the receiver has only to answer with any 2xx."),
        ]
        if self.thing.state == EndpointState.PAUSED:
            sentences.append(say("When it is taken the endpoint is resumed, and everything that waits is sent."))
        return sentences

    def button(self) -> str:
        return say("Send the ping")


def _not_taken() -> QuerySet[WebhookDelivery]:
    """What waits and was never taken: the condition of an index, so that it is counted without reading the rest."""
    return WebhookDelivery.objects.filter(state=DeliveryState.WAITING, delivered_at__isnull=True)


def _when(state: EndpointState, sentence: str) -> Any:
    return lambda endpoint: "" if endpoint.state == state else sentence


class EndpointQuestions(Questions):
    """What one asks about endpoints."""

    questions = (
        Question("failing", lazy("Failing or paused"), lambda: Q(failures__gt=0) | Q(state=EndpointState.PAUSED)),
        Question("active", lazy("Active"), lambda: Q(state=EndpointState.ACTIVE)),
        Question("disabled", lazy("Disabled"), lambda: Q(state=EndpointState.DISABLED)),
    )


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(LedgerAdmin):
    """The merchant's systems that are told what happens."""

    section, position, icon = "Webhooks", 10, "hook"
    menu_label = lazy("Endpoints")
    hint = lazy("the merchant’s systems that are told what happens")
    empty_title = lazy("Nobody listens yet")
    empty_text = lazy(
        "Add the address of your own system, and it is told when an order is paid, refunded or cancelled."
    )
    list_display = ("name", "state_chip", "host", "hears_of", "waiting", "taken")
    list_select_related = ("account",)
    list_filter = (EndpointQuestions, AccountFilter)
    search_fields = ("name", "url")
    list_acts = (
        Act("add", lazy("Add an endpoint…"), form=EndpointForm, permission="act_webhook_endpoints", tone="main"),
    )
    acts = (
        Act("ping", lazy("Send a ping"), form=PingForm, permission="act_webhook_ping", tone="main"),
        Act(
            "resume",
            lazy("Resume…"),
            form=ResumeForm,
            permission="act_webhook_endpoints",
            why_not=lambda endpoint: say("It is active.") if endpoint.state == EndpointState.ACTIVE else "",
        ),
        Act("change", lazy("Change…"), form=ChangeEndpointForm, permission="act_webhook_endpoints"),
        Act("rotate", lazy("Rotate secret…"), form=RotateForm, permission="act_webhook_endpoints"),
        Act(
            "pause",
            lazy("Pause…"),
            form=PauseForm,
            permission="act_webhook_endpoints",
            why_not=_when(EndpointState.ACTIVE, lazy("It is not active.")),
        ),
        Act(
            "disable",
            lazy("Disable…"),
            form=DisableForm,
            permission="act_webhook_endpoints",
            tone="risk",
            why_not=lambda endpoint: say("It is disabled already.") if endpoint.state == EndpointState.DISABLED else "",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        rows: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        waiting = _not_taken().filter(endpoint=OuterRef("pk")).order_by().values("endpoint")
        count = Subquery(waiting.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
        return rows.defer("secret", "previous_secret").annotate(waiting_count=count)

    hot_rows = gather.Standing(lambda: WebhookEndpoint.objects.filter(state=EndpointState.PAUSED))

    @display.column(lazy("State"))
    def state_chip(self, endpoint: WebhookEndpoint) -> SafeString:
        return _state_of_endpoint(endpoint).__html__()

    @display.column(lazy("Host"), is_minor=True)
    def host(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return display.cut(urlsplit(endpoint.url).netloc)

    @display.column(lazy("Hears of"), is_minor=True, wraps=True)
    def hears_of(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.kinds) or say("everything")

    @display.column(lazy("Waiting"), numeric=True)
    def waiting(self, endpoint: WebhookEndpoint) -> str:
        return f"{endpoint.waiting_count:,}" if endpoint.waiting_count else display.NOTHING  # type: ignore[attr-defined]

    @display.column(lazy("Last taken"), numeric=True, is_minor=True)
    def taken(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return display.when(endpoint.last_success_at)

    def headline(self, endpoint: WebhookEndpoint) -> Headline:
        return Headline(endpoint.name, (_state_of_endpoint(endpoint),), endpoint.url)

    def cards(self, request: HttpRequest, endpoint: WebhookEndpoint) -> list[Card]:
        tried = endpoint.tries.select_related("delivery__event")[:_LAST_ATTEMPTS]
        until = endpoint.previous_secret_until
        is_overlap = until is not None and until > clock.now()
        waits = f"{endpoint.waiting_count:,}" if endpoint.waiting_count else say("nothing")  # type: ignore[attr-defined]
        return [
            Card(
                say("Last attempts"),
                note=say("newest first"),
                wide=True,
                table=Table(
                    head=(say("Event"), say("Result"), say("Took"), say("Time")),
                    rows=[
                        (
                            display.to(attempt.delivery, attempt.delivery.event.kind) if attempt.delivery else "ping",
                            _result(attempt),
                            say("{duration_ms:,} ms", duration_ms=attempt.duration_ms),
                            display.stamp(attempt.at),
                        )
                        for attempt in tried
                    ],
                    numeric=frozenset({2, 3}),
                    empty=say("Nothing was sent to it yet. Send a ping to see whether it hears."),
                ),
            ),
            Card(
                say("Endpoint"),
                facts=[
                    (say("Address"), display.mono(endpoint.url)),
                    (say("Account"), display.to(endpoint.account) if endpoint.account else say("all")),
                    (say("Hears of"), ", ".join(endpoint.kinds) or say("everything")),
                    (say("Waiting"), waits),
                    (say("Last taken"), display.stamp(endpoint.last_success_at)),
                    (say("Failing since"), display.stamp(endpoint.failing_since)),
                    (say("Failed in a row"), f"{endpoint.failures:,}" if endpoint.failures else display.NOTHING),
                    (say("Pings itself next"), display.stamp(endpoint.due_at)),
                    (say("Why"), endpoint.state_note or display.NOTHING),
                    (say("Old secret signs until"), display.stamp(until) if is_overlap else display.NOTHING),
                    (say("Added"), display.stamp(endpoint.created_at)),
                ],
            ),
        ]

    # The acts.

    def add(self, request: HttpRequest, thing: None, form: EndpointForm) -> HttpResponse:
        endpoint, secret = outbox.add(
            form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember
        )
        return self._shows(request, endpoint, secret)

    def change(self, request: HttpRequest, endpoint: WebhookEndpoint, form: EndpointForm) -> str:
        outbox.change(endpoint, form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("The endpoint is saved. Send a ping to see whether it hears.")

    def rotate(self, request: HttpRequest, endpoint: WebhookEndpoint, form: RotateForm) -> HttpResponse:
        hours = form.cleaned_data["hours"]
        secret = outbox.rotate_secret(
            endpoint,
            overlap=timedelta(hours=hours),
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return self._shows(request, endpoint, secret, hours=hours)

    def _shows(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str, *, hours: int = 0) -> HttpResponse:
        context = {
            **self.page_context(request, endpoint),
            "title": say("The secret"),
            "endpoint": endpoint,
            "secret": secret,
            "hours": hours,
            "home": self.home_of(endpoint),
        }
        return TemplateResponse(request, "admin/portal/webhook_secret.html", context)

    def pause(self, request: HttpRequest, endpoint: WebhookEndpoint, form: PauseForm) -> Done:
        outbox.pause(endpoint, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("The endpoint is paused. What happens is kept for it."), "wait")

    def resume(self, request: HttpRequest, endpoint: WebhookEndpoint, form: ResumeForm) -> str:
        outbox.resume(endpoint, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("The endpoint is resumed. What waited is being sent.")

    def disable(self, request: HttpRequest, endpoint: WebhookEndpoint, form: DisableForm) -> Done:
        outbox.disable(endpoint, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("The endpoint is disabled."), "wait")

    def ping(self, request: HttpRequest, endpoint: WebhookEndpoint, form: PingForm) -> Done:
        was = endpoint.state
        attempt = outbox.ping(WebhookEndpoint.objects.get(pk=endpoint.pk), by=form.actor, remember=form.remember)
        if attempt.is_success:
            resumed = say(" It is resumed, and what waited is being sent.") if was == EndpointState.PAUSED else ""
            return Done(
                say(
                    "It took the ping: HTTP {http_status} in {duration_ms:,} ms.{resumed}",
                    http_status=attempt.http_status,
                    duration_ms=attempt.duration_ms,
                    resumed=resumed,
                )
            )
        said = f"HTTP {attempt.http_status}" if attempt.http_status else attempt.error.replace("_", " ")
        about = " ".join(
            part
            for part in (attempt.note, say("It said: {answer}", answer=attempt.answer) if attempt.answer else "")
            if part
        )
        return Done(say("It did not take the ping: {said}. {about}", said=said, about=about).strip(), "bad")


# Events.


class KindFilter(admin.SimpleListFilter):
    """By what happened; ``path`` leads to the kind from the listed row."""

    title = "event"
    parameter_name = "kind"
    path = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, kind.value) for kind in outbox.KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.path: self.value()}) if self.value() else queryset


class SendForm(NoteForm):
    """To endpoints that missed it."""

    title = lazy("Send this event")
    endpoints = forms.ModelMultipleChoiceField(
        label=lazy("To"),
        queryset=WebhookEndpoint.objects.filter(state=EndpointState.ACTIVE),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": lazy("Tick at least one endpoint.")},
    )
    field_order = ("endpoints", "note")

    def will_happen(self) -> list[str]:
        return [
            say("The same bytes under the same id are sent to each: a receiver that had it can tell."),
            say("An endpoint gets it even if it was added after it happened."),
        ]

    def button(self) -> str:
        return say("Send it")


@admin.register(WebhookEvent)
class WebhookEventAdmin(LedgerAdmin):
    """What happened, in the bytes that are sent."""

    section, position, icon = "Webhooks", 20, "event"
    menu_label = lazy("Events")
    hint = lazy("what happened while somebody listened, newest first")
    empty_title = lazy("No event yet")
    empty_text = lazy("What happens to orders and wallets is written here from the moment an endpoint listens.")
    list_display = ("what", "of", "event_account", "taken", "happened")
    list_select_related = ("account",)
    list_filter = (KindFilter, DayFilter, AccountFilter)
    search_fields = ("event_id", "subject_label")
    acts = (Act("send", lazy("Send…"), form=SendForm, permission="act_webhook_resend"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        deliveries = WebhookDelivery.objects.select_related("endpoint").order_by("pk")
        return super().get_queryset(request).prefetch_related(Prefetch("deliveries", deliveries))

    def may_act(self, request: HttpRequest, act: Act) -> bool:
        """One permission for resending, whether it begins at the event or at a delivery."""
        return request.user.has_perm(f"portal.{act.codename}")

    @display.column(lazy("Event"))
    def what(self, event: WebhookEvent) -> str:
        return event.kind

    @display.column(lazy("Of", sense="column"))
    def of(self, event: WebhookEvent) -> SafeString | str:
        return display.ident(event.subject_label)

    @display.column(lazy("Account"), is_minor=True)
    def event_account(self, event: WebhookEvent) -> str:
        return str(event.account)

    @display.column(lazy("Deliveries"))
    def taken(self, event: WebhookEvent) -> SafeString:
        return _taken(event).__html__()

    @display.column(lazy("Happened"), numeric=True, is_minor=True)
    def happened(self, event: WebhookEvent) -> SafeString | str:
        return display.when(event.created_at)

    def headline(self, event: WebhookEvent) -> Headline:
        of = display.link(display.page_at(event.subject_type, event.subject_id), event.subject_label)
        return Headline(event.kind, (_taken(event),), of)

    def cards(self, request: HttpRequest, event: WebhookEvent) -> list[Card]:
        deliveries = list(event.deliveries.all())
        return [
            Card(
                say("Deliveries"),
                wide=True,
                table=Table(
                    head=(say("Endpoint"), say("State"), say("Last said"), say("Tried")),
                    rows=[
                        (
                            display.to(delivery, display.cut(delivery.endpoint.name)),
                            _state_of(delivery),
                            delivery.said or display.NOTHING,
                            f"{delivery.times_tried:,}",
                        )
                        for delivery in deliveries
                    ],
                    numeric=frozenset({3}),
                    empty=say("Its deliveries are being made."),
                ),
            ),
            Card(
                say("Event"),
                facts=[
                    (say("Id"), display.mono(event.event_id)),
                    (say("Of", sense="column"), self.headline(event).line),
                    (
                        say("Number"),
                        say(
                            "{sequence} of this {rpartition}",
                            sequence=event.sequence,
                            rpartition=event.subject_type.rpartition(".")[2].lower(),
                        ),
                    ),
                    (say("Account"), display.to(event.account)),
                    (say("Happened"), display.stamp(event.created_at)),
                    (say("Size"), say("{body:,} bytes", body=len(event.body))),
                ],
            ),
            Card(
                say("What is sent"),
                note=say("laid out here; sent without blanks, always the same bytes"),
                texts=[(say("Body"), _pretty(event.body))],
                wide=True,
            ),
        ]

    def send(self, request: HttpRequest, event: WebhookEvent, form: SendForm) -> str:
        sent = outbox.send_to(
            event, form.cleaned_data["endpoints"], by=form.actor, note=form.cleaned_data["note"], remember=form.remember
        )
        return say(
            "It is being sent to {endpoint_name}.",
            endpoint_name=", ".join(delivery.endpoint.name for delivery in sent),
        )


def _taken(event: WebhookEvent) -> Chip:
    """How far an event has come, from the deliveries fetched with it."""
    deliveries = list(event.deliveries.all())
    taken = sum(delivery.delivered_at is not None for delivery in deliveries)
    if not deliveries:
        return Chip(say("To be sent"), "wait")
    if taken == len(deliveries):
        return Chip(say("Taken") if taken == 1 else say("Taken by {taken}", taken=taken), "good")
    lost = any(delivery.state == DeliveryState.GIVEN_UP for delivery in deliveries)
    words = (
        say("Given up")
        if lost and len(deliveries) == 1
        else say("Taken by {taken} of {deliveries}", taken=taken, deliveries=len(deliveries))
    )
    return Chip(words, "bad" if lost else "wait")


# Deliveries.


class ResendForm(NoteForm):
    """Once more."""

    title = lazy("Resend this webhook")

    def will_happen(self) -> list[str]:
        sentence = say(
            "The same bytes under the same id are sent to {endpoint} now, signed anew.", endpoint=self.thing.endpoint
        )
        if self.thing.delivered_at is not None:
            return [sentence, say("It was taken already: the receiver can tell by the id.")]
        return [sentence]

    def button(self) -> str:
        return say("Resend it")


class LetGoForm(NoteForm):
    """No more."""

    title = lazy("Let this webhook go")

    def will_happen(self) -> list[str]:
        return [
            say("It is not sent to {endpoint} any more. It can be resent later.", endpoint=self.thing.endpoint),
            say("Later events of the same object, which wait for it, go on."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Let it go")


class ResendChosenForm(NoteForm, ChosenForm):
    """Several, each as if it were the only one."""

    title = lazy("Resend webhooks")

    def rows(self) -> QuerySet[WebhookDelivery]:
        return WebhookDelivery.objects.select_related("endpoint", "event").order_by("pk")

    def will_happen(self) -> list[str]:
        if not self.count():
            return [say("Nothing is chosen. Go back and tick the rows in the list.")]
        return [
            say("Each is sent to its endpoint once more: the same bytes under the same id, in the order of its object.")
        ]

    def button(self) -> str:
        return say("Resend {count} webhook{ending}", count=self.count(), ending="" if self.count() == 1 else "s")


class DeliveryQuestions(Questions):
    """What one asks about deliveries."""

    questions = (
        Question(
            "failing",
            lazy("Not taken yet"),
            lambda: Q(state=DeliveryState.WAITING, times_tried__gt=0, delivered_at__isnull=True),
        ),
        Question("waiting", lazy("Waiting"), lambda: Q(state=DeliveryState.WAITING)),
        Question("given_up", lazy("Given up"), lambda: Q(state=DeliveryState.GIVEN_UP)),
        Question("delivered", lazy("Delivered"), lambda: Q(state=DeliveryState.DELIVERED)),
    )


class KindOfDelivery(KindFilter):
    """By what happened."""

    path = "event__kind"


class EndpointFilter(admin.SimpleListFilter):
    """By the endpoint."""

    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in WebhookEndpoint.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(endpoint_id=int(value)) if value.isdecimal() and len(value) < 19 else queryset


def _endpoint_not_active(delivery: WebhookDelivery) -> str:
    if delivery.endpoint.state == EndpointState.ACTIVE:
        return ""
    return say(
        "{endpoint} is {state}. Resume it first.",
        endpoint=delivery.endpoint,
        state=delivery.endpoint.get_state_display().lower(),
    )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LedgerAdmin):
    """One event on its way to one endpoint."""

    section, position, icon = "Webhooks", 30, "send"
    menu_label = lazy("Deliveries")
    hint = lazy("each event to each endpoint, newest first")
    empty_title = lazy("No delivery yet")
    empty_text = lazy("Each event makes one delivery for each endpoint that listens.")
    list_display = ("what", "delivery_state", "of", "to_endpoint", "last_said", "tried", "made")
    list_select_related = ("event", "endpoint")
    page_select_related = ("event__account", "endpoint__account")
    list_filter = (DeliveryQuestions, KindOfDelivery, EndpointFilter, DayFilter)
    search_fields = ("event__event_id", "event__subject_label")
    list_acts = (
        Act(
            "resend_chosen",
            lazy("Resend ticked…"),
            form=ResendChosenForm,
            permission="act_webhook_resend",
            of_chosen=True,
        ),
    )
    acts = (
        Act(
            "resend",
            lazy("Resend…"),
            form=ResendForm,
            permission="act_webhook_resend",
            tone="main",
            why_not=_endpoint_not_active,
        ),
        Act(
            "let_go",
            lazy("Let go…"),
            form=LetGoForm,
            permission="act_webhook_resend",
            tone="risk",
            why_not=lambda delivery: "" if delivery.state == DeliveryState.WAITING else say("It waits no longer."),
        ),
    )

    @display.column(lazy("Event"))
    def what(self, delivery: WebhookDelivery) -> str:
        return delivery.event.kind

    @display.column(lazy("State"))
    def delivery_state(self, delivery: WebhookDelivery) -> SafeString:
        return _state_of(delivery).__html__()

    @display.column(lazy("Of", sense="column"), is_minor=True)
    def of(self, delivery: WebhookDelivery) -> SafeString | str:
        return display.ident(delivery.event.subject_label)

    @display.column(lazy("To"))
    def to_endpoint(self, delivery: WebhookDelivery) -> SafeString | str:
        return display.cut(delivery.endpoint.name)

    @display.column(lazy("Last said"), is_minor=True)
    def last_said(self, delivery: WebhookDelivery) -> str:
        return delivery.said

    @display.column(lazy("Tried"), numeric=True, is_minor=True)
    def tried(self, delivery: WebhookDelivery) -> str:
        return f"{delivery.times_tried:,}" if delivery.times_tried else display.NOTHING

    @display.column(lazy("Made"), numeric=True, is_minor=True)
    def made(self, delivery: WebhookDelivery) -> SafeString | str:
        return display.when(delivery.created_at)

    def headline(self, delivery: WebhookDelivery) -> Headline:
        return Headline(
            delivery.event.kind,
            (_state_of(delivery),),
            display.joined(
                (display.to(delivery.endpoint, say("to {endpoint}", endpoint=delivery.endpoint)), self._of(delivery))
            ),
        )

    @staticmethod
    def _of(delivery: WebhookDelivery) -> SafeString:
        page = display.page_at(delivery.subject_type, delivery.subject_id)
        return display.link(page, delivery.event.subject_label)

    def timeline(self, delivery: WebhookDelivery) -> Iterator[TimelineEntry]:
        yield TimelineEntry(
            delivery.event.created_at,
            say("It happened: {kind}", kind=delivery.event.kind),
            links=((say("Event"), display.page_of(delivery.event)),),
        )
        tried = list(delivery.tries.all()[:_ATTEMPTS_SHOWN])
        for attempt in tried:
            said = f"HTTP {attempt.http_status}" if attempt.http_status else attempt.error.replace("_", " ")
            sentence = say("Taken: {said}", said=said) if attempt.is_success else say("Not taken: {said}", said=said)
            answer = say("It said: {answer}", answer=attempt.answer) if attempt.answer else ""
            where = say(
                "{duration_ms:,} ms{it}",
                duration_ms=attempt.duration_ms,
                it=say(" at {address}", address=attempt.address) if attempt.address else "",
            )
            detail = " · ".join(part for part in (where, attempt.note, answer) if part)
            yield TimelineEntry(attempt.at, sentence, detail, "good" if attempt.is_success else "bad")
        if delivery.state == DeliveryState.GIVEN_UP and delivery.finished_at is not None:
            yield TimelineEntry(
                delivery.finished_at, say("Given up"), say("Later events of the same object go on."), "bad"
            )

    def cards(self, request: HttpRequest, delivery: WebhookDelivery) -> list[Card]:
        rung = min(delivery.attempts, len(schedule.LADDER))
        return [
            Card(
                say("Delivery"),
                facts=[
                    (say("Event"), display.to(delivery.event, delivery.event.event_id)),
                    (say("Of", sense="column"), self._of(delivery)),
                    (say("Number"), str(delivery.sequence)),
                    (say("Endpoint"), display.to(delivery.endpoint)),
                    (
                        say("Tried"),
                        say("{times_tried:,} times", times_tried=delivery.times_tried)
                        if delivery.times_tried != 1
                        else say("once"),
                    ),
                    (say("Taken"), display.stamp(delivery.delivered_at)),
                    (say("Tried next"), _next(delivery)),
                    (
                        say("Ladder"),
                        say("{rung} of {LADDER} pauses", rung=rung, LADDER=len(schedule.LADDER))
                        if rung
                        else display.NOTHING,
                    ),
                ],
            ),
            Card(
                say("What is sent"),
                note=say("laid out here; sent without blanks, always the same bytes"),
                texts=[(say("Body"), _pretty(delivery.event.body))],
                wide=True,
            ),
        ]

    def resend(self, request: HttpRequest, delivery: WebhookDelivery, form: ResendForm) -> Done:
        outbox.resend(delivery, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("It is being sent. Look again in a moment."), "wait")

    def let_go(self, request: HttpRequest, delivery: WebhookDelivery, form: LetGoForm) -> Done:
        outbox.let_go(delivery, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("It is not sent any more. What waited for it goes on."), "wait")

    def resend_chosen(self, request: HttpRequest, thing: None, form: ResendChosenForm) -> Done:
        chosen: Sequence[WebhookDelivery] = form.cleaned_data["chosen"]
        sent, left = outbox.resend_all(chosen, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        words = say("{sent} webhook{ending} being sent.", sent=sent, ending=" is" if sent == 1 else say("s are"))
        if not left:
            return Done(words, "wait")
        return Done(
            say("{words} {left} stay where they are: their endpoint is not active.", words=words, left=left), "bad"
        )


def _next(delivery: WebhookDelivery) -> SafeString | str:
    if delivery.state != DeliveryState.WAITING:
        return display.NOTHING
    if delivery.due_at is None or delivery.endpoint.state != EndpointState.ACTIVE:
        return say("when its endpoint is active again")
    return display.stamp(delivery.due_at) if delivery.due_at > clock.now() else say("now, in its turn")


# What other pages show.


def told(thing: Any) -> list[TimelineEntry]:
    """The events about a thing, for the timeline of its page."""
    if not isinstance(thing, Model):
        return []
    deliveries = WebhookDelivery.objects.select_related("endpoint").order_by("pk")
    events = WebhookEvent.objects.filter(subject_type=thing._meta.label, subject_id=str(thing.pk)).prefetch_related(
        Prefetch("deliveries", deliveries)
    )[:_TOLD_AT_MOST]
    return [
        TimelineEntry(
            event.created_at,
            say("Webhook {kind}", kind=event.kind),
            ", ".join(
                f"{delivery.endpoint}: {_state_of(delivery).word.lower()}" for delivery in event.deliveries.all()
            ),
            links=((say("Webhook"), display.page_of(event)),),
        )
        for event in events
    ]


def _found(keys: Sequence[Any]) -> list[Found]:
    rows = WebhookEvent.objects.filter(pk__in=keys).defer("body").prefetch_related("deliveries")
    return [
        Found(
            label=event.event_id,
            url=display.page_of(event),
            state=_taken(event).word,
            tone=_taken(event).tone,
            at=event.created_at,
            detail=say("{kind} of {subject_label}", kind=event.kind, subject_label=event.subject_label),
        )
        for event in rows
    ]


registry.timelines.register("webhooks", told, position=60)
registry.searches.register(
    "webhook events",
    Searched(kind="Webhook events", model=WebhookEvent, show=_found, own=("event_id",), mentions=("subject_label",)),
    position=60,
)
