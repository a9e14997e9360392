"""The desk's pages of subscriptions: who is charged next, what went wrong, and what is done about it."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from authorizations.models import WalletAccount, secrets_of
from authorizations.states import WalletStatus
from payments.admin.plans import price_words, rhythm_words
from payments.models import Cycle, Plan, Subscription
from payments.subscriptions import forecast, operations
from payments.subscriptions.states import (
    IN_TROUBLE,
    OPENING,
    RUNNING,
    STUCK,
    CycleStatus,
    SubscriptionStatus,
    Trouble,
)
from payments.subscriptions.timeline import timeline
from portal import gather
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import (
    AccountFilter,
    Card,
    Headline,
    LedgerAdmin,
    OfferedAct,
    Question,
    Questions,
    Table,
    WalletFilter,
)
from portal.money import MoneyError, parse_major
from portal.registry import TimelineEntry
from portal.words import lazy, say, told

REASONS = (
    ("BUYER_REQUEST", lazy("Buyer asked for it")),
    ("GOODWILL", lazy("Goodwill")),
    ("FRAUD", lazy("Suspected fraud")),
    ("CONTRACT_ENDED", lazy("The buyer’s contract with us ended")),
    ("OTHER", lazy("Other (see note)")),
)
_TONES = {
    SubscriptionStatus.ACTIVE: "good",
    SubscriptionStatus.PAUSED: "",
    SubscriptionStatus.IN_GRACE: "wait",
    SubscriptionStatus.PAST_DUE: "bad",
}
_CYCLE_TONES = {
    CycleStatus.PAID: "good",
    CycleStatus.CHARGING: "wait",
    CycleStatus.RETRYING: "wait",
    CycleStatus.AWAITING_AMOUNT: "wait",
    CycleStatus.NEEDS_CONSENT: "bad",
    CycleStatus.FAILED: "bad",
    CycleStatus.GIVEN_UP: "bad",
}
_CYCLES_AT_MOST = 60
_FAILING_AT_MOST = 200
FORECAST_DAYS = (7, 30, 90)


def subscription_chip(subscription: Subscription) -> Chip:
    """Where it stands."""
    status = SubscriptionStatus(subscription.status)
    return Chip(status.label, _TONES.get(status, ""))


def cycle_chip(cycle: Cycle) -> Chip:
    """Where a date stands."""
    status = CycleStatus(cycle.status)
    return Chip(status.label, _CYCLE_TONES.get(status, ""))


def _only(*statuses: SubscriptionStatus) -> Any:
    def why_not(subscription: Subscription) -> str:
        if subscription.status in statuses:
            return ""
        return say("Not possible now: it is {status}.", status=str(subscription.get_status_display()).lower())

    return why_not


def _nothing_to_resume(subscription: Subscription) -> str:
    if subscription.status in OPENING and subscription.ends_with_period:
        return ""
    return str(_only(SubscriptionStatus.PAUSED)(subscription))


def _nothing_to_skip(subscription: Subscription) -> str:
    if subscription.next_on is None:
        return say("No charge comes any more.")
    if subscription.ends_with_period:
        return say("Not possible now: it ends with its period.")
    return str(_only(*OPENING, SubscriptionStatus.PAUSED)(subscription))


def _nothing_unpaid(subscription: Subscription) -> str:
    return "" if _unpaid_cycle(subscription) is not None else say("Nothing of it is unpaid.")


def _unpaid_cycle(subscription: Subscription) -> Cycle | None:
    """The oldest one in trouble."""
    if subscription.status not in RUNNING:
        return None
    return subscription.cycles.filter(status__in=IN_TROUBLE).select_related("subscription").order_by("number").first()


class PauseForm(ReasonForm):
    """Open no further cycle."""

    title = lazy("Pause")
    reasons = REASONS

    def will_happen(self) -> list[str]:
        return [say("Nothing is charged until it is resumed. Dates that pass meanwhile are not made up for.")]

    def button(self) -> str:
        return say("Pause it")


class ResumeForm(ReasonForm):
    """Open cycles again."""

    title = lazy("Resume")
    reasons = REASONS

    def will_happen(self) -> list[str]:
        return [say("The next date that has not passed is charged, and nothing of what passed meanwhile.")]

    def button(self) -> str:
        return say("Resume it")


class SkipForm(ReasonForm):
    """Charge nothing on the next date."""

    title = lazy("Skip the next charge")
    reasons = REASONS

    def will_happen(self) -> list[str]:
        return [
            say(
                "Nothing is charged on {day}; the date after it is.",
                day=display.day_name(self.thing.next_on, with_year=True),
            )
        ]

    def button(self) -> str:
        return say("Skip {day}", day=display.day_name(self.thing.next_on, with_year=True))


class ChangePlanForm(ReasonForm):
    """Another plan from the next cycle on."""

    title = lazy("Change the plan")
    reasons = REASONS
    plan = forms.ModelChoiceField(label=lazy("Plan"), queryset=Plan.objects.none(), empty_label=None)
    most = forms.CharField(
        label=lazy("Most in one cycle"),
        max_length=24,
        required=False,
        help_text=lazy("Of a metered plan: what the buyer agreed to."),
    )
    field_order = ("plan", "most", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Q(is_offered=True) | Q(pk=self.thing.plan_id)
        plans: Any = self.fields["plan"]
        plans.queryset = Plan.objects.filter(offered, account=self.thing.account, currency=self.thing.plan.currency)

    def clean(self) -> dict[str, Any]:
        """Read the most by the plan's currency."""
        said = super().clean() or self.cleaned_data
        said["money"] = None
        if said.get("most") and said.get("plan"):
            try:
                said["money"] = parse_major(said["most"], said["plan"].currency).payable()
            except MoneyError as reason:
                self.add_error("most", str(reason))
        return said

    def will_happen(self) -> list[str]:
        return [say("The next charge keeps its date and has the new price; the dates after it are the new plan's.")]

    def button(self) -> str:
        return say("Change the plan")


class ChangeWalletForm(ReasonForm):
    """Another wallet of the same buyer."""

    title = lazy("Change the wallet")
    reasons = REASONS
    wallet = forms.ModelChoiceField(label=lazy("Wallet"), queryset=WalletAccount.objects.none(), empty_label=None)
    field_order = ("wallet", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallets: Any = self.fields["wallet"]
        wallets.queryset = WalletAccount.objects.filter(buyer=self.thing.buyer, status=WalletStatus.ACTIVE)

    def will_happen(self) -> list[str]:
        return [say("It is charged from now on; what is unpaid is tried with it at once.")]

    def button(self) -> str:
        return say("Charge this wallet")


class CancelForm(ReasonForm):
    """End it."""

    title = lazy("Cancel the subscription")
    reasons = REASONS
    at_period_end = forms.BooleanField(
        label=lazy("Only when the next charge would fall due"),
        required=False,
        help_text=lazy("Otherwise it ends now, and what is unpaid is withdrawn."),
    )
    field_order = ("at_period_end", "reason_code", "note")

    def will_happen(self) -> list[str]:
        return [
            say("It is never charged again. What was paid stays paid, and can still be given back."),
            say("A charge that is on its way ends as it ends."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Cancel it")


class ChargeAgainForm(ReasonForm):
    """Try an unpaid cycle now."""

    title = lazy("Charge again")
    reasons = (
        ("BUYER_REQUEST", lazy("Buyer asked for it")),
        ("MENDED", lazy("What was wrong is mended")),
        ("OTHER", lazy("Other (see note)")),
    )

    def cycle(self) -> Cycle | None:
        """The oldest unpaid one."""
        return _unpaid_cycle(self.thing)

    def moves(self) -> Any:
        cycle = self.cycle()
        return cycle.amount if cycle else None

    def will_happen(self) -> list[str]:
        return [say("The worker charges it once more now, whatever its policy says. The buyer sees it in the wallet.")]

    def button(self) -> str:
        return say("Charge {amount} again", amount=self.moves() or "")


def _has_cycle(**which: Any) -> Q:
    return Q(Exists(Cycle.objects.filter(subscription=OuterRef("pk"), **which)))


class SubscriptionQuestions(Questions):
    """What one asks about subscriptions."""

    questions = (
        Question("past_due", lazy("Past due"), lambda: Q(status=SubscriptionStatus.PAST_DUE)),
        Question("in_grace", lazy("In grace"), lambda: Q(status=SubscriptionStatus.IN_GRACE)),
        Question("stuck", lazy("Not tried again"), lambda: Q(status__in=RUNNING) & _has_cycle(status__in=STUCK)),
        Question(
            "unposted",
            lazy("No amount posted"),
            lambda: Q(status__in=OPENING) & _has_cycle(status=CycleStatus.AWAITING_AMOUNT),
        ),
        Question("active", lazy("Active"), lambda: Q(status=SubscriptionStatus.ACTIVE)),
        Question("paused", lazy("Paused"), lambda: Q(status=SubscriptionStatus.PAUSED)),
        Question("over", lazy("Over"), lambda: ~Q(status__in=RUNNING)),
    )


class WhyUnpaid(admin.SimpleListFilter):
    """Why a charge of it is neither paid nor tried again by the clock."""

    title = lazy("why not tried again")
    parameter_name = "unpaid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(trouble.value, told(trouble.label)) for trouble in Trouble]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in Trouble.values:
            return queryset
        return queryset.filter(_has_cycle(status__in=STUCK, trouble=self.value()), status__in=RUNNING)


class SubscriptionWallet(WalletFilter):
    """By the wallet that pays."""

    path = "wallet_account__wallet"


class StartedFilter(DayFilter):
    """The day it was started."""

    field = "started_at"


_MAY = "act_subscription"


@admin.register(Subscription)
class SubscriptionAdmin(LedgerAdmin):
    """Agreements to be charged, and how each of them goes."""

    section, position, icon = "Payments", 40, "clock"
    hint = lazy("newest first")
    empty_title = lazy("No subscription yet")
    empty_text = lazy("Buyers start them in your mini program, or your server does for its customers.")
    list_display = ("number_shown", "what", "buyer_shown", "wallet", "state", "price", "next_shown")
    more_columns = ("reference", "account", "charges_made", "started_at")
    personal_columns = ("buyer_shown", "wallet")
    list_select_related = ("buyer", "account", "plan", "wallet_account")
    account_path = "wallet_account__account"
    page_select_related = ("next_plan",)
    list_filter = (SubscriptionQuestions, SubscriptionWallet, WhyUnpaid, StartedFilter, AccountFilter)
    search_fields = ("number", "reference", "buyer__reference", "cycles__order__number")
    hot_rows = gather.Standing(lambda: Subscription.objects.filter(status=SubscriptionStatus.PAST_DUE))
    acts = (
        Act(
            "charge_again",
            lazy("Charge again…"),
            form=ChargeAgainForm,
            permission="act_charge_cycle",
            tone="main",
            why_not=_nothing_unpaid,
        ),
        Act("pause", lazy("Pause…"), form=PauseForm, permission=_MAY, why_not=_only(SubscriptionStatus.ACTIVE)),
        Act("resume", lazy("Resume…"), form=ResumeForm, permission=_MAY, why_not=_nothing_to_resume),
        Act("skip", lazy("Skip one…"), form=SkipForm, permission=_MAY, why_not=_nothing_to_skip),
        Act(
            "change_plan",
            lazy("Change the plan…"),
            form=ChangePlanForm,
            permission=_MAY,
            why_not=_only(*OPENING, SubscriptionStatus.PAUSED),
        ),
        Act(
            "change_wallet", lazy("Change the wallet…"), form=ChangeWalletForm, permission=_MAY, why_not=_only(*RUNNING)
        ),
        Act("cancel", lazy("Cancel…"), form=CancelForm, permission=_MAY, tone="risk", why_not=_only(*RUNNING)),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return super().get_queryset(request).defer(*secrets_of("wallet_account"))

    def get_urls(self) -> list[URLPattern]:
        """The forecast before the stock pages."""
        view = self.admin_site.admin_view(self.forecast_view)
        return [path("forecast/", view, name="payments_subscription_forecast"), *super().get_urls()]

    def offered_list_acts(self, request: HttpRequest) -> list[OfferedAct]:
        """A way to the forecast."""
        return [OfferedAct(say("Forecast"), reverse("admin:payments_subscription_forecast"))]

    @display.column(lazy("Subscription"))
    def number_shown(self, subscription: Subscription) -> SafeString | str:
        return display.ident(subscription.number)

    @display.column(lazy("Plan"), wraps=True)
    def what(self, subscription: Subscription) -> str:
        return subscription.plan.name

    @display.column(lazy("Buyer"), is_minor=True)
    def buyer_shown(self, subscription: Subscription) -> SafeString | str:
        return display.cut(subscription.buyer.reference)

    @display.column(lazy("Wallet"), is_minor=True)
    def wallet(self, subscription: Subscription) -> str:
        return _wallet_words(subscription)

    @display.column(lazy("State"))
    def state(self, subscription: Subscription) -> Chip:
        return subscription_chip(subscription)

    @display.column(lazy("Price"), numeric=True)
    def price(self, subscription: Subscription) -> SafeString | str:
        return price_words(subscription.plan)

    @display.column(lazy("Next charge"), numeric=True)
    def next_shown(self, subscription: Subscription) -> str:
        return _next_words(subscription)

    def headline(self, subscription: Subscription) -> Headline:
        chips = [subscription_chip(subscription)]
        if subscription.trouble and subscription.status in RUNNING:
            chips.append(Chip(str(subscription.get_trouble_display()), "bad"))
        if subscription.ends_with_period:
            chips.append(Chip(say("Ends with its period"), "wait"))
        if subscription.status in RUNNING and subscription.wallet_account.status != WalletStatus.ACTIVE:
            chips.append(Chip(str(subscription.wallet_account.get_status_display()), "bad"))
        day = _next_words(subscription)
        upcoming = say("next charge {day}", day=day) if day != display.NOTHING else say("no charge to come")
        line = display.joined((subscription.buyer.reference, _wallet_words(subscription), upcoming))
        title = display.joined((subscription.plan.name, price_words(subscription.plan)))
        return Headline(title, chips, line)

    acts_in_timeline = (
        "pause subscription",
        "resume subscription",
        "cancel subscription",
    )

    def timeline(self, subscription: Subscription) -> list[TimelineEntry]:
        return timeline(subscription)

    def cards(self, request: HttpRequest, subscription: Subscription) -> list[Card]:
        cycles = list(subscription.cycles.select_related("order")[:_CYCLES_AT_MOST])
        rows = [
            (
                display.day_name(cycle.due_on, with_year=True),
                cycle_chip(cycle),
                display.money(cycle.amount),
                display.to(cycle.order, display.ident(cycle.order.number)) if cycle.order else display.NOTHING,
                _then(cycle),
            )
            for cycle in cycles
        ]
        plan = subscription.plan
        return [
            Card(
                say("Subscription"),
                facts=[
                    (say("Number"), display.mono(subscription.number)),
                    (say("Your reference"), display.mono(subscription.reference)),
                    (say("Buyer"), display.to(subscription.buyer)),
                    (say("Wallet"), display.to(subscription.wallet_account, _wallet_words(subscription))),
                    (say("Plan"), display.to(plan)),
                    (say("From the next cycle on"), display.to(subscription.next_plan)),
                    (say("Price"), price_words(plan)),
                    (say("Most in one cycle"), display.money(subscription.most)),
                    (say("Charged"), rhythm_words(plan)),
                    (say("Next charge"), _next_words(subscription)),
                    (say("Charges so far"), str(subscription.charges_made)),
                    (say("Grace until"), display.stamp(subscription.grace_until)),
                    (say("Past due until"), display.stamp(subscription.past_due_until)),
                    (say("Started"), display.stamp(subscription.started_at)),
                    (say("Ended"), display.stamp(subscription.ended_at)),
                    (say("Because"), subscription.end_reason or display.NOTHING),
                ],
            ),
            Card(
                say("Cycles"),
                note=say("newest first"),
                table=Table(
                    (say("Due"), say("State"), say("Amount"), say("Order"), say("Then")),
                    rows,
                    frozenset({2}),
                    empty=say("None is due yet."),
                ),
                wide=True,
            ),
        ]

    # The acts.

    def pause(self, request: HttpRequest, subscription: Subscription, form: PauseForm) -> str:
        operations.pause(subscription, by=form.actor, remember=form.remember, **_why(form))
        return say("Paused. Nothing is charged until it is resumed.")

    def resume(self, request: HttpRequest, subscription: Subscription, form: ResumeForm) -> str:
        operations.resume(subscription, by=form.actor, remember=form.remember, **_why(form))
        return say("Resumed. Next charge: {day}.", day=_next_words(subscription))

    def skip(self, request: HttpRequest, subscription: Subscription, form: SkipForm) -> str:
        due_on = subscription.next_on or date.min  # the form was refused without one
        operations.skip(subscription, due_on, by=form.actor, remember=form.remember, **_why(form))
        return say("Skipped. Next charge: {day}.", day=_next_words(subscription))

    def change_plan(self, request: HttpRequest, subscription: Subscription, form: ChangePlanForm) -> str:
        said = form.cleaned_data
        operations.change_plan(
            subscription, said["plan"], most=said["money"], by=form.actor, remember=form.remember, **_why(form)
        )
        return say("{plan} from the next cycle on.", plan=said["plan"])

    def change_wallet(self, request: HttpRequest, subscription: Subscription, form: ChangeWalletForm) -> str:
        wallet = form.cleaned_data["wallet"]
        operations.change_wallet(subscription, wallet, by=form.actor, remember=form.remember, **_why(form))
        return say("It is charged to {wallet} from now on.", wallet=_wallet_words(subscription))

    def cancel(self, request: HttpRequest, subscription: Subscription, form: CancelForm) -> str:
        at_period_end = form.cleaned_data["at_period_end"]
        operations.cancel(
            subscription, at_period_end=at_period_end, by=form.actor, remember=form.remember, **_why(form)
        )
        if subscription.ends_with_period:
            return say("It ends when the next charge would fall due.")
        return say("It has ended, and is never charged again.")

    def charge_again(self, request: HttpRequest, subscription: Subscription, form: ChargeAgainForm) -> Done:
        cycle = form.cycle()
        if cycle is not None:
            operations.try_again(cycle, by=form.actor, remember=form.remember, **_why(form))
        return Done(say("The worker charges it now. Look here again in a moment."), "wait")

    # The forecast.

    def forecast_view(self, request: HttpRequest) -> HttpResponse:
        """The charges of the next days, per wallet and currency, and which will fail."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        given = request.GET.get("days", "")
        days = int(given) if given in map(str, FORECAST_DAYS) else FORECAST_DAYS[1]
        found = forecast.forecast(days)
        context = {
            **self.page_context(request, None),
            "heading": say("Forecast"),
            "title": say("Forecast"),
            "days": days,
            "choices": FORECAST_DAYS,
            "is_cut": found.is_cut,
            "cards": [_sums_card(found), _failing_card(found), *_stuck_cards(found)],
            "home": self.home_of(None),
        }
        return TemplateResponse(request, "payments/forecast.html", context)


def _sums_card(found: forecast.Forecast) -> Card:
    rows = [
        (
            name_of(one.wallet),
            str(one.count),
            display.money(one.total),
            str(one.unknown_count) if one.unknown_count else display.NOTHING,
            str(sum(count for count, _ in one.failing.values())) if one.failing else display.NOTHING,
            display.joined(display.minor(value, one.currency) for _, value in one.failing.values()) or display.NOTHING,
        )
        for one in found.sums
    ]
    head = (
        say("Wallet"),
        say("Charges"),
        say("Amount"),
        say("Amount not known"),
        say("Will fail"),
        say("Of the amount"),
    )
    table = Table(head, rows, frozenset({1, 2, 3, 4, 5}), empty=say("Nothing is charged in these days."))
    return Card(say("To be charged"), note=say("until {day}", day=display.short(found.until)), table=table, wide=True)


def _failing_card(found: forecast.Forecast) -> Card:
    rows = [
        (
            display.day_name(charge.due_on, with_year=True),
            display.to(charge.subscription, display.ident(charge.subscription.number)),
            charge.subscription.buyer.reference,
            name_of(charge.subscription.wallet_account.wallet),
            display.money(charge.amount),
            Chip(charge.why_not, "bad"),
        )
        for charge in found.failing[:_FAILING_AT_MOST]
    ]
    head = (say("Due"), say("Subscription"), say("Buyer"), say("Wallet"), say("Amount"), say("Why"))
    more = len(found.failing) - len(rows)
    note = say("the soonest {count}; {more} more", count=len(rows), more=more) if more > 0 else say("soonest first")
    table = Table(head, rows, frozenset({4}), empty=say("As far as is known today, nothing will fail."))
    return Card(say("What will fail, and why"), note=note, table=table, wide=True)


def _stuck_cards(found: forecast.Forecast) -> list[Card]:
    """What is unpaid and in no forecast; nothing where there is none."""
    if not found.stuck:
        return []
    everyone = reverse("admin:payments_subscription_changelist")
    rows = [
        (
            name_of(one.wallet),
            told(one.why),
            display.link(
                f"{everyone}?{f'unpaid={one.trouble}' if one.trouble else 'ask=unposted'}&wallet={one.wallet}",
                one.count,
            ),
            display.NOTHING if one.value is None else display.minor(one.value, one.currency),
        )
        for one in found.stuck
    ]
    head = (say("Wallet"), say("Why"), say("Charges"), say("Amount"))
    return [
        Card(
            say("Unpaid, and not tried again"),
            note=say("not counted above: the buyer, your server or somebody of the staff has to act"),
            table=Table(head, rows, frozenset({2, 3})),
            wide=True,
        )
    ]


def _why(form: ReasonForm) -> dict[str, str]:
    return {"reason_code": form.cleaned_data["reason_code"], "note": form.cleaned_data["note"]}


def _wallet_words(subscription: Subscription) -> str:
    wallet = subscription.wallet_account
    return f"{name_of(wallet.wallet)} {wallet.login_label}".strip()


def _next_words(subscription: Subscription) -> str:
    if subscription.status not in OPENING or subscription.next_on is None or subscription.ends_with_period:
        return display.NOTHING
    return display.day_name(subscription.next_on, with_year=True)


def _then(cycle: Cycle) -> Any:
    """What follows of a cycle that is not paid."""
    if cycle.status == CycleStatus.RETRYING:
        return display.sentence(
            say(
                "{trouble}; again {moment}",
                trouble=str(cycle.get_trouble_display()),
                moment=display.short(cycle.due_at) if cycle.due_at else "",
            )
        )
    if cycle.status in (CycleStatus.FAILED, CycleStatus.NEEDS_CONSENT, CycleStatus.GIVEN_UP) and cycle.trouble:
        return display.sentence(str(cycle.get_trouble_display()))
    return display.NOTHING
