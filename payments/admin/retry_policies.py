"""The desk's pages of retry policies: what follows a failed charge. A change is tried on the past first.

The form shows what the policy would have done in the last 90 days the first time it is sent, since its button then says
something else than what was pressed; only pressing that asks for it.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from payments.models import RetryPolicy
from payments.subscriptions import operations, replay
from payments.subscriptions.four_eyes import replay_words
from payments.subscriptions.operations.policies import RETRY_POLICY
from payments.subscriptions.policies import Policy, numbers, of_row
from payments.subscriptions.states import RETRYABLE, Trouble
from portal import approvals, catalogue
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.ledger import Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.words import lazy, say, told

_HOURS = [("", lazy("none")), *((str(hour), f"{hour}:00") for hour in range(24))]


class PolicyForm(ActForm):
    """What follows one kind of trouble."""

    title = lazy("Change the retry policy")
    is_roomy = True
    trouble = forms.ChoiceField(label=lazy("When"), choices=Trouble.choices)
    account = forms.ChoiceField(label=lazy("Account"), required=False)
    wallet = forms.ChoiceField(label=lazy("Wallet"), required=False)
    delays_hours = forms.CharField(
        label=lazy("Hours to the next try"),
        max_length=120,
        required=False,
        help_text=lazy("One number for each try, counted from the failure before it: 24 72 120. Empty: no new try."),
    )
    paydays = forms.CharField(
        label=lazy("Paydays"),
        max_length=60,
        required=False,
        help_text=lazy("Days of the month, 31 being the last one: 15 31."),
    )
    payday_within_days = forms.IntegerField(
        label=lazy("Wait for a payday, at most days"), min_value=0, max_value=31, initial=0
    )
    quiet_from = forms.ChoiceField(label=lazy("Quiet from"), choices=_HOURS, required=False)
    quiet_until = forms.ChoiceField(
        label=lazy("Quiet until"), choices=_HOURS, required=False, help_text=lazy("In the wallet's own time zone.")
    )
    tries_a_day = forms.IntegerField(label=lazy("Charges a day, at most"), min_value=1, max_value=8, initial=1)
    grace_days = forms.IntegerField(label=lazy("Days of grace"), min_value=0, max_value=90, initial=7)
    past_due_days = forms.IntegerField(label=lazy("Then days past due"), min_value=0, max_value=90, initial=14)
    note = forms.CharField(label=lazy("Reason"), max_length=256, help_text=lazy("For whoever decides."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = AcquirerAccount.objects.values_list("slug", "name")
        fields: Any = self.fields
        fields["account"].choices = [("", say("every account")), *accounts]
        fields["wallet"].choices = [("", say("every wallet")), *catalogue.known()]
        row: RetryPolicy | None = self.thing
        if row is None:
            return
        for name in ("trouble", "account", "wallet"):
            del self.fields[name]
        if row.trouble not in RETRYABLE:
            for name in ("delays_hours", "paydays", "payday_within_days", "quiet_from", "quiet_until", "tries_a_day"):
                del self.fields[name]
        self.initial.update({name: value for name, value in of_row(row).as_columns().items() if value is not None})

    def clean(self) -> dict[str, Any]:
        """Read the numbers, and refuse what cannot be a policy."""
        said = super().clean() or self.cleaned_data
        for name in ("delays_hours", "paydays"):
            try:
                said[name] = numbers(said.get(name, ""))
            except PortalError as refusal:
                self.add_error(name, refusal.message)
        if not self.errors:
            try:
                self.policy().check()
            except PortalError as refusal:
                self.add_error(None, refusal.message)
        return said

    def policy(self) -> Policy:
        """What was said."""
        said, row = self.cleaned_data, self.thing
        hours = {name: int(said[name]) if said.get(name) else None for name in ("quiet_from", "quiet_until")}
        return Policy(
            Trouble(row.trouble if row is not None else said["trouble"]),
            said.get("delays_hours") or (),
            said.get("paydays") or (),
            said.get("payday_within_days") or 0,
            hours["quiet_from"],
            hours["quiet_until"],
            said.get("tries_a_day") or 1,
            said["grace_days"],
            said["past_due_days"],
        )

    def where(self) -> dict[str, Any]:
        """For which account and wallet."""
        held = self.thing
        return {
            name: getattr(held, name) if held is not None else self.cleaned_data.get(name, "")
            for name in ("account", "wallet")
        }

    def _is_said(self) -> bool:
        return self.is_bound and not self.errors

    def will_happen(self) -> list[str]:
        if not self._is_said():
            return [
                say("First it is tried on the failures of the last {days} days, and you see what it does.", days=90)
            ]
        tried = told(replay_words(replay.replay(self.policy(), **self.where())), is_ours=True)
        why = approvals.would_need(RETRY_POLICY, by=self.actor)
        return [
            tried,
            say("Charges that wait already keep their time; it counts from their next failure."),
            say("{why}: this becomes a request.", why=why) if why else say("It is in force at once."),
        ]

    def button(self) -> str:
        if not self._is_said():
            return say("Try it on the last {days} days", days=replay.DAYS)
        return say("Ask for this policy: {words}", words=told(self.policy().words(), is_ours=True))


def _shipped() -> Q:
    return Q(changed_by="")


class PolicyQuestions(Questions):
    """What one asks about policies."""

    questions = (
        Question("changed", lazy("Changed by somebody"), lambda: ~_shipped()),
        Question("shipped", lazy("As shipped"), _shipped),
    )


@admin.register(RetryPolicy)
class RetryPolicyAdmin(LedgerAdmin):
    """What follows a failed charge."""

    section, position, icon = "Payments", 46, "wire"
    menu_label = lazy("Retry policies")
    hint = lazy("the one that fits most exactly counts")
    empty_title = lazy("The policies are as the code has them")
    empty_text = lazy("Migrating writes them down here, to be changed under four eyes.")
    list_display = ("what", "where", "tries", "grace", "who")
    list_filter = (PolicyQuestions,)
    list_acts = (Act("add", lazy("Add for a wallet or account…"), form=PolicyForm, permission="act_retry_policy"),)
    acts = (Act("change_policy", lazy("Change…"), form=PolicyForm, permission="act_retry_policy", tone="main"),)

    @display.column(lazy("When"))
    def what(self, row: RetryPolicy) -> str:
        return str(row.get_trouble_display())

    @display.column(lazy("For"), is_minor=True)
    def where(self, row: RetryPolicy) -> str:
        parts = (row.account or say("every account"), name_of(row.wallet) if row.wallet else say("every wallet"))
        return " · ".join(parts)

    @display.column(lazy("Tried again"), wraps=True)
    def tries(self, row: RetryPolicy) -> str:
        policy = of_row(row)
        if not policy.delays_hours:
            return say("never by itself")
        return say("after {hours} h", hours=", ".join(map(str, policy.delays_hours)))

    @display.column(lazy("Grace, past due"), numeric=True)
    def grace(self, row: RetryPolicy) -> str:
        return say("{grace} and {past_due} days", grace=row.grace_days, past_due=row.past_due_days)

    @display.column(lazy("Changed by"), is_minor=True)
    def who(self, row: RetryPolicy) -> str:
        return row.changed_by or say("as shipped")

    def headline(self, row: RetryPolicy) -> Headline:
        return Headline(self.what(row), (), self.where(row))

    def cards(self, request: HttpRequest, row: RetryPolicy) -> list[Card]:
        policy = of_row(row)
        is_quiet = policy.quiet_from is not None
        facts = [
            (say("Tried again"), self.tries(row)),
            (say("Paydays"), ", ".join(map(str, policy.paydays)) or display.NOTHING),
            (say("Wait for a payday, at most days"), str(policy.payday_within_days)),
            (say("Quiet"), f"{policy.quiet_from}:00 – {policy.quiet_until}:00" if is_quiet else display.NOTHING),
            (say("Charges a day, at most"), str(policy.tries_a_day)),
            (say("Days of grace"), str(policy.grace_days)),
            (say("Then days past due"), str(policy.past_due_days)),
            (say("Changed"), display.stamp(row.changed_at)),
        ]
        found = replay.replay(policy, account=row.account, wallet=row.wallet)
        rows = [
            (say("Failed at first"), str(found.failed.count), _sums(found.failed), display.NOTHING),
            (say("Recovered in reality"), str(found.was_recovered.count), _sums(found.was_recovered), found.was_tried),
            (say("Recovered by this policy"), str(found.recovered.count), _sums(found.recovered), found.tried),
            (say("Perhaps recovered by it"), str(found.perhaps.count), _sums(found.perhaps), display.NOTHING),
        ]
        head = (say("Charges"), say("Number"), say("Amount"), say("Further tries"))
        return [
            Card(say("The policy"), facts=facts),
            Card(
                say("On the last {days} days", days=replay.DAYS),
                note=_note(found),
                table=Table(head, rows, frozenset({1, 2, 3})),
                wide=True,
            ),
        ]

    def add(self, request: HttpRequest, thing: None, form: PolicyForm) -> Done:
        return self._put(form)

    def change_policy(self, request: HttpRequest, row: RetryPolicy, form: PolicyForm) -> Done:
        return self._put(form)

    def _put(self, form: PolicyForm) -> Done:
        note = form.cleaned_data["note"]
        row = operations.set_policy(form.policy(), **form.where(), by=form.actor, note=note, remember=form.remember)
        return self.done(say("The policy is in force."), row)


def _note(found: replay.Replay) -> str:
    if found.is_cut:
        return say("what was, and what this policy would have done; of the newest {count:,}", count=replay.MOST_ROWS)
    return say("what was, and what this policy would have done")


def _sums(tally: replay.Tally) -> Any:
    return display.joined(display.money(amount) for amount in tally.sums()) or display.NOTHING
