"""The desk's pages of plans: what buyers can be charged for again and again."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.safestring import SafeString

from payments.models import Plan, Product, Subscription
from payments.subscriptions import operations
from payments.subscriptions.states import RUNNING, Interval
from portal import catalogue
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions
from portal.money import MoneyError, parse_major
from portal.words import lazy, say

_EVERY = {
    Interval.DAY: (lazy("every day"), lazy("every {every} days")),
    Interval.WEEK: (lazy("every week"), lazy("every {every} weeks")),
    Interval.MONTH: (lazy("every month"), lazy("every {every} months")),
    Interval.YEAR: (lazy("every year"), lazy("every {every} years")),
}


def rhythm_words(plan: Plan) -> str:
    """``every month, on day 31 or the last one``."""
    one, many = _EVERY[Interval(plan.interval)]
    often = str(one) if plan.every == 1 else str(many).format(every=plan.every)
    if plan.anchor_day is None:
        return often
    if plan.interval == Interval.WEEK:
        return say("{often}, on {day}", often=often, day=str(WEEKDAYS[plan.anchor_day - 1]))
    return say("{often}, on day {day} or the last one", often=often, day=plan.anchor_day)


def price_words(plan: Plan) -> SafeString | str:
    """What a cycle costs."""
    return display.money(plan.amount) if plan.amount else say("metered, {currency}", currency=plan.currency)


class NewPlanForm(ActForm):
    """Something new to subscribe to."""

    title = lazy("Add a plan")
    is_roomy = True
    product = forms.ModelChoiceField(label=lazy("Product"), queryset=Product.objects.none(), empty_label=None)
    code = forms.SlugField(
        label=lazy("Code", sense="plan"), max_length=64, help_text=lazy("What the mini program subscribes by.")
    )
    name = forms.CharField(
        label=lazy("Name", sense="thing"),
        max_length=120,
        help_text=lazy("The buyer sees it in the wallet, with the date."),
    )
    currency = forms.ChoiceField(label=lazy("Currency"))
    amount = forms.CharField(
        label=lazy("Price of each cycle"),
        max_length=24,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=lazy("Empty: metered. Your server posts each amount, up to what the buyer agreed to."),
    )
    every = forms.IntegerField(label=lazy("Every"), min_value=1, max_value=365, initial=1)
    interval = forms.ChoiceField(label=lazy("Interval"), choices=Interval.choices, initial=Interval.MONTH)
    anchor_day = forms.IntegerField(
        label=lazy("On day"),
        required=False,
        min_value=1,
        max_value=31,
        help_text=lazy(
            "Of the month (31 is the last one), or of the week (1 is Monday). Empty: the day of the first charge."
        ),
    )
    trial_days = forms.IntegerField(label=lazy("Trial, days"), min_value=0, max_value=365, initial=0)
    cycle_count = forms.IntegerField(
        label=lazy("Number of charges"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=lazy("Empty: until somebody ends it."),
    )
    zone = forms.CharField(label=lazy("Time zone"), max_length=64, initial="Asia/Manila")
    charge_hour = forms.IntegerField(label=lazy("Charged at (hour)"), min_value=0, max_value=23, initial=10)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        products: Any = self.fields["product"]
        products.queryset = Product.objects.filter(is_active=True).select_related("account")
        currencies: Any = self.fields["currency"]
        accounts = products.queryset.order_by().values("account")
        currencies.choices = [(code, code) for code in catalogue.currencies_of(accounts)]

    def clean(self) -> dict[str, Any]:
        """Read the price by the currency's own decimals, and refuse a day that the interval does not have."""
        said = super().clean() or self.cleaned_data
        said["money"] = None
        if said.get("amount") and said.get("currency"):
            try:
                said["money"] = parse_major(said["amount"], said["currency"]).payable()
            except MoneyError as reason:
                self.add_error("amount", str(reason))
        day, interval = said.get("anchor_day"), said.get("interval")
        if day and (interval == Interval.DAY or (interval == Interval.WEEK and day > len(WEEKDAYS))):
            self.add_error("anchor_day", say("A week has days 1 to 7; days need none."))
        return said

    def plan(self) -> Plan:
        """What was said."""
        said = self.cleaned_data
        names = ("code", "name", "product", "currency", "interval", "every", "anchor_day", "trial_days", "cycle_count")
        return Plan(
            account=said["product"].account,
            amount_value=said["money"].value if said["money"] else None,
            zone=said["zone"],
            charge_hour=said["charge_hour"],
            **{name: said[name] for name in names},
        )

    def will_happen(self) -> list[str]:
        return [
            say("Buyers can subscribe to it at once. Its price and its dates can never be changed."),
            say("Other terms are another plan, to which a subscription can be moved from its next cycle on."),
        ]

    def button(self) -> str:
        return say("Add this plan")


class EditPlanForm(ActForm):
    """Its name, and whether it may be started."""

    title = lazy("Edit the plan")
    name = forms.CharField(label=lazy("Name", sense="thing"), max_length=120)
    is_offered = forms.BooleanField(label=lazy("May be started"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(name=self.thing.name, is_offered=self.thing.is_offered)

    def will_happen(self) -> list[str]:
        return [say("Subscriptions that run go on, whatever is said here.")]

    def button(self) -> str:
        return say("Save the plan")


class PlanQuestions(Questions):
    """What one asks about plans."""

    questions = (
        Question("offered", lazy("Offered"), lambda: Q(is_offered=True)),
        Question("off", lazy("Not offered"), lambda: Q(is_offered=False)),
    )


@admin.register(Plan)
class PlanAdmin(LedgerAdmin):
    """What is charged again and again."""

    section, position, icon = "Payments", 42, "product"
    empty_title = lazy("No plan yet")
    empty_text = lazy("Add one, and buyers can agree once to be charged each month, week or day.")
    list_display = ("name", "state", "price", "rhythm", "running", "account")
    list_select_related = ("account", "product")
    list_filter = (PlanQuestions, AccountFilter)
    search_fields = ("code", "name")
    list_acts = (Act("add", lazy("Add a plan…"), form=NewPlanForm, permission="act_edit_plan", tone="main"),)
    acts = (Act("edit", lazy("Edit…"), form=EditPlanForm, permission="act_edit_plan"),)

    def read_beside(self, rows: Sequence[Any]) -> None:
        """How many run of each."""
        running = Subscription.objects.filter(plan__in=rows, status__in=RUNNING).order_by()
        counts = dict(running.values("plan").annotate(count=Count("pk")).values_list("plan", "count"))
        for row in rows:
            row.running_count = counts.get(row.pk, 0)

    @display.column(lazy("State"))
    def state(self, plan: Plan) -> Chip:
        return Chip(say("Offered"), "good") if plan.is_offered else Chip(say("Not offered"))

    @display.column(lazy("Price"), numeric=True)
    def price(self, plan: Plan) -> SafeString | str:
        return price_words(plan)

    @display.column(lazy("Charged"), wraps=True)
    def rhythm(self, plan: Plan) -> str:
        return rhythm_words(plan)

    @display.column(lazy("Running"), numeric=True)
    def running(self, plan: Any) -> str:
        return str(plan.running_count)

    def headline(self, plan: Plan) -> Headline:
        return Headline(
            plan.name, (self.state(plan),), display.joined((plan.code, price_words(plan), rhythm_words(plan)))
        )

    def cards(self, request: HttpRequest, plan: Any) -> list[Card]:
        return [
            Card(
                say("Plan"),
                facts=[
                    (say("Code", sense="plan"), display.mono(plan.code)),
                    (say("Product"), display.to(plan.product)),
                    (say("Price"), price_words(plan)),
                    (say("Charged"), rhythm_words(plan)),
                    (say("At"), f"{plan.charge_hour}:00 {plan.zone}"),
                    (say("Trial"), say("{days} days", days=plan.trial_days) if plan.trial_days else display.NOTHING),
                    (say("Number of charges"), str(plan.cycle_count or say("until somebody ends it"))),
                    (say("Running"), str(plan.subscriptions.filter(status__in=RUNNING).count())),
                    (say("Account"), display.to(plan.account)),
                    (say("Added"), display.stamp(plan.created_at)),
                ],
            )
        ]

    def add(self, request: HttpRequest, thing: None, form: NewPlanForm) -> Done:
        plan = operations.add_plan(form.plan(), by=form.actor, remember=form.remember)
        return self.done(say("{plan} is offered.", plan=plan), plan)

    def edit(self, request: HttpRequest, plan: Plan, form: EditPlanForm) -> str:
        said = form.cleaned_data
        operations.edit_plan(
            plan, name=said["name"], is_offered=said["is_offered"], by=form.actor, remember=form.remember
        )
        return say("{plan} is saved.", plan=plan)
