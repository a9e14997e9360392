"""The desk's pages of four eyes: the requests and their decisions, the rules, and who stands in for whom."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from portal import approvals, clock, gather, registry
from portal.actor import Actor
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import Card, Headline, LedgerAdmin, OfferedAct, Question, Questions
from portal.approvals import RuleFacts
from portal.approvals.rules import facts_of
from portal.models import AcquirerAccount, Approval, ApprovalRule, ApprovalStatus, Deputy
from portal.money import EXPONENTS, Money, MoneyError, parse_major
from portal.registry import Became, TimelineEntry, TodayLine, TodayQueue
from portal.statements import Given
from portal.words import lazy, say, told

_QUEUE_AT_MOST = 50
_TONES = {
    ApprovalStatus.WAITING: "wait",
    ApprovalStatus.APPROVED: "wait",
    ApprovalStatus.DONE: "good",
    ApprovalStatus.REFUSED: "bad",
    ApprovalStatus.DECLINED: "bad",
    ApprovalStatus.WITHDRAWN: "",
    ApprovalStatus.EXPIRED: "",
}

_BEGUN = {"good": lazy("Done"), "wait": lazy("Begun"), "bad": lazy("Failed")}
"""Of what was carried out, by what it has become."""
_SEEN = "_became"


def kind_label(kind: str) -> str:
    """``Give money back``."""
    entry = registry.approvals.get(kind)
    return entry.label if entry else kind


def _chip(approval: Approval) -> Chip:
    if approval.status == ApprovalStatus.DONE and (became := _became(approval)) is not None:
        return Chip(_BEGUN[became.tone], became.tone)
    return Chip(str(approval.get_status_display()), _TONES[ApprovalStatus(approval.status)])


def _look(approvals_: Sequence[Approval]) -> None:
    """See what those that are done have become by now."""
    for name, entry in registry.approvals.items():
        theirs = [it for it in approvals_ if it.kind == name and it.status == ApprovalStatus.DONE]
        found = entry.became(theirs) if theirs else {}
        for approval in theirs:
            approval.__dict__[_SEEN] = found.get(approval.pk)


def _what(approval: Approval) -> str:
    """What was asked for. The code has made it, however short it is."""
    return told(approval.sentence, is_ours=True)


def _result(approval: Approval) -> str:
    """What came of it: as it is now where its kind can tell, else as it was kept."""
    became = _became(approval)
    return told(became.sentence if became else approval.result, is_ours=True)


def _became(approval: Approval) -> Became | None:
    """What it has become, where its kind can tell; None: what was done is done."""
    if _SEEN not in approval.__dict__:
        _look([approval])
    seen: Became | None = approval.__dict__.get(_SEEN)
    return seen


def _thing(approval: Approval) -> SafeString | str:
    if not approval.subject_type:
        return approval.subject_label or display.NOTHING
    page = display.page_at(approval.subject_type, approval.subject_id)
    return display.link(page, display.crumb(approval.subject_label or "…"))


# The acts on a request.


class _DecisionForm(ActForm):
    """A form about a request; it repeats what is decided."""

    note = forms.CharField(label=lazy("Note"), max_length=256, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    instead = ("", "")
    """The other way to decide: its name, and its words."""

    def background(self) -> Sequence[tuple[str, Any]]:
        approval: Approval = self.thing
        return (
            (say("Asked by"), display.person(approval.actor_name)),
            (say("Reason"), _reason(approval) or display.NOTHING),
            (say("About"), _thing(approval)),
        )

    def other_way(self) -> tuple[str, str] | None:
        name, words = self.instead
        return (str(words), reverse("admin:portal_approval_act", args=(self.thing.pk, name))) if name else None

    def what(self) -> str:
        """The amount, or the thing it is about."""
        return str(self.thing.amount or display.crumb(self.thing.subject_label) or kind_label(self.thing.kind).lower())


class ApproveForm(_DecisionForm):
    """Let it be done."""

    title = lazy("Approve")
    instead = ("decline", lazy("Decline…"))

    def will_happen(self) -> list[str]:
        entry = registry.approvals.get(self.thing.kind)
        if entry is None:
            return [self.thing.sentence]
        objection = entry.objection(self.thing)
        # The request's own sentence stands above.
        said = [sentence for sentence in entry.foresee(self.thing) if sentence != self.thing.sentence]
        return [
            *said,
            say("It is done at once, as {actor_name} asked for it.", actor_name=self.thing.actor_name),
            *([objection] if objection else []),
        ]

    def moves(self) -> Money | None:
        amount: Money | None = self.thing.amount
        return amount

    def button(self) -> str:
        return say("Approve {what}", what=self.what())


class DeclineForm(_DecisionForm):
    """Let it not be done."""

    title = lazy("Decline")
    instead = ("approve", lazy("Approve…"))
    note = forms.CharField(
        label=lazy("Why not?"),
        max_length=256,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": lazy("Say in a few words why not; whoever asked reads it.")},
    )

    def will_happen(self) -> list[str]:
        return [
            say("Nothing is done."),
            say("{actor_name} reads your note, and may ask anew.", actor_name=self.thing.actor_name),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Decline {what}", what=self.what())


class WithdrawForm(_DecisionForm):
    """Take one's own request back."""

    title = lazy("Take the request back")

    def will_happen(self) -> list[str]:
        return [say("Nobody can approve it any more. Nothing is done.")]

    def button(self) -> str:
        return say("Take it back")


class BreakGlassForm(_DecisionForm):
    """Do it now, alone."""

    title = lazy("Do it now, on my own")
    note = forms.CharField(
        label=lazy("What is the emergency?"),
        max_length=256,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": lazy("Say what the emergency is; another person reviews it.")},
    )

    def will_happen(self) -> list[str]:
        return [
            self.thing.sentence,
            say("It is done at once, without a second person."),
            say("It is an incident until somebody else has reviewed it."),
        ]

    def is_risky(self) -> bool:
        return True

    def moves(self) -> Money | None:
        amount: Money | None = self.thing.amount
        return amount

    def button(self) -> str:
        return say("Break the glass: {what}", what=self.what())


class ReviewForm(_DecisionForm):
    """Look at what somebody did on their own."""

    title = lazy("Review what was done alone")
    verdict = forms.ChoiceField(
        label=lazy("Was it right?"),
        choices=[("right", lazy("It was right to do it")), ("wrong", lazy("It should not have been done"))],
        widget=forms.RadioSelect,
        error_messages={"required": lazy("Choose one.")},
    )

    def will_happen(self) -> list[str]:
        return [
            say(
                "{actor_name} wrote: “{decision_note}”",
                actor_name=self.thing.actor_name,
                decision_note=self.thing.decision_note,
            ),
            say("Found right, its incident is closed. Found wrong, it becomes another one, for a person to settle."),
        ]

    def button(self) -> str:
        return say("Write the review down")


def _is_not_waiting(approval: Approval) -> str:
    if approval.status == ApprovalStatus.WAITING:
        if approval.expires_at > clock.now():
            return ""
        return say("Nobody decided in time: the request has expired. Ask anew.")
    who = say(" by {decided_by}", decided_by=approval.decided_by) if approval.decided_by else ""
    return say(
        "Nothing can be decided any more: it is {status}{who}.",
        status=str(approval.get_status_display()).lower(),
        who=who,
    )


def _is_not_to_review(approval: Approval) -> str:
    return (
        "" if approval.needs_review else say("There is nothing to review: nobody broke the glass, or it was reviewed.")
    )


class ApprovalQuestions(Questions):
    """What one asks about requests."""

    questions = (
        Question("waiting", lazy("Waiting"), lambda: Q(status=ApprovalStatus.WAITING)),
        Question("review", lazy("To be reviewed"), lambda: Q(is_glass_broken=True, reviewed_at__isnull=True)),
        Question("done", lazy("Done"), lambda: Q(status=ApprovalStatus.DONE)),
        Question("refused", lazy("Could not be done"), lambda: Q(status=ApprovalStatus.REFUSED)),
        Question("declined", lazy("Declined"), lambda: Q(status=ApprovalStatus.DECLINED)),
    )


class KindFilter(admin.SimpleListFilter):
    """By kind."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, entry.label) for name, entry in registry.approvals.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Approval)
class ApprovalAdmin(LedgerAdmin):
    """What a second person decides."""

    section, position, icon = "Payments", 70, "check"
    menu_label = lazy("Approvals")
    hint = lazy("what a second person decides, newest first")
    empty_title = lazy("Nothing was asked for")
    empty_text = lazy("What somebody may not do alone waits here for a second person. The rules say what that is.")
    list_display = ("what", "state", "sum", "who", "reason", "asked", "ends")
    list_filter = (ApprovalQuestions, KindFilter, DayFilter)
    search_fields = ("number", "subject_label", "actor_name", "subject_id")
    list_select_related = ("account",)
    acts = (
        Act(
            "approve", lazy("Approve…"), form=ApproveForm, permission="act_decide", tone="main", why_not=_is_not_waiting
        ),
        Act("decline", lazy("Decline…"), form=DeclineForm, permission="act_decide", why_not=_is_not_waiting),
        Act("withdraw", lazy("Take back…"), form=WithdrawForm, permission="view_approval", why_not=_is_not_waiting),
        Act(
            "break_glass",
            lazy("Break the glass…"),
            form=BreakGlassForm,
            permission="act_break_glass",
            tone="risk",
            why_not=_is_not_waiting,
        ),
        Act(
            "review", lazy("Review…"), form=ReviewForm, permission="act_decide", tone="main", why_not=_is_not_to_review
        ),
    )
    acts_in_timeline = ("ask for approval", "approve", "decline", "withdraw request", "break the glass")

    hot_rows = gather.Standing(lambda: Approval.objects.filter(status=ApprovalStatus.WAITING))

    # Who may do what here hangs on the request, too, and is said in a sentence instead of a refusal without one.

    def may_act(self, request: HttpRequest, act: Act) -> bool:
        """By permission, or as somebody's deputy."""
        if super().may_act(request, act):
            return True
        return act.codename == "act_decide" and approvals.deputies_of(deputy=request.user).exists()  # type: ignore[arg-type]

    def offered_acts(self, request: HttpRequest, thing: Approval) -> list[OfferedAct]:
        """Only what this person may do about this request."""
        urls = {
            reverse(self._name("act"), args=(thing.pk, act.name))
            for act in self.acts
            if not self._objection(request.user, act, thing)
        }
        return [offered for offered in super().offered_acts(request, thing) if offered.url in urls]

    def _act(self, request: HttpRequest, act: Act, thing: Any) -> HttpResponse:
        objection = self._objection(request.user, act, thing) if self.has_view_permission(request, thing) else ""
        if objection:
            return self._act_page(request, act, thing, objection=objection)
        return super()._act(request, act, thing)

    @staticmethod
    def _objection(user: Any, act: Act, approval: Approval) -> str:
        match act.name:
            case "approve" | "decline":
                return approvals.objection_to_deciding(approval, user)
            case "review":
                return approvals.objection_to_reviewing(approval, user)
            case "withdraw" if approval.requester_id != user.pk:
                return say("Only who asked for it can take it back.")
            case "break_glass" if not approvals.may_break_glass(approval, user):
                return say("You may not do this on your own. Ask somebody who approves.")
        return ""

    # The list.

    def read_beside(self, rows: Sequence[Approval]) -> None:
        """What those that are done have become, for all of the page at once."""
        _look(rows)

    @display.column(lazy("Request"), wraps=True)
    def what(self, approval: Approval) -> str:
        return _what(approval)

    @display.column(lazy("State"))
    def state(self, approval: Approval) -> SafeString:
        if approval.needs_review:
            return display.chip(say("To be reviewed"), "bad")
        return _chip(approval).__html__()

    @display.column(lazy("Amount"), numeric=True)
    def sum(self, approval: Approval) -> SafeString | str:
        return display.money(approval.amount)

    @display.column(lazy("Asked by"))
    def who(self, approval: Approval) -> SafeString | str:
        return display.person(approval.actor_name)

    @display.column(lazy("Reason"), wraps=True, is_minor=True)
    def reason(self, approval: Approval) -> str:
        return _reason(approval) or display.NOTHING

    @display.column(lazy("Asked"), numeric=True)
    def asked(self, approval: Approval) -> SafeString | str:
        return display.when(approval.created_at)

    @display.column(lazy("Ends"), numeric=True, is_minor=True)
    def ends(self, approval: Approval) -> SafeString | str:
        return display.when(approval.expires_at) if approval.status == ApprovalStatus.WAITING else display.NOTHING

    # The page.

    def headline(self, approval: Approval) -> Headline:
        chips = [_chip(approval)]
        if approval.is_glass_broken:
            chips.append(Chip(say("Glass broken"), "bad"))
        if approval.needs_review:
            chips.append(Chip(say("To be reviewed"), "bad"))
        line = say(
            "{actor_name} asked {relative}",
            actor_name=approval.actor_name,
            relative=display.relative(approval.created_at),
        )
        if approval.status == ApprovalStatus.WAITING:
            line = say("{line} · ends {relative}", line=line, relative=display.relative(approval.expires_at))
        return Headline(_what(approval), chips, line)

    def timeline(self, approval: Approval) -> Iterable[TimelineEntry]:
        return story_of(approval, is_own_page=True)

    def cards(self, request: HttpRequest, approval: Approval) -> Sequence[Card]:
        entry = registry.approvals.get(approval.kind)
        is_open = approval.status == ApprovalStatus.WAITING
        outlook = [] if entry is None or not is_open else [*entry.foresee(approval), entry.objection(approval)]
        outlook = [sentence for sentence in outlook if sentence and sentence != approval.sentence]
        result: list[tuple[str, Any]] = []
        if approval.result or approval.result_type:
            page = display.page_at(approval.result_type, approval.result_id) if approval.result_type else ""
            became = _became(approval)
            result = [
                (say("Result"), display.link(page, became.sentence if became else approval.result or say("Done")))
            ]
        return [
            Card(
                say("The request"),
                facts=[
                    (say("What"), f"{kind_label(approval.kind)}: {approval.act}"),
                    (say("About"), _thing(approval)),
                    (say("Amount"), display.money(approval.amount)),
                    (say("Account"), approval.account.name if approval.account else display.NOTHING),
                    (say("Asked by"), approval.actor_name),
                    (say("Reason"), _reason(approval) or display.NOTHING),
                    (say("Rule"), approval.rule),
                    (
                        say("Decided by"),
                        approval.decided_by
                        or say("{approvers}, or a deputy of theirs", approvers=" or ".join(approval.approvers)),
                    ),
                    *result,
                    (say("Number"), display.mono(approval.number)),
                ],
            ),
            *([Card(say("What approving does"), text=" ".join(outlook))] if outlook else []),
        ]

    # The acts.

    def approve(self, request: HttpRequest, approval: Approval, form: ApproveForm) -> Done:
        done = approvals.approve(approval, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return _ended(done)

    def decline(self, request: HttpRequest, approval: Approval, form: DeclineForm) -> Done:
        approvals.decline(approval, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("Declined. {actor_name} reads your note.", actor_name=approval.actor_name))

    def withdraw(self, request: HttpRequest, approval: Approval, form: WithdrawForm) -> Done:
        approvals.withdraw(approval, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return Done(say("Your request is taken back. Nothing was done."))

    def break_glass(self, request: HttpRequest, approval: Approval, form: BreakGlassForm) -> Done:
        done = approvals.break_glass(approval, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return _ended(done)

    def review(self, request: HttpRequest, approval: Approval, form: ReviewForm) -> Done:
        is_right = form.cleaned_data["verdict"] == "right"
        note = form.cleaned_data["note"]
        approvals.review(approval, by=form.actor, is_right=is_right, note=note, remember=form.remember)
        return Done(
            say("Reviewed.") if is_right else say("Reviewed. It is an incident now."), "good" if is_right else "wait"
        )


def _reason(approval: Approval) -> str:
    code = display.reason_words(approval.reason_code)
    return ": ".join(part for part in (code, approval.note) if part)


def _ended(approval: Approval) -> Done:
    match approval.status:
        case ApprovalStatus.DONE:
            became, result = _became(approval), _result(approval)
            match became.tone if became else "good":
                case "wait":
                    said = say("Approved and begun; how it ends is not known yet. {result}", result=result)
                    return Done(said.strip(), "wait")
                case "bad":
                    return Done(say("Approved and begun, and then it failed. {result}", result=result).strip(), "bad")
            return Done(say("Approved and done. {result}", result=result).strip())
        case ApprovalStatus.REFUSED:
            return Done(say("Approved, but it could not be done: {result}", result=approval.result), "bad")
        case _:
            return Done(say("Approved. It is being done."), "wait")


# Timelines: of the request, and of what it is about.


def story_of(approval: Approval, *, is_own_page: bool = False) -> list[TimelineEntry]:
    """What happened to a request, oldest first, for its own page or for that of the thing it is about."""
    links = () if is_own_page else ((say("Request"), display.page_of(approval)),)
    about = "" if is_own_page else _what(approval)
    reason = _reason(approval)
    entries = [
        TimelineEntry(
            approval.created_at,
            say("{actor_name} asked for approval", actor_name=approval.actor_name),
            " · ".join(part for part in (about, reason, approval.rule) if part),
            "" if approval.decided_at or approval.finished_at else "wait",
            links,
        )
    ]
    if approval.decided_at is not None:
        note = approval.decision_note
        if approval.is_glass_broken:
            entries.append(
                TimelineEntry(
                    approval.decided_at,
                    say("{decided_by} broke the glass", decided_by=approval.decided_by),
                    note,
                    "bad",
                    links,
                )
            )
        elif approval.status == ApprovalStatus.DECLINED:
            entries.append(
                TimelineEntry(
                    approval.decided_at,
                    say("Declined by {decided_by}", decided_by=approval.decided_by),
                    note,
                    "bad",
                    links,
                )
            )
        else:
            entries.append(
                TimelineEntry(
                    approval.decided_at,
                    say("Approved by {decided_by}", decided_by=approval.decided_by),
                    note,
                    "good",
                    links,
                )
            )
    end = approval.finished_at
    if end is not None:
        match approval.status:
            case ApprovalStatus.REFUSED:
                entries.append(TimelineEntry(end, say("It could not be done"), approval.result, "bad", links))
            case ApprovalStatus.WITHDRAWN:
                entries.append(
                    TimelineEntry(
                        end, say("{actor_name} took the request back", actor_name=approval.actor_name), "", "", links
                    )
                )
            case ApprovalStatus.EXPIRED:
                entries.append(TimelineEntry(end, say("Nobody decided in time"), "", "", links))
            case ApprovalStatus.DONE if is_own_page:
                page = display.page_at(approval.result_type, approval.result_id)
                made = ((say("Result"), page),) if page else ()
                tone = became.tone if (became := _became(approval)) else "good"
                entries.append(TimelineEntry(end, str(_BEGUN[tone]), _result(approval), tone, made))
    if approval.reviewed_at is not None:
        verdict = say("found it right") if approval.is_found_right else say("found that it should not have been done")
        tone = "good" if approval.is_found_right else "bad"
        sentence = f"{approval.reviewed_by} {verdict}"
        entries.append(TimelineEntry(approval.reviewed_at, sentence, approval.review_note, tone, links))
    return entries


def stories_about(*things: Model) -> list[TimelineEntry]:
    """What was asked for about these things (of one kind)."""
    if not things:
        return []
    found = Approval.objects.filter(
        subject_type=things[0]._meta.label, subject_id__in=[str(thing.pk) for thing in things]
    )
    return [entry for approval in found for entry in story_of(approval)]


def _about(thing: Any) -> list[TimelineEntry]:
    return [] if isinstance(thing, Approval) else stories_about(thing)


def _waiting(now: datetime | Given) -> QuerySet[Approval]:
    is_open = Q(status=ApprovalStatus.WAITING, expires_at__gt=now)
    return Approval.objects.filter(is_open | Q(is_glass_broken=True, reviewed_at__isnull=True))


_SAID_ON_TODAY = (
    *("pk", "created_at", "actor_name", "sentence", "reason_code", "note", "amount_value", "currency"),
    *("is_glass_broken", "reviewed_at"),
)
_ASKED = gather.Standing(
    lambda: _waiting(Given("now", DateTimeField())).order_by("created_at").values(*_SAID_ON_TODAY)[:_QUEUE_AT_MOST],
    lambda: {"now": clock.now()},
)


def _asks(row: Approval) -> str:
    """Who asks for what, and why; the note is a person's words, and stays as it was written."""
    sentence = told(row.sentence, is_ours=True).rstrip(".。")  # told whole: without its end it is another sentence
    code = display.reason_words(row.reason_code)
    if not row.note:
        return say("{sentence}: {actor_name} asks. {code}", sentence=sentence, actor_name=row.actor_name, code=code)
    return say(
        "{sentence}: {actor_name} asks. {code}, {note}",
        sentence=sentence,
        actor_name=row.actor_name,
        code=code or say("Note"),
        note=row.note,
    )


def _lines_of_today(rows: Sequence[Mapping[str, Any]]) -> list[TodayLine]:
    """What waits for a second person, and what is to be reviewed."""
    return [
        TodayLine(
            label=say("To be reviewed") if row.needs_review else say("Approval"),
            tone="bad" if row.needs_review else "wait",
            sentence=say("{actor_name} did alone: {sentence}", actor_name=row.actor_name, sentence=row.sentence)
            if row.needs_review
            else _asks(row),
            url=display.page_of(row),
            action=say("Review…") if row.needs_review else say("Decide…"),
            since=row.created_at,
            amount=str(row.amount or ""),
            act_url=reverse("admin:portal_approval_act", args=(row.pk, "review" if row.needs_review else "approve")),
        )
        for row in (Approval(**row) for row in rows)
    ]


registry.today.register("approvals", TodayQueue("portal.view_approval", [_ASKED], _ASKED, _lines_of_today), position=15)
registry.timelines.register("approvals", _about, position=40)

# The rules.


def _roles() -> list[tuple[str, str]]:
    return [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)]


class RuleForm(ActForm):
    """When an act needs a second person. On the page of a rule, what it is about stands."""

    title = lazy("Change the rule")
    is_roomy = True
    kind = forms.ChoiceField(label=lazy("Act"))
    role = forms.ChoiceField(label=lazy("Asked for by"), required=False)
    person = forms.ChoiceField(label=lazy("Asked for by the person"), required=False)
    currency = forms.ChoiceField(label=lazy("Currency"), required=False)
    account = forms.ChoiceField(label=lazy("Account"), required=False)
    is_in_force = forms.BooleanField(label=lazy("In force"), required=False, initial=True)
    is_always = forms.BooleanField(label=lazy("Always a second person"), required=False)
    above = forms.CharField(
        label=lazy("Above"), max_length=24, required=False, help_text=lazy("Of one act, in the currency.")
    )
    above_a_day = forms.CharField(
        label=lazy("Above, by one person on one day"),
        max_length=24,
        required=False,
        help_text=lazy("Together, in the currency."),
    )
    above_a_day_count = forms.IntegerField(label=lazy("More of these a day than"), min_value=0, required=False)
    approvers = forms.MultipleChoiceField(
        label=lazy("Decided by"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": lazy("Name at least one role that decides.")},
    )
    expires_hours = forms.IntegerField(
        label=lazy("A request ends after (hours)"), min_value=1, max_value=720, initial=72
    )
    note = forms.CharField(label=lazy("Note"), max_length=256, help_text=lazy("Why, for whoever approves it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["kind"].choices = [(name, entry.label) for name, entry in registry.approvals.items()]
        fields["role"].choices = [("", say("anybody")), *_roles()]
        names = User.objects.filter(is_active=True, is_staff=True).order_by("username")
        fields["person"].choices = [
            ("", say("anybody")),
            *((name, name) for name in names.values_list("username", flat=True)),
        ]
        fields["currency"].choices = [
            ("", say("any, or without an amount")),
            *((code, code) for code in sorted(EXPONENTS)),
        ]
        accounts = AcquirerAccount.objects.values_list("slug", "name")
        fields["account"].choices = [("", say("every account")), *accounts]
        fields["approvers"].choices = _roles()
        rule: ApprovalRule | None = self.thing
        if rule is not None:
            for name in ("kind", "role", "person", "currency", "account"):
                del fields[name]
            if not self.is_bound:
                for name in ("is_in_force", "is_always", "above_a_day_count", "approvers", "expires_hours"):
                    self.initial[name] = getattr(rule, name)
                self.initial["above"] = _major(rule.above_value, rule.currency)
                self.initial["above_a_day"] = _major(rule.above_a_day_value, rule.currency)
            if not rule.currency:
                del fields["above"], fields["above_a_day"]

    def heading(self) -> str:
        if self.thing is None:
            return say("Add a rule")
        return say(
            "Change the rule: {kind_label}{of_whom}",
            kind_label=kind_label(self.thing.kind),
            of_whom=_of_whom(self.thing),
        )

    def clean(self) -> dict[str, Any]:
        """Read amounts by the currency's own exponent."""
        said = super().clean() or self.cleaned_data
        currency = self.thing.currency if self.thing is not None else said.get("currency", "")
        for name in ("above", "above_a_day"):
            text = said.get(name, "")
            if not text:
                continue
            if not currency:
                self.add_error(name, say("An amount needs its currency."))
                continue
            try:
                said[f"{name}_value"] = parse_major(text, currency).value
            except MoneyError as reason:
                self.add_error(name, str(reason))
        return said

    def facts(self) -> RuleFacts:
        """What was said."""
        said, rule = self.cleaned_data, self.thing
        identity = {
            name: getattr(rule, name) if rule is not None else said[name]
            for name in ("kind", "role", "person", "currency", "account")
        }
        return RuleFacts(
            **identity,
            is_in_force=said["is_in_force"],
            is_always=said["is_always"],
            above_value=said.get("above_value"),
            above_a_day_value=said.get("above_a_day_value"),
            above_a_day_count=said["above_a_day_count"],
            approvers=said["approvers"],
            expires_hours=said["expires_hours"],
        )

    def will_happen(self) -> list[str]:
        why = approvals.would_need(approvals.RULES, by=self.actor)
        now = [say("Now: {when_words}.", when_words=approvals.when_words(self.thing))] if self.thing is not None else []
        return [*now, say("{why}: this becomes a request.", why=why) if why else say("It is in force at once.")]

    def button(self) -> str:
        return say("Ask for this rule")


def _major(value: int | None, currency: str) -> str:
    return "" if value is None else Money(value, currency).display.replace(",", "")


def _of_whom(rule: ApprovalRule) -> str:
    parts = (
        rule.role and say("by {role}", role=rule.role),
        rule.person and say("by {person}", person=rule.person),
        rule.currency and say("in {currency}", currency=rule.currency),
        rule.account,
    )
    said = ", ".join(part for part in parts if part)
    return f" {said}" if said else ""


class RuleQuestions(Questions):
    """What one asks about rules."""

    questions = (
        Question("in_force", lazy("In force"), lambda: Q(is_in_force=True)),
        Question("off", lazy("Switched off"), lambda: Q(is_in_force=False)),
    )


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(LedgerAdmin):
    """When an act needs a second person."""

    section, position, icon = "System", 60, "journal"
    menu_label = lazy("Approval rules")
    hint = lazy("every rule that fits is asked; one that is exceeded is enough")
    empty_title = lazy("The rules are as the code has them")
    empty_text = lazy("Migrating writes them down here, to be changed under four eyes.")
    list_display = ("what", "asked_by", "money", "when", "by_whom", "state")
    list_filter = (RuleQuestions, KindFilter)
    list_acts = (Act("add", lazy("Add a rule…"), form=RuleForm, permission="act_rules"),)
    acts = (Act("change_rule", lazy("Change…"), form=RuleForm, permission="act_rules", tone="main"),)

    @display.column(lazy("Act"))
    def what(self, rule: ApprovalRule) -> str:
        return kind_label(rule.kind)

    @display.column(lazy("Asked for by"), is_minor=True)
    def asked_by(self, rule: ApprovalRule) -> str:
        return " · ".join(part for part in (rule.role, rule.person) if part) or say("anybody")

    @display.column(lazy("Currency"))
    def money(self, rule: ApprovalRule) -> str:
        return rule.currency or display.NOTHING

    @display.column(lazy("A second person"), wraps=True)
    def when(self, rule: ApprovalRule) -> str:
        return told(approvals.when_words(rule), is_ours=True)

    @display.column(lazy("Decided by"), is_minor=True)
    def by_whom(self, rule: ApprovalRule) -> str:
        return " or ".join(rule.approvers)

    @display.column(lazy("State"))
    def state(self, rule: ApprovalRule) -> SafeString:
        return display.chip(say("In force"), "good") if rule.is_in_force else display.chip(say("Off"))

    def headline(self, rule: ApprovalRule) -> Headline:
        title = f"{kind_label(rule.kind)}{_of_whom(rule)}: {approvals.when_words(rule)}"
        return Headline(title, (Chip(say("In force"), "good") if rule.is_in_force else Chip(say("Off")),))

    def cards(self, request: HttpRequest, rule: ApprovalRule) -> Sequence[Card]:
        return [
            Card(
                say("The rule"),
                facts=[
                    (say("Act"), kind_label(rule.kind)),
                    (say("Asked for by"), self.asked_by(rule)),
                    (say("Currency"), rule.currency or say("any")),
                    (say("Account"), rule.account or say("every account")),
                    (say("A second person"), told(approvals.when_words(rule), is_ours=True)),
                    (say("Decided by"), " or ".join(rule.approvers)),
                    (say("A request ends after"), f"{rule.expires_hours} h"),
                    (say("Changed"), display.stamp(rule.changed_at)),
                ],
            )
        ]

    def add(self, request: HttpRequest, thing: None, form: RuleForm) -> Done:
        return self._put(form)

    def change_rule(self, request: HttpRequest, rule: ApprovalRule, form: RuleForm) -> Done:
        if form.facts() == facts_of(rule):
            return Done(say("Nothing was changed: it is like that already."), "")
        return self._put(form)

    def _put(self, form: RuleForm) -> Done:
        note = form.cleaned_data["note"]
        rule = approvals.change_rule(form.facts(), by=form.actor, note=note, remember=form.remember)
        return self.done(say("The rule is in force."), rule)


# Deputies.


class DeputyForm(ActForm):
    """Who decides in one's place, from which day until which."""

    title = lazy("Name a deputy")
    deputy = forms.ModelChoiceField(label=lazy("Deputy"), queryset=User.objects.none(), empty_label=lazy("Choose…"))
    first_day = forms.DateField(label=lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label=lazy("Until, that day included"), widget=forms.DateInput(attrs={"type": "date"}))
    note = forms.CharField(
        label=lazy("Note"), max_length=256, required=False, help_text=lazy("Why, for whoever reads the journal.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others: Any = self.fields["deputy"]
        others.queryset = User.objects.filter(is_active=True, is_staff=True).exclude(pk=self.actor.user_id or 0)
        today = timezone.localdate(clock.now())
        self.fields["first_day"].initial = today
        self.fields["last_day"].initial = today + timedelta(days=6)

    def will_happen(self) -> list[str]:
        return [
            say("They decide on what you could decide on, in your place; never on what they asked for, or you did."),
            say("You still can, too. Either of you ends it at any time."),
        ]

    def button(self) -> str:
        return say("Name this deputy")


class EndDeputyForm(ActForm):
    """Take it back."""

    title = lazy("End this")

    def will_happen(self) -> list[str]:
        return [
            say(
                "{deputy} decides in the place of {principal} no more.",
                deputy=self.thing.deputy,
                principal=self.thing.principal,
            )
        ]


def _now() -> Q:
    at = clock.now()
    return Q(starts_at__lte=at, ends_at__gt=at, ended_at__isnull=True)


class DeputyQuestions(Questions):
    """What one asks about deputies."""

    questions = (Question("now", lazy("Now"), _now),)


@admin.register(Deputy)
class DeputyAdmin(LedgerAdmin):
    """Who stands in for whom."""

    section, position, icon = "System", 65, "buyer"
    hint = lazy("who decides in somebody’s place, and until when")
    empty_title = lazy("Nobody stands in for anybody")
    empty_text = lazy("Whoever approves and is away names somebody who decides in their place.")
    list_display = ("who", "instead_of", "state", "begins", "ends")
    list_filter = (DeputyQuestions,)
    list_select_related = ("principal", "deputy")
    search_fields = ("principal__username", "deputy__username")
    list_acts = (Act("name_deputy", lazy("Name a deputy…"), form=DeputyForm, permission="act_deputy", tone="main"),)
    acts = (
        Act(
            "end_deputy",
            lazy("End this…"),
            form=EndDeputyForm,
            permission="view_deputy",
            why_not=lambda row: "" if _is_to_end(row) else say("It has ended already."),
        ),
    )

    @display.column(lazy("Deputy"))
    def who(self, row: Deputy) -> SafeString | str:
        return display.person(row.deputy.get_username())

    @display.column(lazy("In the place of"))
    def instead_of(self, row: Deputy) -> SafeString | str:
        return display.person(row.principal.get_username())

    @display.column(lazy("State"))
    def state(self, row: Deputy) -> SafeString:
        return _deputy_chip(row).__html__()

    @display.column(lazy("From"), numeric=True)
    def begins(self, row: Deputy) -> SafeString | str:
        return display.stamp(row.starts_at, seconds=False)

    @display.column(lazy("Until"), numeric=True)
    def ends(self, row: Deputy) -> SafeString | str:
        return display.stamp(row.ended_at or row.ends_at, seconds=False)

    def headline(self, row: Deputy) -> Headline:
        return Headline(
            say("{deputy} decides in the place of {principal}", deputy=row.deputy, principal=row.principal),
            (_deputy_chip(row),),
            row.note,
        )

    def cards(self, request: HttpRequest, row: Deputy) -> Sequence[Card]:
        facts = [
            (say("From"), display.stamp(row.starts_at, seconds=False)),
            (say("Until"), display.stamp(row.ends_at, seconds=False)),
            (say("Ended"), display.stamp(row.ended_at)),
            (say("Note"), row.note or display.NOTHING),
        ]
        return [Card(say("Deputy"), facts=facts)]

    def name_deputy(self, request: HttpRequest, thing: None, form: DeputyForm) -> Done:
        said = form.cleaned_data
        row = approvals.name_deputy(
            said["deputy"],
            starts_at=_midnight(said["first_day"]),
            ends_at=_midnight(said["last_day"] + timedelta(days=1)),
            note=said["note"],
            by=form.actor,
            remember=form.remember,
        )
        return self.done(
            say("{deputy} decides in your place until {short}.", deputy=row.deputy, short=display.short(row.ends_at)),
            row,
        )

    def end_deputy(self, request: HttpRequest, row: Deputy, form: EndDeputyForm) -> str:
        approvals.end_deputy(row, by=Actor.person(request.user), remember=form.remember)
        return say("It has ended.")


def _is_to_end(row: Deputy) -> bool:
    return row.ended_at is None and row.ends_at > clock.now()


def _deputy_chip(row: Deputy) -> Chip:
    if not _is_to_end(row):
        return Chip(say("Over"))
    return Chip(say("Now"), "good") if row.starts_at <= clock.now() else Chip(say("To come"), "wait")


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
