"""The desk's pages of incidents and the journal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal import gather, incidents, registry
from portal.admin import display
from portal.admin.acts import Act, ActForm
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import Card, Headline, LedgerAdmin, Question, Questions
from portal.models import Approval, Incident, JournalEntry
from portal.registry import Found, Searched, TodayLine, TodayQueue
from portal.words import lazy, say, told

_QUEUE_AT_MOST = 50
_PEOPLE_AT_MOST = 200
_DIGITS = 9
_DECIDING = ("approve", "break")
"""How acts of those begin who decide on requests."""

# Incidents.


def _kind(incident: Incident) -> str:
    return incident.kind.replace("_", " ").capitalize()


def _is_closed(incident: Incident) -> str:
    return "" if incident.is_open else say("It is closed already.")


class TakeForm(ActForm):
    """Make an incident one's own."""

    title = lazy("Take this incident")

    def will_happen(self) -> list[str]:
        owner = self.thing.owner
        return [
            say("{owner} has it now; it becomes yours.", owner=owner.get_username())
            if owner
            else say("It becomes yours; others see that."),
        ]

    def button(self) -> str:
        return say("Take it")


class CloseForm(ActForm):
    """Close an incident with a word on how it was resolved."""

    title = lazy("Close this incident")
    resolution = forms.CharField(
        label=lazy("How was it resolved?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": lazy("Say in a few words how it was resolved.")},
    )

    def will_happen(self) -> list[str]:
        return [say("It leaves the queue. If it is seen again, a new one opens.")]

    def button(self) -> str:
        return say("Close the incident")


class IncidentQuestions(Questions):
    """What one asks about incidents."""

    questions = (
        Question("open", lazy("Open"), lambda: Q(closed_at__isnull=True)),
        Question("nobody", lazy("Nobody has it"), lambda: Q(closed_at__isnull=True, owner__isnull=True)),
        Question("closed", lazy("Closed"), lambda: Q(closed_at__isnull=False)),
    )


class IncidentDay(DayFilter):
    """By the day it opened."""

    field = "opened_at"


@admin.register(Incident)
class IncidentAdmin(LedgerAdmin):
    """What a person must look at."""

    section, position, icon = "System", 30, "incident"
    hint = lazy("newest first")
    empty_title = lazy("No incident")
    empty_text = lazy("What the portal cannot settle by itself is written here, with an owner and an age.")
    list_display = ("what_is_wrong", "state", "what", "owner_name", "seen", "opened")
    list_select_related = ("owner",)
    list_filter = (IncidentQuestions, IncidentDay)
    search_fields = ("subject_label", "kind")
    ordering = ("-opened_at", "-pk")
    acts = (
        Act("take", lazy("Take it"), form=TakeForm, permission="act_incident", why_not=_is_closed),
        Act("close", lazy("Close…"), form=CloseForm, permission="act_incident", tone="main", why_not=_is_closed),
    )

    hot_rows = gather.Standing(lambda: Incident.objects.filter(closed_at__isnull=True))

    @display.column(lazy("Incident"), wraps=True)
    def what_is_wrong(self, incident: Incident) -> str:
        return incident.summary

    @display.column(lazy("State"))
    def state(self, incident: Incident) -> SafeString:
        return display.chip(say("Open"), "bad") if incident.is_open else display.chip(say("Closed"), "good")

    @display.column(lazy("Kind"), is_minor=True)
    def what(self, incident: Incident) -> str:
        return _kind(incident)

    @display.column(lazy("Owner"), is_minor=True)
    def owner_name(self, incident: Incident) -> str:
        return incident.owner.get_username() if incident.owner else say("nobody")

    @display.column(lazy("Seen"), numeric=True, is_minor=True)
    def seen(self, incident: Incident) -> str:
        return say("once") if incident.times_seen == 1 else say("{times_seen:,} times", times_seen=incident.times_seen)

    @display.column(lazy("Opened"), numeric=True)
    def opened(self, incident: Incident) -> SafeString | str:
        return display.when(incident.opened_at)

    def headline(self, incident: Incident) -> Headline:
        chip = Chip(say("Open"), "bad") if incident.is_open else Chip(say("Closed"), "good")
        return Headline(incident.summary, (chip,), f"{_kind(incident)} · {display.relative(incident.opened_at)}")

    def cards(self, request: HttpRequest, incident: Incident) -> list[Card]:
        page = display.page_at(incident.subject_type, incident.subject_id) if incident.subject_type else ""
        return [
            Card(
                say("Incident"),
                facts=[
                    (
                        say("About"),
                        display.link(page, incident.subject_label or say("the thing")) if page else display.NOTHING,
                    ),
                    (say("Owner"), incident.owner.get_username() if incident.owner else say("nobody")),
                    (say("Opened"), display.stamp(incident.opened_at)),
                    (say("Last seen"), display.stamp(incident.last_seen_at)),
                    (say("Seen"), self.seen(incident)),
                    (say("Closed"), display.stamp(incident.closed_at)),
                    (say("Closed by"), incident.closed_by or display.NOTHING),
                    (say("Resolution"), incident.resolution or display.NOTHING),
                ],
            ),
            *([Card(say("What to do"), text=incident.detail, wide=True)] if incident.detail else []),
        ]

    def take(self, request: HttpRequest, incident: Incident, form: TakeForm) -> str:
        incidents.take(incident, by=form.actor, remember=form.remember)
        return say("The incident is yours.")

    def close(self, request: HttpRequest, incident: Incident, form: CloseForm) -> str:
        incidents.close(incident, by=form.actor, resolution=form.cleaned_data["resolution"])
        return say("The incident is closed.")


_SAID_ON_TODAY = ("pk", "kind", "summary", "opened_at")
_OPEN = gather.Standing(lambda: incidents.open_incidents().values(*_SAID_ON_TODAY)[:_QUEUE_AT_MOST])


def _lines_of_today(rows: Sequence[Mapping[str, Any]]) -> list[TodayLine]:
    return [
        TodayLine(
            label=_kind(incident),
            tone="bad",
            sentence=incident.summary,
            url=display.page_of(incident),
            action=say("Open", sense="act"),
            since=incident.opened_at,
        )
        for incident in (Incident(**row) for row in rows)
    ]


registry.today.register("incidents", TodayQueue("portal.view_incident", [_OPEN], _OPEN, _lines_of_today), position=10)


def _found(keys: Sequence[Any]) -> list[Found]:
    return [
        Found(
            label=incident.summary,
            url=display.page_of(incident),
            state=say("Open") if incident.is_open else say("Closed"),
            tone="bad" if incident.is_open else "good",
            at=incident.opened_at,
            detail=incident.subject_label,
        )
        for incident in Incident.objects.filter(pk__in=keys).order_by("-opened_at")
    ]


registry.searches.register(
    "incidents",
    Searched(kind="Incidents", model=Incident, show=_found, mentions=("subject_label",)),
    position=70,
)

# The journal.


class JournalDay(DayFilter):
    """By the day of the act."""

    field = "at"


class JournalPerson(admin.SimpleListFilter):
    """By who acted."""

    title = "who"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Everybody who may come in, or might; names of people are nobody's to translate."""
        people = User.objects.order_by("username").values_list("pk", "username")[:_PEOPLE_AT_MOST]
        return [(str(pk), username) for pk, username in people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Answered by the index of the person."""
        value = self.value() or ""
        return queryset.filter(user_id=int(value)) if value.isdecimal() and len(value) <= _DIGITS else queryset


class JournalSubject(admin.SimpleListFilter):
    """By what it is about: a kind of things, or, from the thing's own page, that one."""

    title = "about"
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The kinds that have pages, and the one thing that is asked about."""
        kinds = [
            (model._meta.label, str(model._meta.verbose_name).capitalize())
            for model, its_admin in model_admin.admin_site._registry.items()
            if isinstance(its_admin, LedgerAdmin) and its_admin.section
        ]
        chosen = self.value() or ""
        label, slash, key = chosen.partition("/")
        one = [(chosen, f"{dict(kinds).get(label, label)} {key}")] if slash else []
        return [*one, *sorted(kinds, key=lambda kind: kind[1])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Answered by the index of subjects."""
        label, slash, key = (self.value() or "").partition("/")
        if label:
            queryset = queryset.filter(subject_type=label)
        return queryset.filter(subject_id=key) if slash else queryset


@admin.register(JournalEntry)
class JournalEntryAdmin(LedgerAdmin):
    """Who did what to what, and why. Only ever added to."""

    section, position, icon = "System", 50, "journal"
    menu_label = lazy("Journal")
    hint = lazy("every act of a person, newest first")
    empty_title = lazy("No act yet")
    empty_text = lazy("Whatever a person does to money, consent, keys or settings is written here with its reason.")
    list_display = ("act_words", "who", "on", "reason", "ended", "time")
    list_filter = (JournalPerson, JournalSubject, JournalDay)
    search_fields = ("subject_label", "actor_name", "act", "subject_id")

    @display.column(lazy("Act"))
    def act_words(self, entry: JournalEntry) -> str:
        return entry.act.capitalize()

    @display.column(lazy("Who"))
    def who(self, entry: JournalEntry) -> SafeString | str:
        return display.person(entry.actor_name) if entry.actor_name else entry.actor_kind.lower()

    @display.column(lazy("On", sense="column"), wraps=True)
    def on(self, entry: JournalEntry) -> SafeString | str:
        if not entry.subject_type:
            return display.NOTHING
        return display.link(
            display.page_at(entry.subject_type, entry.subject_id), display.crumb(entry.subject_label or "…")
        )

    @display.column(lazy("Reason"), wraps=True, is_minor=True)
    def reason(self, entry: JournalEntry) -> str:
        code = display.reason_words(entry.reason_code)
        return ": ".join(part for part in (code, entry.note) if part) or display.NOTHING

    @display.column(lazy("Outcome"), wraps=True, is_minor=True)
    def ended(self, entry: JournalEntry) -> str:
        return told(entry.outcome, is_ours=True) or getattr(entry, "became", "")

    def read_beside(self, rows: Sequence[JournalEntry]) -> None:
        """What became of the requests that were decided: their lines were written before anybody knew."""
        decided = [entry for entry in rows if entry.subject_type == Approval._meta.label and not entry.outcome]
        if not decided:
            return
        keys = [int(entry.subject_id) for entry in decided if entry.subject_id.isdecimal()]
        ends = {str(one.pk): one for one in Approval.objects.filter(pk__in=keys, finished_at__isnull=False)}
        for entry in decided:
            approval = ends.get(entry.subject_id)
            if approval is not None and entry.act.startswith(_DECIDING):
                words = (told(approval.get_status_display()), told(approval.result, is_ours=True))
                entry.became = " · ".join(filter(None, words))  # type: ignore[attr-defined]

    @display.column(lazy("Time"), numeric=True)
    def time(self, entry: JournalEntry) -> SafeString | str:
        return display.when(entry.at)

    def headline(self, entry: JournalEntry) -> Headline:
        return Headline(
            entry.act.capitalize(), (), f"{entry.actor_name or entry.actor_kind.lower()} · {display.exact(entry.at)}"
        )

    def cards(self, request: HttpRequest, entry: JournalEntry) -> list[Card]:
        self.read_beside([entry])
        texts = [
            (title, _printed(value))
            for title, value in ((say("Before"), entry.before), (say("After"), entry.after))
            if value
        ]
        return [
            Card(
                say("The act"),
                facts=[
                    (say("Who"), f"{entry.actor_name} ({entry.actor_kind.replace('_', ' ').lower()})"),
                    (say("On", sense="column"), self.on(entry)),
                    (say("Reason"), display.reason_words(entry.reason_code) or display.NOTHING),
                    (say("Note"), entry.note or display.NOTHING),
                    (say("Outcome"), self.ended(entry) or display.NOTHING),
                    (say("Time"), display.stamp(entry.at)),
                ],
            ),
            *([Card(say("What changed"), texts=texts, wide=True)] if texts else []),
        ]


def _printed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
