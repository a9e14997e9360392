"""What a person may do about a payment, from the payment's page or its order's: ask, cancel, refund, give back."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from payments import operations, queries
from payments.models import Cancel, Cycle, Order, Payment, Refund
from payments.operations.permission import MONEY_BACK
from payments.states import CancelStatus, PaymentStatus, ReasonCode, RefundStatus
from payments.timeline import whose_money
from portal import approvals, clock
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, ActForm, AmountForm, Done, ReasonForm, asks_first
from portal.money import Money
from portal.words import lazy, say, told

REASONS = [(code.value, code.label) for code in ReasonCode if code != ReasonCode.NO_FINAL_ANSWER]
"""What a person may choose; the one that is left out is the clock's."""


def payment_of(thing: Any) -> Payment | None:
    """The payment an act is about: itself, or the one that pays the order."""
    if isinstance(thing, Payment):
        return thing
    if isinstance(thing, Order):
        return queries.live_payment(thing)
    return None


def wallet_words(payment: Payment) -> str:
    """``GCash 63-9****31111``."""
    wallet = payment.wallet_account
    return f"{name_of(wallet.wallet)} {wallet.login_label}".strip()


def wallet_cell(payment: Payment) -> SafeString:
    """The same for a list: a number's last figures or an address up to its @, all of it on hover."""
    wallet = payment.wallet_account
    label = wallet.login_label
    name, at, _ = label.partition("@")
    brief = name if at else f"…{label[-5:]}" if label else ""
    markup = format_html('{} <span class="dim" title="{}">{}</span>', name_of(wallet.wallet), label, brief)
    return display.shown(markup, wallet_words(payment))


class _PaymentForm(ActForm):
    """A form about the payment of ``thing``."""

    @property
    def payment(self) -> Payment:
        found = payment_of(self.thing)
        if found is None:  # ``why_not`` has refused before: no payment, no such act
            raise LookupError("there is no payment")
        return found

    def needs(self) -> list[str]:
        """That a second person approves, where all that can be given back is more than this one gives alone."""
        payment = self.payment
        why = approvals.would_need(MONEY_BACK, by=self.actor, amount=payment.refundable, account=payment.account)
        return asks_first(why)


class _MoneyBackForm(_PaymentForm):
    """A form that moves money back, for which a second person may be needed."""

    def most(self) -> Money:
        """The largest amount the act may be of."""
        return self.payment.amount

    def alone(self) -> Money:
        """Up to which amount this person needs nobody else."""
        payment = self.payment
        return approvals.alone_up_to(MONEY_BACK, by=self.actor, most=self.most(), account=payment.account)


class _PartBackForm(_MoneyBackForm, AmountForm):
    """One that gives back a part, or all that is left, and whose button says what pressing it does with the amount."""

    def button(self) -> str:
        if self.is_unread():
            return self.unread()
        pattern = self.button_pattern() if self.amount() <= self.alone() else self.asking_pattern()
        return pattern.replace("{amount}", str(self.amount()))

    def button_pattern(self) -> str:
        """The words while nobody else is needed."""
        raise NotImplementedError

    def asking_pattern(self) -> str:
        """The words from where a second person is."""
        raise NotImplementedError


class AskForm(_PaymentForm):
    """Ask the acquirer."""

    title = lazy("Ask the acquirer now")

    def will_happen(self) -> list[str]:
        return [
            say(
                "We ask about {payment_request_id} (inquiryPayment) and write down what the acquirer says.",
                payment_request_id=self.payment.payment_request_id,
            ),
            say("Nothing is charged or given back by asking. What is final stays; a contradiction is kept and shown."),
        ]

    def button(self) -> str:
        return say("Ask now")


class CancelForm(_MoneyBackForm, ReasonForm):
    """Cancel the whole payment."""

    reasons = REASONS

    def heading(self) -> str:
        return say("Cancel the payment of {amount}", amount=self.payment.amount)

    def will_happen(self) -> list[str]:
        payment = self.payment
        if payment.status == PaymentStatus.PROCESSING:
            return [
                say("The result of this payment is not known. The cancel makes sure that the buyer pays nothing."),
                say("It cannot be taken back. The order may then be paid again."),
                *self._of_a_subscription(),
            ]
        until = queries.money_back(payment).cancel_until
        return [
            say(
                "All of {amount} goes back to {wallet_words}, without a refund fee.",
                amount=payment.amount,
                wallet_words=wallet_words(payment),
            ),
            say(
                "The acquirer takes a cancel until {acquirer_time}. It cannot be taken back.",
                acquirer_time=display.acquirer_time(until),
            ),
            *self.needs(),
        ]

    def _of_a_subscription(self) -> list[str]:
        if not Cycle.objects.filter(order=self.payment.order_id).exists():
            return []
        return [say("It is a charge of a subscription, which the worker does not try again then; a person may.")]

    def deadlines(self) -> list[tuple[str, datetime]]:
        return _deadlines(self.payment, "cancel")

    def is_risky(self) -> bool:
        return True

    def moves(self) -> Money:
        return self.payment.amount

    def button(self) -> str:
        amount = self.payment.amount
        # Before success nothing has come, so nothing goes back.
        if self.payment.status == PaymentStatus.SUCCEEDED and amount > self.alone():
            return say("Ask for a cancel of {amount}", amount=amount)
        return say("Cancel the payment of {amount}", amount=amount)


class RefundForm(_PartBackForm):
    """Give back a part, or all that is left, by refund."""

    reasons = REASONS

    def heading(self) -> str:
        return say("Refund")

    def most(self) -> Money:
        return self.payment.refundable

    def will_happen(self) -> list[str]:
        payment = self.payment
        back = queries.money_back(payment)
        until = (
            say(" A refund is possible until {exact}.", exact=display.exact(back.refund_until))
            if back.refund_until
            else ""
        )
        better = (
            [
                say(
                    "A cancel is still possible until {acquirer_time}; it costs no refund fee.",
                    acquirer_time=display.acquirer_time(back.cancel_until),
                )
            ]
            if back.best == "CANCEL"
            else []
        )
        return [
            say(
                "The amount goes back to {wallet_words} as a refund. It cannot be taken back.{until}",
                wallet_words=wallet_words(payment),
                until=until,
            ),
            *better,
            *self.needs(),
        ]

    def deadlines(self) -> list[tuple[str, datetime]]:
        return _deadlines(self.payment, "refund")

    def button_pattern(self) -> str:
        return say("Refund {amount}")

    def asking_pattern(self) -> str:
        return say("Ask for a refund of {amount}")


class GiveBackForm(_PartBackForm):
    """One wish, and the portal decides how: by cancel while that is possible, else by refund."""

    reasons = REASONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.payment.status != PaymentStatus.SUCCEEDED:
            del self.fields["amount"]  # what is not known to be paid is cancelled, and a cancel is whole

    def heading(self) -> str:
        return say("Give the money back")

    def most(self) -> Money:
        return queries.money_back(self.payment).refundable

    def will_happen(self) -> list[str]:
        payment = self.payment
        back = queries.money_back(payment)
        to = wallet_words(payment)
        if back.best == "CANCEL" and payment.status == PaymentStatus.PROCESSING:
            return [say("The result of this payment is not known, so it is cancelled whole: the buyer pays nothing.")]
        if back.best == queries.KEPT:
            return [
                say(
                    "We hold this payment as {status}, and were told that it was taken.",
                    status=payment.get_status_display().lower(),
                ),
                say("The acquirer is asked first; nothing happens unless it says that it keeps the money."),
                say(
                    "Then all of {amount} goes back to {to}: by cancel while that is possible, else by refund.",
                    amount=payment.amount,
                    to=to,
                ),
                say("The payment’s status stays as it is."),
            ]
        if back.best == "CANCEL":
            return [
                say(
                    "All of it: a cancel, without a refund fee, until {acquirer_time}.",
                    acquirer_time=display.acquirer_time(back.cancel_until),
                ),
                say("Less than all of it: a refund of that amount. Either way it goes to {to}.", to=to),
                *self.needs(),
            ]
        why = told(back.why)
        reason = (
            say("{why}, so this will be a refund", why=f"{why[:1].upper()}{why[1:]}")
            if back.why
            else say("This is a refund")
        )
        return [
            say("{reason}. The amount goes back to {to}. It cannot be taken back.", reason=reason, to=to),
            *self.needs(),
        ]

    def deadlines(self) -> list[tuple[str, datetime]]:
        return _deadlines(self.payment, "cancel", "refund")

    def button_pattern(self) -> str:
        return say("Give back {amount}")

    def asking_pattern(self) -> str:
        return say("Ask to give back {amount}")

    def alone(self) -> Money:
        # Before success nothing has come, so nothing goes back.
        return self.most() if self.payment.status == PaymentStatus.PROCESSING else super().alone()


def _deadlines(payment: Payment, *ways: str) -> list[tuple[str, datetime]]:
    """What can still run out of this payment's windows."""
    back = queries.money_back(payment)
    ends = {"cancel": (say("Cancel until"), back.cancel_until), "refund": (say("Refund until"), back.refund_until)}
    if payment.status != PaymentStatus.SUCCEEDED:
        return []
    possible = (ends[way] for way in ways if way != "cancel" or back.best == "CANCEL")
    return [(word, until) for word, until in possible if until is not None and until > clock.now()]


# When an act makes no sense.


def _no_payment(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None:
        return say("Nobody has tried to pay this order yet.")
    return say("The payment was never sent.") if payment.status == PaymentStatus.INITIATED else ""


def _no_cancel(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None or payment.status not in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED):
        return say("There is no payment that could be cancelled: it must be unknown or paid.")
    back = queries.money_back(payment)
    if back.best == "CANCEL":
        return ""
    if back.best == "REFUND":
        return say("A cancel is not possible: {why}. Refund it instead.", why=back.why)
    return say("A cancel is not possible: {why}.", why=back.why)


def _no_refund(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None or payment.status != PaymentStatus.SUCCEEDED:
        return say("Only what is paid can be refunded.")
    back = queries.money_back(payment)
    if payment.refundable.value == 0:
        return say("Everything was given back, or is on its way back.")
    if not payment.payment_id:
        return say("The acquirer’s id of this payment is not known yet. Ask the acquirer first.")
    if back.refund_until is not None and clock.now() >= back.refund_until:
        return say("The time for a refund ended {exact}.", exact=display.exact(back.refund_until))
    return ""


def _no_way_back(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None:
        return say("Nobody has paid this order.")
    back = queries.money_back(payment)
    return "" if back.best else say("Nothing can be given back: {why}.", why=back.why)


PAYMENT_ACTS = (
    Act("ask", lazy("Ask now"), form=AskForm, why_not=_no_payment),
    Act("refund", lazy("Refund…"), form=RefundForm, why_not=_no_refund),
    Act("cancel", lazy("Cancel…"), form=CancelForm, why_not=_no_cancel),
    Act("give_back", lazy("Give the money back…"), form=GiveBackForm, tone="risk", why_not=_no_way_back),
)


# What became of it, in words.


def _refunded(refund: Refund, payment: Payment) -> Done:
    match RefundStatus(refund.status):
        case RefundStatus.SUCCEEDED:
            return Done(
                say("{amount} went back to {wallet_words}.", amount=refund.amount, wallet_words=wallet_words(payment))
            )
        case RefundStatus.FAILED:
            return Done(
                say(
                    "The refund failed: {result_code}. {result_message}",
                    result_code=refund.result_code,
                    result_message=refund.result_message,
                ).strip(),
                "bad",
            )
        case _:
            return Done(
                say(
                    "The refund of {amount} is promised; its result is not known yet. We keep asking.",
                    amount=refund.amount,
                ),
                "wait",
            )


def _cancelled(cancel: Cancel, payment: Payment) -> Done:
    match CancelStatus(cancel.status):
        case CancelStatus.CONFIRMED:
            payment.refresh_from_db()
            return Done(say("The payment is cancelled. {whose_money}", whose_money=whose_money(payment)))
        case CancelStatus.REFUSED:
            return Done(
                say(
                    "The acquirer refused the cancel: {result_code}. {result_message}",
                    result_code=cancel.result_code,
                    result_message=cancel.result_message,
                ).strip(),
                "bad",
            )
        case _:
            return Done(
                say(
                    "The cancel of {amount} is promised; its result is not known yet. We keep asking.",
                    amount=payment.amount,
                ),
                "wait",
            )


class PaymentActs:
    """The acts' doing, for the admins of payments and of orders alike."""

    def ask(self, request: HttpRequest, thing: Any, form: AskForm) -> Done:
        payment = form.payment
        asked = operations.ask(payment, by=form.actor)
        if asked.status == PaymentStatus.PROCESSING:
            return Done(say("The acquirer has no final answer yet. We keep asking."), "wait")
        return Done(say("The acquirer was asked. The payment is {status}.", status=asked.get_status_display().lower()))

    def cancel(self, request: HttpRequest, thing: Any, form: CancelForm) -> Done:
        payment = form.payment
        cancel = operations.cancel(
            payment,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return _cancelled(cancel, payment)

    def refund(self, request: HttpRequest, thing: Any, form: RefundForm) -> Done:
        payment = form.payment
        refund = operations.refund(
            payment,
            form.amount(),
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return _refunded(refund, payment)

    def give_back(self, request: HttpRequest, thing: Any, form: GiveBackForm) -> Done:
        payment = form.payment
        given = operations.give_money_back(
            payment,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            amount=form.amount(),
            remember=form.remember,
        )
        return _refunded(given, payment) if isinstance(given, Refund) else _cancelled(given, payment)
