"""What the acts on bank credits, and on a batch at the bank, ask, and what they say will happen."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from portal import approvals
from portal.admin import display
from portal.admin.acts import ActForm, AmountField, ReasonForm, asks_first
from portal.models import AcquirerAccount
from portal.money import Money, MoneyError, parse_major
from portal.words import lazy, say
from reconciliation import bank, operations
from reconciliation.models import BankCause, BankDifference
from reconciliation.operations.banking import NAME_DIFFERENCE
from reconciliation.reading.statements import MAX_REFERENCE_LENGTH, MAX_STATEMENT_BYTES

NO_MONEY_MOVES = lazy("No money is moved by it, and no row of a report is changed.")


class BankAmountField(AmountField):
    """An amount in a batch's currency, above zero; no more than ``most`` where that is the limit."""

    def __init__(self, *, most: Money, is_limited: bool, **kwargs: Any) -> None:
        self.is_limited = is_limited
        super().__init__(most=most, **kwargs)

    def clean(self, value: Any) -> Any:
        """Money of the field's currency."""
        text = forms.CharField.clean(self, value)
        if not text:
            return None
        try:
            amount = parse_major(text, self.most.currency)
        except MoneyError as reason:
            raise forms.ValidationError(str(reason)) from None
        if amount.value <= 0:
            raise forms.ValidationError(say("The amount must be above zero."))
        if self.is_limited and amount > self.most:
            raise forms.ValidationError(say("At most {most} are open.", most=self.most))
        return amount


class EnterCreditForm(ReasonForm):
    """Write down what the bank credited for this batch."""

    title = lazy("Enter the bank credit of this batch")
    reasons = operations.ENTER_REASONS
    value_date = forms.DateField(
        label=lazy("Value date"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=lazy("The bank's day."),
    )
    reference = forms.CharField(
        label=lazy("Bank reference"),
        max_length=MAX_REFERENCE_LENGTH,
        help_text=lazy("What the bank calls the credit, as on its statement: the statement's line is then the same."),
    )
    text = forms.CharField(label=lazy("Text of the transfer"), max_length=500, required=False)
    field_order = ("amount", "value_date", "reference", "text", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        left = bank.open_of(self.thing)
        more = {"initial": left.display} if left.value > 0 else {"initial": ""}
        field = BankAmountField(
            most=left, is_limited=False, help_text=say("As the bank credited it; what differs stays open."), **more
        )
        self.fields = {"amount": field, **self.fields}
        self.order_fields(self.field_order)

    def amount(self) -> Money:
        """What was typed in; before the form is sent, what is open."""
        given = getattr(self, "cleaned_data", {}).get("amount")
        return given if isinstance(given, Money) else bank.open_of(self.thing)

    def will_happen(self) -> list[str]:
        rest = bank.open_of(self.thing) - self.amount()
        left = (
            say("{rest} of the batch stay open until a person names the cause.", rest=rest)
            if rest.value
            else say("Nothing of the batch is open at the bank after that.")
        )
        said = [left, say("The same line of a statement that is imported later is this credit."), NO_MONEY_MOVES]
        if others := bank.paid_together_with(self.thing):
            warning = say(
                "Its settlement pays it together with {count} others by one transfer: import the bank's statement, and "
                "match that transfer with the settlement.",
                count=others,
            )
            said.insert(0, warning)
        return said

    def button(self) -> str:
        return say("Enter {amount}", amount=self.amount())

    def button_pattern(self) -> str:
        return say("Enter {amount}")


class NameDifferenceForm(ReasonForm):
    """Say why the bank credited another amount than the batch pays."""

    title = lazy("Name the cause of the difference")
    reasons = BankCause.choices

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = bank.open_of(self.thing)
        most = Money(abs(self.left.value), self.left.currency)
        field = BankAmountField(most=most, is_limited=True, help_text=say("of {most} that are open", most=most))
        self.fields = {"amount": field, **self.fields}
        self.fields["reason_code"].label = say("Cause")

    def amount(self) -> Money:
        """What was typed in, unsigned; before the form is sent, all that is open."""
        given = getattr(self, "cleaned_data", {}).get("amount")
        return given if isinstance(given, Money) else Money(abs(self.left.value), self.left.currency)

    def signed(self) -> Money:
        """The same, with the sign of what is open."""
        return -self.amount() if self.left.value < 0 else self.amount()

    def will_happen(self) -> list[str]:
        said = (
            say("The bank credited more than the batch pays: {amount} of it count as explained.", amount=self.amount())
            if self.left.value < 0
            else say("{amount} that the bank did not credit count as explained.", amount=self.amount())
        )
        why = approvals.would_need(NAME_DIFFERENCE, by=self.actor, amount=self.amount(), account=self.thing.account)
        return [said, NO_MONEY_MOVES, *asks_first(why)]

    def button(self) -> str:
        return say("Name the cause of {amount}", amount=self.amount())

    def button_pattern(self) -> str:
        return say("Name the cause of {amount}")


class _DifferenceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, difference: Any) -> str:
        return say("{cause} {amount}", cause=difference.get_cause_display(), amount=difference.amount)


class TakeBackForm(ReasonForm):
    """Let a named difference be open again."""

    title = lazy("Take a named cause back")
    reasons = operations.TAKE_BACK_REASONS
    difference = _DifferenceField(BankDifference.objects.none(), label=lazy("Which"), empty_label=lazy("Choose…"))
    field_order = ("difference", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["difference"]
        chooser.queryset = self.thing.bank_differences.all()

    def will_happen(self) -> list[str]:
        return [say("Its amount is open at the bank again. The journal keeps what was said.")]

    def button(self) -> str:
        return say("Take it back")


class ImportStatementForm(ActForm):
    """Choose a statement of our bank."""

    title = lazy("Import a bank statement")
    account = forms.ModelChoiceField(
        AcquirerAccount.objects.none(),
        empty_label=lazy("Choose…"),
        label=lazy("Account"),
        help_text=lazy("Whose settlements arrive on that bank account."),
    )
    statement = forms.FileField(
        label=lazy("Statement"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xml"}),
        allow_empty_file=True,
        help_text=lazy("CAMT.053, or a CSV with the columns amount, currency, value_date, reference and text."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["account"]
        chooser.queryset = AcquirerAccount.objects.order_by("name")
        only = list(chooser.queryset[:2])
        if len(only) == 1:
            self.initial.setdefault("account", only[0].pk)

    def clean_statement(self) -> "UploadedFile[Any]":
        """Refuse what no statement is as large as, before it is read."""
        given: UploadedFile[Any] = self.cleaned_data["statement"]
        if (given.size or 0) > MAX_STATEMENT_BYTES:
            raise forms.ValidationError(
                say("{name} is larger than {limit} MiB.", name=given.name, limit=MAX_STATEMENT_BYTES // 1024**2)
            )
        return given

    def will_happen(self) -> list[str]:
        return [
            say("All entries of it are kept, or none: what is damaged is refused, with the reason."),
            say("A credit that can pay one batch only is matched with it; where several can be meant, you are asked."),
            say("Entries that are here already are not added again. The file itself is not kept."),
        ]

    def button(self) -> str:
        return say("Import the statement")


class MatchCreditForm(ReasonForm):
    """Say which batch a credit pays."""

    title = lazy("Match this credit with a batch")
    reasons = operations.MATCH_CREDIT_REASONS
    proposal = forms.ChoiceField(required=False, label=lazy("It pays"))
    named = forms.CharField(required=False, max_length=64, label=lazy("Or another batch, by its id"))
    field_order = ("proposal", "named", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payable: bank.Payable | None = None
        proposed = bank.proposals(self.thing)
        chooser: Any = self.fields["proposal"]
        chooser.choices = [
            ("", say("Another, by its id below")),
            *((bank.key_of(one), shown(one)) for one in proposed),
        ]
        self._proposed = {bank.key_of(one): one for one in proposed}
        for name in ("proposal", "named"):
            field: Any = self.fields[name]
            field.is_one_of_two = True
        if not proposed:
            del self.fields["proposal"]
            self.fields["named"].label = say("The batch, by its id")
        likely = [one for one in proposed if bank.is_named(one, self.thing)]
        likely = likely or [one for one in proposed if bank.open_of(one) == self.thing.amount]
        if len(likely) == 1 and not self.is_bound:
            self.payable = likely[0]
            self.initial["proposal"] = bank.key_of(self.payable)

    def clean(self) -> dict[str, Any]:
        """Demand one batch."""
        cleaned = super().clean()
        chosen, named = cleaned.get("proposal", ""), cleaned.get("named", "").strip()
        if bool(chosen) == bool(named):
            raise forms.ValidationError(
                say("Choose one of the proposals, or give one id.") if chosen else say("Say which batch it pays.")
            )
        self.payable = self._proposed[chosen] if chosen else bank.payable_named(self.thing, named)
        if self.payable is None:
            self.add_error("named", say("This account has no batch of this currency with this id."))
        return cleaned

    def will_happen(self) -> list[str]:
        if self.payable is None:
            return [say("What differs from what the batch pays stays open on the batch's page."), NO_MONEY_MOVES]
        rest = bank.open_of(self.payable) - self.thing.amount
        if isinstance(self.payable, bank.Payout):
            said = say("Each of its {count} clearings gets its share.", count=len(self.payable.batches))
            left = say("{rest} stay open, on its largest clearing.", rest=rest) if rest.value else ""
            return [said, *([left] if left else []), NO_MONEY_MOVES]
        said = (
            say("{rest} of batch {batch} stay open.", rest=rest, batch=self.payable)
            if rest.value
            else say("Nothing of batch {batch} is open at the bank after that.", batch=self.payable)
        )
        return [said, NO_MONEY_MOVES]

    def button(self) -> str:
        """The same whichever batch is chosen: the choice stands above it, and can be taken back."""
        return say("Match {amount}", amount=self.thing.amount)


def shown(batch: bank.Payable) -> str:
    """A batch, or a settlement of several, as one chooses it."""
    if isinstance(batch, bank.Payout):
        return say(
            "Settlement {settlement} of {count} clearings, {open} open",
            settlement=batch.number,
            count=len(batch.batches),
            open=batch.pays,
        )
    return say(
        "{batch}, initiated on {day}, {open} open",
        batch=batch,
        day=display.day_name(batch.initiated_on, with_year=True),
        open=bank.open_of(batch),
    )


class UnmatchCreditForm(ReasonForm):
    """Take the match away."""

    title = lazy("Unmatch this credit")
    reasons = operations.UNMATCH_CREDIT_REASONS

    def will_happen(self) -> list[str]:
        opened = say("What it pays of each clearing is open at the bank again.")
        if self.thing.payout is None:
            opened = say(
                "{amount} of batch {batch} are open at the bank again.",
                amount=self.thing.amount,
                batch=self.thing.batch,
            )
        return [
            opened,
            say("Nothing but a person matches this credit from then on."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Unmatch {amount}", amount=self.thing.amount)


class SetAsideForm(ReasonForm):
    """Say that a credit pays no batch."""

    title = lazy("Set this credit aside")
    reasons = operations.SET_ASIDE_REASONS

    def will_happen(self) -> list[str]:
        return [say("It pays no batch, and waits for nobody. It can be taken up again.")]

    def button(self) -> str:
        return say("Set {amount} aside", amount=self.thing.amount)


class TakeUpForm(ActForm):
    """Let it wait for a person again."""

    title = lazy("Take this credit up again")

    def will_happen(self) -> list[str]:
        return [say("It waits for a person again, who says which batch it pays.")]

    def button(self) -> str:
        return say("Take it up again")
