"""What the acts on discrepancies and settlement rows ask, and what they say will happen."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet

from payments.models import Payment, Refund
from portal import approvals
from portal.admin.acts import ActForm, ChosenForm, ReasonForm, asks_first
from portal.errors import PortalError
from portal.money import Money
from portal.words import counted, lazy, say
from reconciliation import operations, queries
from reconciliation.models import COUNTING, Discrepancy, Match
from reconciliation.operations.by_hand import MATCH, Ours, foresee, name_of, weight_of_row
from reconciliation.operations.discrepancies import EXPLAIN, weight_of

_TAKE = "reconciliation.act_take_discrepancy"
NOBODY_MOVED = lazy("No payment, no refund and no report row is changed by it.")


def workers() -> QuerySet[User]:
    """Who works discrepancies."""
    found: QuerySet[User] = User.objects.with_perm(_TAKE, backend="django.contrib.auth.backends.ModelBackend")
    return found.order_by("username")


def _needs(kind: str, form: ActForm, worth: Money) -> list[str]:
    why = approvals.would_need(kind, by=form.actor, amount=worth, account=form.thing.whose)
    return asks_first(why)


class TakeForm(ActForm):
    """Make a discrepancy one's own."""

    title = lazy("Take this discrepancy")

    def will_happen(self) -> list[str]:
        owner = self.thing.owner
        return [
            say("{owner} has it now; it becomes yours.", owner=owner.get_username())
            if owner
            else say("It becomes yours; others see that.")
        ]

    def button(self) -> str:
        owner = self.thing.owner
        is_others = owner is not None and owner.pk != self.actor.user_id
        return say("Take it from {owner}", owner=owner.get_username()) if is_others else say("Take it")


class OwnerField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Somebody who works discrepancies, or nobody."""

    def __init__(self) -> None:
        super().__init__(
            User.objects.none(),
            required=False,
            empty_label=lazy("Nobody: back to the queue"),
            label=lazy("Whose it becomes"),
        )


class AssignForm(ActForm):
    """Give a discrepancy to somebody."""

    title = lazy("Assign this discrepancy")
    owner = OwnerField()
    note = forms.CharField(
        label=lazy("Note"),
        max_length=256,
        required=False,
        help_text=lazy("For whoever gets it, and for the journal."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["owner"]
        chooser.queryset = workers()

    def will_happen(self) -> list[str]:
        owner = self.thing.owner
        return [say("{owner} has it now.", owner=owner.get_username()) if owner else say("Nobody has it now.")]

    def button(self) -> str:
        owner = self.thing.owner
        return say("Take it from {owner} and assign it", owner=owner.get_username()) if owner else say("Assign it")


class AskForm(ActForm):
    """Ask the acquirer about the payment the row is about."""

    title = lazy("Ask the acquirer now")

    def will_happen(self) -> list[str]:
        return [
            say("We ask about the payment (inquiryPayment) and write down what the acquirer says."),
            say("Nothing is charged or given back by asking. What is final stays; a contradiction is kept and shown."),
        ]

    def button(self) -> str:
        return say("Ask now")


class CheckForm(ActForm):
    """Decide on the row again."""

    title = lazy("Check this row again")

    def will_happen(self) -> list[str]:
        return [
            say("The row is compared once more with what our books say by now."),
            say("If they agree, the discrepancy settles itself; what still differs stays open."),
        ]

    def button(self) -> str:
        return say("Check again")


class CloseForm(ReasonForm):
    """Accept a discrepancy with a reason."""

    title = lazy("Close this discrepancy")
    reasons = operations.CHOOSABLE

    def will_happen(self) -> list[str]:
        share = self.thing.share
        sentences = [
            say("{share} of the file count as explained from now on.", share=share)
            if share.value
            else say("No amount is moved.")
        ]
        return [*sentences, NOBODY_MOVED, *_needs(EXPLAIN, self, weight_of(self.thing))]

    def button(self) -> str:
        return say("Close with {stake}", stake=self.thing.stake) if self.thing.stake_value else say("Close it")


class WriteOffForm(ReasonForm):
    """Take it as a loss or a gain."""

    title = lazy("Write this discrepancy off")
    reasons = operations.WRITE_OFF_REASONS

    def will_happen(self) -> list[str]:
        one = self.thing
        kind = say("loss") if (one.stake_value or one.value) < 0 else say("gain")
        if one.file_id is None:
            sentences = [say("{amount} become a {kind} of ours.", amount=weight_of(one), kind=kind)]
        else:
            sentences = [
                say(
                    "{amount} become a {kind} of ours; {share} of the file count as explained.",
                    amount=weight_of(one),
                    kind=kind,
                    share=one.share,
                )
            ]
        return [*sentences, NOBODY_MOVED, *_needs(EXPLAIN, self, weight_of(one))]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Write off {amount}", amount=weight_of(self.thing))


class ReopenForm(ReasonForm):
    """Open a closed discrepancy again."""

    title = lazy("Open this discrepancy again")
    reasons = operations.REOPEN_REASONS

    def will_happen(self) -> list[str]:
        if self.thing.file_id is None:
            return [say("It waits for a person again, with its old age.")]
        return [
            say(
                "{share} of the file are open again, and it waits for a person, with its old age.",
                share=self.thing.share,
            )
        ]

    def button(self) -> str:
        return say("Open it again")


class MatchForm(ReasonForm):
    """Say whose an open row is."""

    title = lazy("Match this row by hand")
    reasons = operations.MATCH_REASONS
    proposal = forms.ChoiceField(required=False, label=lazy("It belongs to"))
    named = forms.CharField(
        required=False,
        max_length=64,
        label=lazy("Or to another, by its id"),
        help_text=lazy("Id of a payment or a refund, ours or the acquirer's, or the number of an order."),
    )
    field_order = ("proposal", "named", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ours: Ours | None = None
        row = self.thing.row
        proposed = queries.proposals(row) if row is not None else []
        chooser: Any = self.fields["proposal"]
        chooser.choices = [("", say("Choose…")), *((_key(one), _shown(one)) for one in proposed)]
        if not proposed:
            del self.fields["proposal"]
            self.fields["named"].label = say("It belongs to")

    def clean(self) -> dict[str, Any]:
        """Demand one thing of ours, with which the row can be matched."""
        cleaned = super().clean()
        chosen, named = cleaned.get("proposal", ""), cleaned.get("named", "").strip()
        if bool(chosen) == bool(named):
            raise forms.ValidationError(
                say("Choose one of the proposals, or give one id.") if chosen else say("Say whose it is.")
            )
        self.ours = queries.ours_named(self.thing.file.account, chosen or named, self.thing.row.transaction_type)
        if self.ours is None:
            self.add_error("named", say("Nothing of this account has this id."))
            return cleaned
        try:
            foresee(self.thing, self.ours)
        except PortalError as refusal:
            self.add_error("named" if named else "proposal", refusal.message)
            self.ours = None
        return cleaned

    def will_happen(self) -> list[str]:
        row = self.thing.row
        asks = _needs(MATCH, self, weight_of_row(row))
        if self.ours is None:
            return [
                say("Currency, sign, status, amount and fee are compared as ever: what is not agreed stays open."),
                say("No import and no check decides on this row anew; it can be unmatched."),
                *asks,
            ]
        decision = foresee(self.thing, self.ours)
        matched = Money(decision.matched + decision.explained_value, row.currency)
        rest = [
            say("{value} stay open: {sentence}", value=Money(one.value, row.currency), sentence=one.sentence)
            for one in decision.findings
        ]
        return [
            say("{matched} of the row count as matched with {ours}.", matched=matched, ours=name_of(self.ours)),
            *rest,
            *asks,
        ]

    def button(self) -> str:
        return say("Match with {ours}", ours=name_of(self.ours)) if self.ours is not None else say("Match it")


def _key(ours: Payment | Refund) -> str:
    return ours.refund_request_id if isinstance(ours, Refund) else ours.payment_request_id


def _shown(ours: Payment | Refund) -> str:
    return say("{ours}, {status}", ours=name_of(ours), status=ours.get_status_display().lower())


class UnmatchForm(ReasonForm):
    """Take a match away."""

    title = lazy("Unmatch this row")
    reasons = operations.UNMATCH_REASONS

    def will_happen(self) -> list[str]:
        match = Match.objects.select_related("payment", "refund", "cancel__payment").get(row=self.thing)
        ours: Any = match.refund or match.cancel or match.payment
        after = (
            say("What was open before it was matched by hand is open again.")
            if match.is_by_hand
            else say("Nothing but a person decides on it from then on: match it by hand, or close it.")
        )
        return [
            say(
                "It does not settle {ours} any more; {reported} of the file are open.",
                ours=name_of(ours),
                reported=self.thing.reported,
            ),
            after,
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Unmatch {reported}", reported=self.thing.reported)


class RaiseForm(ReasonForm):
    """Raise it to the acquirer."""

    title = lazy("Raise this to the acquirer")
    is_download = True
    reasons = operations.RAISE_REASONS
    case_reference = forms.CharField(
        required=False,
        max_length=64,
        label=lazy("Their reference"),
        help_text=lazy("Of the case at the acquirer, once it has one."),
    )
    field_order = ("reason_code", "case_reference", "note")

    def will_happen(self) -> list[str]:
        return [
            say("One ZIP to send: a letter, the row with the digest of its report, our rows, messages, and checksums."),
            say("Messages are masked. That it was raised stands on its page and in the journal."),
        ]

    def button(self) -> str:
        return say("Take the bundle")


class _ChosenDiscrepancies(ChosenForm):
    def rows(self) -> QuerySet[Discrepancy]:
        rows = Discrepancy.objects.filter(COUNTING)
        return rows.select_related("file__account", "account", "row", "summary_row", "owner").defer(
            "file__content", "file__preview", "file__differences"
        )

    def _all(self) -> str:
        return counted("{count} discrepancy", "{count} discrepancies", self.count())


class AssignChosenForm(_ChosenDiscrepancies):
    """Give several to somebody."""

    owner = OwnerField()
    note = forms.CharField(
        label=lazy("Note"),
        max_length=256,
        required=False,
        help_text=lazy("For whoever gets them, and for the journal."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["owner"]
        chooser.queryset = workers()

    def heading(self) -> str:
        return say("Assign {all}", all=self._all())

    def will_happen(self) -> list[str]:
        return [say("Each is given as if it were the only one. One that was closed meanwhile stops no other.")]

    def button(self) -> str:
        return say("Assign {all}", all=self._all())


class CloseChosenForm(_ChosenDiscrepancies, ReasonForm):
    """Accept several with one reason."""

    reasons = operations.CHOOSABLE

    def heading(self) -> str:
        return say("Close {all}", all=self._all())

    def will_happen(self) -> list[str]:
        return [
            say("Each is closed as if it were the only one; one that is refused stops no other."),
            say("One above what you accept alone becomes a request for a second person."),
            NOBODY_MOVED,
        ]

    def button(self) -> str:
        return say("Close {all}", all=self._all())


class WriteOffChosenForm(CloseChosenForm):
    """Write several off with one reason."""

    reasons = operations.WRITE_OFF_REASONS

    def heading(self) -> str:
        return say("Write {all} off", all=self._all())

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Write off {all}", all=self._all())
