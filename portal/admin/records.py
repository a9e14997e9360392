"""The desk's pages of incidents, the journal, and people."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as stock_people  # noqa: F401 - registers what we replace below
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from portal import incidents, people, registry
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import Card, DayFilter, Headline, LedgerAdmin, Question, Questions
from portal.models import Incident, JournalEntry
from portal.registry import TodayLine
from portal.roles import ROLES

_QUEUE_AT_MOST = 50

# Incidents.


def _kind(incident: Incident) -> str:
    return incident.kind.replace("_", " ").capitalize()


def _is_closed(incident: Incident) -> str:
    return "" if incident.is_open else "It is closed already."


class TakeForm(ActForm):
    """Make an incident one's own."""

    title = "Take this incident"

    def will_happen(self) -> list[str]:
        owner = self.thing.owner
        return [
            f"{owner.get_username()} has it now; it becomes yours." if owner else "It becomes yours; others see that.",
        ]

    def button(self) -> str:
        return "Take it"


class CloseForm(ActForm):
    """Close an incident with a word on how it was resolved."""

    title = "Close this incident"
    resolution = forms.CharField(
        label="How was it resolved?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say in a few words how it was resolved."},
    )

    def will_happen(self) -> list[str]:
        return ["It leaves the queue. If it is seen again, a new one opens."]

    def button(self) -> str:
        return "Close the incident"


class IncidentQuestions(Questions):
    """What one asks about incidents."""

    questions = (
        Question("open", "Open", lambda: Q(closed_at__isnull=True)),
        Question("nobody", "Nobody has it", lambda: Q(closed_at__isnull=True, owner__isnull=True)),
        Question("closed", "Closed", lambda: Q(closed_at__isnull=False)),
    )


class IncidentDay(DayFilter):
    """By the day it opened."""

    field = "opened_at"


@admin.register(Incident)
class IncidentAdmin(LedgerAdmin):
    """What a person must look at."""

    section, position, icon = "System", 30, "incident"
    hint = "newest first"
    empty_title = "No incident"
    empty_text = "What the portal cannot settle by itself is written here, with an owner and an age."
    list_display = ("what_is_wrong", "state", "what", "owner_name", "seen", "opened")
    list_select_related = ("owner",)
    list_filter = (IncidentQuestions, IncidentDay)
    search_fields = ("subject_label", "kind")
    ordering = ("-opened_at", "-pk")
    acts = (
        Act("take", "Take it", form=TakeForm, permission="act_incident", why_not=_is_closed),
        Act("close", "Close…", form=CloseForm, permission="act_incident", tone="main", why_not=_is_closed),
    )

    def hot_count(self) -> int:
        return Incident.objects.filter(closed_at__isnull=True).count()

    @display.column("Incident", wraps=True)
    def what_is_wrong(self, incident: Incident) -> str:
        return incident.summary

    @display.column("State")
    def state(self, incident: Incident) -> SafeString:
        return display.chip("Open", "bad") if incident.is_open else display.chip("Closed", "good")

    @display.column("Kind", is_minor=True)
    def what(self, incident: Incident) -> str:
        return _kind(incident)

    @display.column("Owner", is_minor=True)
    def owner_name(self, incident: Incident) -> str:
        return incident.owner.get_username() if incident.owner else "nobody"

    @display.column("Seen", numeric=True, is_minor=True)
    def seen(self, incident: Incident) -> str:
        return "once" if incident.times_seen == 1 else f"{incident.times_seen:,} times"

    @display.column("Opened", numeric=True)
    def opened(self, incident: Incident) -> SafeString | str:
        return display.when(incident.opened_at)

    def headline(self, incident: Incident) -> Headline:
        chip = Chip("Open", "bad") if incident.is_open else Chip("Closed", "good")
        return Headline(incident.summary, (chip,), f"{_kind(incident)} · {display.relative(incident.opened_at)}")

    def cards(self, request: HttpRequest, incident: Incident) -> list[Card]:
        page = display.page_at(incident.subject_type, incident.subject_id) if incident.subject_type else ""
        return [
            Card(
                "Incident",
                facts=[
                    ("About", display.link(page, incident.subject_label or "the thing") if page else display.NOTHING),
                    ("Owner", incident.owner.get_username() if incident.owner else "nobody"),
                    ("Opened", display.stamp(incident.opened_at)),
                    ("Last seen", display.stamp(incident.last_seen_at)),
                    ("Seen", self.seen(incident)),
                    ("Closed", display.stamp(incident.closed_at)),
                    ("Closed by", incident.closed_by or display.NOTHING),
                    ("Resolution", incident.resolution or display.NOTHING),
                ],
            ),
            *([Card("What to do", text=incident.detail, wide=True)] if incident.detail else []),
        ]

    def take(self, request: HttpRequest, incident: Incident, form: TakeForm) -> str:
        incidents.take(incident, by=form.actor, remember=form.remember)
        return "The incident is yours."

    def close(self, request: HttpRequest, incident: Incident, form: CloseForm) -> str:
        incidents.close(incident, by=form.actor, resolution=form.cleaned_data["resolution"])
        return "The incident is closed."


def waiting_incidents() -> list[TodayLine]:
    """Open incidents, for the queue of the first page."""
    return [
        TodayLine(
            label=_kind(incident),
            tone="bad",
            sentence=incident.summary,
            url=display.page_of(incident),
            action="Open",
            since=incident.opened_at,
        )
        for incident in incidents.open_incidents()[:_QUEUE_AT_MOST]
    ]


registry.today.register("incidents", waiting_incidents, position=10)

# The journal.


class JournalDay(DayFilter):
    """By the day of the act."""

    field = "at"


@admin.register(JournalEntry)
class JournalEntryAdmin(LedgerAdmin):
    """Who did what to what, and why. Only ever added to."""

    section, position, icon = "System", 50, "journal"
    menu_label = "Journal"
    hint = "every act of a person, newest first"
    empty_title = "No act yet"
    empty_text = "Whatever a person does to money, consent, keys or settings is written here with its reason."
    list_display = ("act_words", "who", "on", "reason", "ended", "time")
    list_filter = (JournalDay,)
    search_fields = ("subject_label", "actor_name", "act", "subject_id")

    @display.column("Act")
    def act_words(self, entry: JournalEntry) -> str:
        return entry.act.capitalize()

    @display.column("Who")
    def who(self, entry: JournalEntry) -> str:
        return entry.actor_name or entry.actor_kind.lower()

    @display.column("On")
    def on(self, entry: JournalEntry) -> SafeString | str:
        if not entry.subject_type:
            return display.NOTHING
        return display.link(
            display.page_at(entry.subject_type, entry.subject_id), display.brief(entry.subject_label or "…")
        )

    @display.column("Reason", wraps=True, is_minor=True)
    def reason(self, entry: JournalEntry) -> str:
        code = entry.reason_code.replace("_", " ").capitalize()
        return ": ".join(part for part in (code, entry.note) if part) or display.NOTHING

    @display.column("Outcome", wraps=True, is_minor=True)
    def ended(self, entry: JournalEntry) -> str:
        return entry.outcome

    @display.column("Time", numeric=True)
    def time(self, entry: JournalEntry) -> SafeString | str:
        return display.when(entry.at)

    def headline(self, entry: JournalEntry) -> Headline:
        return Headline(
            entry.act.capitalize(), (), f"{entry.actor_name or entry.actor_kind.lower()} · {display.exact(entry.at)}"
        )

    def cards(self, request: HttpRequest, entry: JournalEntry) -> list[Card]:
        texts = [
            (title, _printed(value)) for title, value in (("Before", entry.before), ("After", entry.after)) if value
        ]
        return [
            Card(
                "The act",
                facts=[
                    ("Who", f"{entry.actor_name} ({entry.actor_kind.replace('_', ' ').lower()})"),
                    ("On", self.on(entry)),
                    ("Reason", entry.reason_code.replace("_", " ").capitalize() or display.NOTHING),
                    ("Note", entry.note or display.NOTHING),
                    ("Outcome", entry.outcome or display.NOTHING),
                    ("Time", display.stamp(entry.at)),
                ],
            ),
            *([Card("What changed", texts=texts, wide=True)] if texts else []),
        ]


def _printed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


# People.

# Django registers its own pages of people when its module is first imported, which is above; ours take their place.
admin.site.unregister([User, Group])


def _roles_field() -> "forms.ModelMultipleChoiceField[Group]":
    return forms.ModelMultipleChoiceField(
        label="Roles",
        queryset=Group.objects.order_by("name"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Give at least one role: without one, there is nothing to see here."},
    )


class PersonForm(ActForm):
    """Somebody new."""

    title = "Add a person"
    username = forms.CharField(label="User name", max_length=150, validators=[UnicodeUsernameValidator()])
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(label="E-mail", required=False)
    roles = _roles_field()
    password = forms.CharField(
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Hand it over in person; it can be changed after the first login.",
    )

    def button(self) -> str:
        return "Add this person"


class RolesForm(ActForm):
    """Other roles."""

    title = "Change the roles"
    roles = _roles_field()
    note = forms.CharField(max_length=256, required=False, help_text="Why, for whoever reads the journal.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["roles"] = [group.pk for group in self.thing.groups.all()]

    def button(self) -> str:
        return f"Change the roles of {self.thing.get_username()}"


class PasswordForm(ActForm):
    """Another password."""

    title = "Set a new password"
    password = forms.CharField(
        label="New password",
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters.",
    )
    note = forms.CharField(max_length=256, required=False, help_text="Why, for whoever reads the journal.")

    def will_happen(self) -> list[str]:
        return [f"The old password of {self.thing.get_username()} ends, and so do their open sessions."]

    def button(self) -> str:
        return f"Set the password of {self.thing.get_username()}"


class ShutOutForm(ActForm):
    """Not let in any more."""

    title = "Shut this person out"
    note = forms.CharField(max_length=256, help_text="Why, for whoever reads the journal.")

    def will_happen(self) -> list[str]:
        return [f"{self.thing.get_username()} cannot log in any more. What they did stays in the journal."]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return f"Shut {self.thing.get_username()} out"


class LetInForm(ShutOutForm):
    """Let in again."""

    title = "Let this person in again"

    def will_happen(self) -> list[str]:
        return [f"{self.thing.get_username()} can log in again, in the roles they had."]

    def is_risky(self) -> bool:
        return False

    def button(self) -> str:
        return f"Let {self.thing.get_username()} in again"


class PeopleQuestions(Questions):
    """What one asks about people."""

    questions = (
        Question("in", "May come in", lambda: Q(is_active=True)),
        Question("out", "Shut out", lambda: Q(is_active=False)),
    )


class RoleFilter(admin.SimpleListFilter):
    """By role."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in ROLES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


@admin.register(User)
class PersonAdmin(LedgerAdmin):
    """The people of the desk."""

    section, position, icon = "System", 70, "buyer"
    menu_label = "People"
    list_display = ("username", "full_name", "state", "role_names", "seen")
    list_filter = (PeopleQuestions, RoleFilter)
    search_fields = ("username", "email")
    ordering = ("username",)
    list_acts = (Act("add", "Add a person…", form=PersonForm, permission="add_user", tone="main"),)
    acts = (
        Act("change_roles", "Change roles…", form=RolesForm, permission="change_user"),
        Act("set_password", "New password…", form=PasswordForm, permission="change_user"),
        Act(
            "shut_out",
            "Shut out…",
            form=ShutOutForm,
            permission="change_user",
            tone="risk",
            why_not=lambda person: "" if person.is_active else "This person is shut out already.",
        ),
        Act(
            "let_in",
            "Let in again…",
            form=LetInForm,
            permission="change_user",
            why_not=lambda person: "This person may come in already." if person.is_active else "",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @display.column("Name", is_minor=True)
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @display.column("State")
    def state(self, person: User) -> SafeString:
        return display.chip("May come in", "good") if person.is_active else display.chip("Shut out", "bad")

    @display.column("Roles")
    def role_names(self, person: User) -> str:
        names = [group.name for group in person.groups.all()]
        return ", ".join(["Owner", *names] if person.is_superuser else names)

    @display.column("Last seen", numeric=True, is_minor=True)
    def seen(self, person: User) -> SafeString | str:
        return display.when(person.last_login)

    def headline(self, person: User) -> Headline:
        chip = Chip("May come in", "good") if person.is_active else Chip("Shut out", "bad")
        return Headline(person.get_full_name() or person.get_username(), (chip,), self.role_names(person))

    def cards(self, request: HttpRequest, person: User) -> list[Card]:
        return [
            Card(
                "Person",
                facts=[
                    ("User name", person.get_username()),
                    ("E-mail", person.email or display.NOTHING),
                    ("Roles", self.role_names(person) or "none"),
                    ("Since", display.stamp(person.date_joined)),
                    ("Last seen", display.when(person.last_login) if person.last_login else "never"),
                ],
            )
        ]

    def add(self, request: HttpRequest, thing: None, form: PersonForm) -> Done:
        said = form.cleaned_data
        person = people.add(
            said["username"],
            said["password"],
            first_name=said["first_name"],
            last_name=said["last_name"],
            email=said["email"],
            roles=said["roles"],
            by=form.actor,
            remember=form.remember,
        )
        return self.done(f"{person} may come in now.", person)

    def change_roles(self, request: HttpRequest, person: User, form: RolesForm) -> Done:
        people.change_roles(
            person,
            form.cleaned_data["roles"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        # Of one's own roles, this page may have been one: the first page is everybody's.
        return Done(f"{person} has other roles now.", url=reverse("admin:index") if person == request.user else "")

    def set_password(self, request: HttpRequest, person: User, form: PasswordForm) -> str:
        people.set_password(
            person, form.cleaned_data["password"], by=form.actor, note=form.cleaned_data["note"], remember=form.remember
        )
        return f"{person} has a new password."

    def shut_out(self, request: HttpRequest, person: User, form: ShutOutForm) -> str:
        people.shut_out(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return f"{person} cannot log in any more."

    def let_in(self, request: HttpRequest, person: User, form: LetInForm) -> str:
        people.let_in_again(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return f"{person} can log in again."
