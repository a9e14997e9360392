"""The desk's pages of people: who may come in, in which roles, who came in, and from where."""

from typing import Any

from allauth.account import admin as stock_addresses  # noqa: F401 - registers what we take away below
from allauth.account.models import EmailAddress
from allauth.mfa import admin as stock_factors  # noqa: F401 - as above
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth import admin as stock_people  # noqa: F401 - registers what we replace below
from django.contrib.auth import logout
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from portal import approvals, factors, people, sessions, signing_in
from portal.actor import Actor
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.models import SignIn, SignInOutcome
from portal.roles import PURPOSES
from portal.words import lazy, say, told

# Django and allauth register pages of their own when their modules are first imported, which is above. Ours take the
# place of Django's; allauth's would show what nobody needs to see.
admin.site.unregister([User, Group, Authenticator, EmailAddress])
_SIGN_INS_AT_MOST = 10


class _RolesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic when it runs
    """Roles to tick, in the reader's language."""

    def label_from_instance(self, group: Any) -> str:
        return told(str(group), is_ours=True)


def _roles_field() -> _RolesField:
    return _RolesField(
        label=lazy("Roles"),
        queryset=Group.objects.order_by("name"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": lazy("Give at least one role: without one, there is nothing to see here.")},
    )


def _asked(actor: Actor, kind: str = people.ROLES) -> list[str]:
    why = approvals.would_need(kind, by=actor)
    return [say("{why}: this becomes a request.", why=why)] if why else []


class PersonForm(ActForm):
    """Somebody new."""

    title = lazy("Invite a person")
    username = forms.CharField(label=lazy("User name"), max_length=150, validators=[UnicodeUsernameValidator()])
    first_name = forms.CharField(label=lazy("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=lazy("Last name"), max_length=150, required=False)
    email = forms.EmailField(label=lazy("E-mail"), required=False)
    roles = _roles_field()

    def will_happen(self) -> list[str]:
        return [
            say(
                "You get a link, shown once, to hand over. It is good for 48 hours and one password, theirs to choose."
            ),
            *_asked(self.actor),
        ]

    def button(self) -> str:
        return say("Invite this person")


class RolesForm(ActForm):
    """Other roles."""

    title = lazy("Change the roles")
    roles = _roles_field()
    note = forms.CharField(
        label=lazy("Note"), max_length=256, required=False, help_text=lazy("Why, for whoever reads the journal.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["roles"] = [group.pk for group in self.thing.groups.all()]

    def will_happen(self) -> list[str]:
        return _asked(self.actor)

    def button(self) -> str:
        return say("Change the roles of {thing}", thing=self.thing.get_username())


class InviteAgainForm(ActForm):
    """Another invitation."""

    title = lazy("Invite again")
    note = forms.CharField(
        label=lazy("Note"), max_length=256, required=False, help_text=lazy("Why, for whoever reads the journal.")
    )

    def will_happen(self) -> list[str]:
        return [
            say(
                "The password of {thing} ends, and so do their sessions and any older invitation.",
                thing=self.thing.get_username(),
            ),
            say("You get a link, shown once, to hand over. Their second factor stays as it is."),
        ]

    def button(self) -> str:
        return say("Invite {thing} again", thing=self.thing.get_username())


class ResetForm(ActForm):
    """The device is lost."""

    title = lazy("Reset the second factor")
    note = forms.CharField(
        label=lazy("Note"),
        max_length=256,
        help_text=lazy("How you know that it is they who ask, for whoever approves and reads the journal."),
    )

    def will_happen(self) -> list[str]:
        name = self.thing.get_username()
        return [
            say("The second factors and the password of {name} end, and so do their sessions.", name=name),
            say("Then invite {name} again: they choose a new password and add a new second factor.", name=name),
            *_asked(self.actor, people.RESET),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Reset the second factor of {thing}", thing=self.thing.get_username())


class EndSessionsForm(ActForm):
    """Logged out everywhere."""

    title = lazy("Log this person out everywhere")
    note = forms.CharField(label=lazy("Note"), max_length=256, help_text=lazy("Why, for whoever reads the journal."))

    def will_happen(self) -> list[str]:
        return [
            say("Every open session of {thing} ends. They can log in again at once.", thing=self.thing.get_username())
        ]

    def button(self) -> str:
        return say("Log {thing} out", thing=self.thing.get_username())


class ShutOutForm(ActForm):
    """Not let in any more."""

    title = lazy("Shut this person out")
    note = forms.CharField(label=lazy("Note"), max_length=256, help_text=lazy("Why, for whoever reads the journal."))

    def will_happen(self) -> list[str]:
        name = self.thing.get_username()
        return [
            say("{name} cannot log in any more, and their sessions end. What they did stays in the journal.", name=name)
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Shut {thing} out", thing=self.thing.get_username())


class LetInForm(ShutOutForm):
    """Let in again."""

    title = lazy("Let this person in again")

    def will_happen(self) -> list[str]:
        return [say("{thing} can log in again, in the roles they had.", thing=self.thing.get_username())]

    def is_risky(self) -> bool:
        return False

    def button(self) -> str:
        return say("Let {thing} in again", thing=self.thing.get_username())


def _has_none(person: User) -> str:
    return "" if factors.own(person).exists() else say("This person has no second factor to reset.")


def _is_out(person: User) -> str:
    return "" if person.is_active else say("This person is shut out already.")


class PeopleQuestions(Questions):
    """What one asks about people."""

    questions = (
        Question("in", lazy("May come in"), lambda: Q(is_active=True)),
        Question("out", lazy("Shut out"), lambda: Q(is_active=False)),
    )


class RoleFilter(admin.SimpleListFilter):
    """By role."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in PURPOSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


@admin.register(User)
class PersonAdmin(LedgerAdmin):
    """The people of the desk."""

    section, position, icon = "System", 70, "buyer"
    menu_label = lazy("People")
    list_display = ("username", "full_name", "state", "role_names", "seen")
    more_columns = ("email", "date_joined")
    personal_columns = ("username", "full_name", "email")
    list_filter = (PeopleQuestions, RoleFilter)
    search_fields = ("username", "email")
    ordering = ("username",)
    list_acts = (Act("add", lazy("Invite a person…"), form=PersonForm, permission="add_user", tone="main"),)
    acts = (
        Act("change_roles", lazy("Change roles…"), form=RolesForm, permission="change_user"),
        Act("invite_again", lazy("Invite again…"), form=InviteAgainForm, permission="change_user", why_not=_is_out),
        Act("reset", lazy("Lost device…"), form=ResetForm, permission="change_user", tone="risk", why_not=_has_none),
        Act(
            "end_sessions",
            lazy("Log out everywhere…"),
            form=EndSessionsForm,
            permission="change_user",
            why_not=lambda person: "" if sessions.open_sessions(person).exists() else say("There is no open session."),
        ),
        Act(
            "shut_out",
            lazy("Shut out…"),
            form=ShutOutForm,
            permission="change_user",
            tone="risk",
            why_not=_is_out,
        ),
        Act(
            "let_in",
            lazy("Let in again…"),
            form=LetInForm,
            permission="change_user",
            why_not=lambda person: say("This person may come in already.") if person.is_active else "",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @display.column(lazy("Name"), is_minor=True)
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @display.column(lazy("State"))
    def state(self, person: User) -> SafeString:
        return display.chip(say("May come in"), "good") if person.is_active else display.chip(say("Shut out"), "bad")

    @display.column(lazy("Roles"))
    def role_names(self, person: User) -> str:
        names = [told(group.name, is_ours=True) for group in person.groups.all()]
        return ", ".join([say("Owner"), *names] if person.is_superuser else names)

    @display.column(lazy("Last seen"), numeric=True, is_minor=True)
    def seen(self, person: User) -> SafeString | str:
        return display.when(person.last_login)

    def headline(self, person: User) -> Headline:
        chip = Chip(say("May come in"), "good") if person.is_active else Chip(say("Shut out"), "bad")
        return Headline(person.get_full_name() or person.get_username(), (chip,), self.role_names(person))

    def cards(self, request: HttpRequest, person: User) -> list[Card]:
        return [
            Card(
                say("Person"),
                facts=[
                    (say("User name"), person.get_username()),
                    ("E-mail", person.email or display.NOTHING),
                    (say("Roles"), self.role_names(person) or say("none")),
                    (say("Since"), display.stamp(person.date_joined)),
                    (say("Last login"), display.when(person.last_login) if person.last_login else say("never")),
                    (say("Second factor"), _factors(person)),
                ],
            ),
            *([_sign_ins(person)] if request.user.has_perm("portal.view_signin") else []),
        ]

    def add(self, request: HttpRequest, thing: None, form: PersonForm) -> HttpResponse:
        said = form.cleaned_data
        person = people.invite(
            said["username"],
            first_name=said["first_name"],
            last_name=said["last_name"],
            email=said["email"],
            roles=said["roles"],
            by=form.actor,
            remember=form.remember,
        )
        return self._show_link(request, person)

    def invite_again(self, request: HttpRequest, person: User, form: InviteAgainForm) -> HttpResponse:
        people.invite_again(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return self._show_link(request, person)

    def reset(self, request: HttpRequest, person: User, form: ResetForm) -> Done:
        people.reset(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("{person} has no second factor any more. Invite them again.", person=person))

    def _show_link(self, request: HttpRequest, person: User) -> HttpResponse:
        context = {
            **self.page_context(request, person),
            "person": person,
            "link": request.build_absolute_uri(people.invitation(person)),
            "home": self.home_of(person),
            "title": say("Invitation"),
        }
        return TemplateResponse(request, "admin/portal/invitation.html", context)

    def change_roles(self, request: HttpRequest, person: User, form: RolesForm) -> Done:
        people.change_roles(
            person,
            form.cleaned_data["roles"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        if person == request.user:  # this session has ended with the others
            logout(request)
            return Done(say("Your roles were changed. Log in again."), url=reverse("admin:index"))
        return Done(say("{person} has other roles now.", person=person))

    def end_sessions(self, request: HttpRequest, person: User, form: EndSessionsForm) -> Done:
        people.end_sessions(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        if person == request.user:
            logout(request)
            return Done(say("You are logged out everywhere."), url=reverse("admin:index"))
        return Done(say("{person} is logged out everywhere.", person=person))

    def shut_out(self, request: HttpRequest, person: User, form: ShutOutForm) -> str:
        people.shut_out(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("{person} cannot log in any more.", person=person)

    def let_in(self, request: HttpRequest, person: User, form: LetInForm) -> str:
        people.let_in_again(person, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("{person} can log in again.", person=person)


def _factors(person: User) -> SafeString | str:
    kinds = sorted({factors.WORDS[factor.type] for factor in factors.own(person)})
    if kinds:
        return ", ".join(kinds).capitalize()
    if signing_in.needs_second_factor(person):
        return display.chip(say("None yet; asked for at the next login"), "wait")
    return "none"


def _sign_ins(person: User) -> Card:
    rows = list(SignIn.objects.filter(person=person)[:_SIGN_INS_AT_MOST])
    alive = set(sessions.open_sessions(person).values_list("pk", flat=True))
    table = Table(
        head=(say("What"), say("Device"), say("From", sense="place"), say("Time")),
        rows=[
            (
                display.chip(say("Session open"), "good") if row.pk in alive else _outcome(row),
                row.device,
                sessions.masked_address(row.address) or display.NOTHING,
                display.stamp(row.at),
            )
            for row in rows
        ],
        numeric=frozenset({3}),
        empty=say("Nobody came in by this name yet."),
    )
    return Card(say("Sign-ins"), note=say("newest first"), table=table, wide=True)


# Who came in.


_TONES = {
    SignInOutcome.OPENED: "good",
    SignInOutcome.WRONG_PASSWORD: "wait",
    SignInOutcome.WRONG_FACTOR: "wait",
    SignInOutcome.LOCKED: "bad",
    SignInOutcome.SHUT_OUT: "bad",
}


def _outcome(row: SignIn) -> SafeString:
    return display.chip(row.get_outcome_display(), _TONES[SignInOutcome(row.outcome)])


class SignInQuestions(Questions):
    """What one asks about sign-ins."""

    questions = (
        Question("failed", lazy("Failed"), lambda: ~Q(outcome=SignInOutcome.OPENED)),
        Question("locked", lazy("Locked"), lambda: Q(outcome=SignInOutcome.LOCKED)),
        Question("open", lazy("Not ended"), lambda: Q(outcome=SignInOutcome.OPENED, ended_at__isnull=True)),
        Question("plain", lazy("Without a second factor"), lambda: Q(outcome=SignInOutcome.OPENED, factor="")),
    )


class SignInDay(DayFilter):
    """By the day of the attempt."""

    field = "at"


@admin.register(SignIn)
class SignInAdmin(LedgerAdmin):
    """Every attempt of a known person to come in."""

    section, position, icon = "System", 75, "key"
    hint = lazy("newest first")
    empty_title = lazy("Nobody came in yet")
    empty_text = lazy("Whoever logs in, or tries to, is written here: when, from where, with which second factor.")
    list_display = ("who", "outcome_chip", "factor_words", "device", "masked", "ended", "time")
    list_select_related = ("person",)
    personal_columns = ("who", "device", "masked")
    list_filter = (SignInQuestions, SignInDay)
    search_fields = ("person__username",)

    @display.column(lazy("Who"))
    def who(self, row: SignIn) -> SafeString | str:
        return display.person(row.person.get_username())

    @display.column(lazy("Ended in"))
    def outcome_chip(self, row: SignIn) -> SafeString:
        return _outcome(row)

    @display.column(lazy("Second factor"), is_minor=True)
    def factor_words(self, row: SignIn) -> str:
        return factors.WORDS.get(row.factor, display.NOTHING)

    @display.column(lazy("From", sense="place"), is_minor=True)
    def masked(self, row: SignIn) -> str:
        return sessions.masked_address(row.address) or display.NOTHING

    @display.column(lazy("Session"), is_minor=True)
    def ended(self, row: SignIn) -> SafeString | str:
        return row.get_end_display() if row.end else display.NOTHING

    @display.column(lazy("Time"), numeric=True)
    def time(self, row: SignIn) -> SafeString | str:
        return display.when(row.at)

    def headline(self, row: SignIn) -> Headline:
        chip = Chip(row.get_outcome_display(), _TONES[SignInOutcome(row.outcome)])
        return Headline(row.person.get_username(), (chip,), display.exact(row.at))

    def cards(self, request: HttpRequest, row: SignIn) -> list[Card]:
        return [
            Card(
                say("Sign-in"),
                facts=[
                    (say("Who"), display.to(row.person)),
                    (say("Second factor"), factors.WORDS.get(row.factor, "none")),
                    (say("Device"), row.device),
                    (say("From", sense="place"), sessions.masked_address(row.address) or display.NOTHING),
                    (say("Time"), display.stamp(row.at)),
                    (say("Last seen"), display.stamp(row.last_seen_at)),
                    (say("Ended"), display.stamp(row.ended_at)),
                    (say("Because"), row.get_end_display() or display.NOTHING),
                ],
            )
        ]
