"""Acts: what a person may do to a thing, each with a form, its own permission, a confirmation and a result in words.

An act is opened by GET, which says in words what will happen, and done by POST. Three things make a double click, a
reload, the back button and a second window harmless:

- the form carries a signed token, used once: the operation remembers it (``portal.idempotency``) inside the promise's
  own transaction, so that the same form cannot promise twice;
- the button says the act and its amount, and sends what it said: when the form means something else by now (the amount
  was changed), nothing is done and the button is shown again with the new words;
- the operation itself is a compare-and-set, so that of two people one gets a sentence.

Acts run outside any transaction: the promise must be committed before the wire.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.db.models import Model, QuerySet

from portal import clock, idempotency
from portal.actor import Actor
from portal.models import IdempotencyKey
from portal.money import WHOLE_UNITS_ONLY, Money, MoneyError, exponent, parse_major
from portal.words import lazy, say

_SALT = "portal.admin.acts"
OTHER = "OTHER"
"""The reason code that says nothing, so that the note must."""


def always(thing: Any) -> str:
    """No objection: the act is offered whatever the thing's state."""
    return ""


def asks_first(why: str) -> list[str]:
    """What will happen where a second person is asked, and why one is; nothing where none is."""
    return [say("{why}: then this becomes a request, and nothing is done before.", why=why)] if why else []


@dataclass(frozen=True)
class Act:
    """One act of a ledger: ``Act("refund", "Refund…", form=RefundForm)``.

    ``name`` is the URL's segment and the admin's method: ``refund(request, payment, form) -> Done | str | response``.
    The permission is ``<app>.act_<name>`` unless another codename is given. ``why_not`` answers with a sentence when
    the act makes no sense now: the button is not shown then, and whoever comes by URL reads the sentence.
    """

    name: str
    label: str
    form: "type[ActForm]" = field(default_factory=lambda: ActForm)
    permission: str = ""
    tone: str = ""
    """``main`` for the one act that moves things on, ``risk`` for what takes something away, else plain."""
    why_not: Callable[[Any], str] = always
    of_chosen: bool = False
    """An act of a list on the rows that were ticked in it; its form is a ``ChosenForm``."""

    @property
    def codename(self) -> str:
        """The permission's codename."""
        return self.permission or f"act_{self.name}"


@dataclass(frozen=True)
class Done:
    """The result in words. ``tone`` is ``good``, ``wait`` (not known yet) or ``bad``; ``url`` is where to go next."""

    sentence: str
    tone: str = "good"
    url: str = ""


def was_used(token: str, scope: str, actor: Actor) -> bool:
    """Whether a form with this token did already what its act says."""
    try:
        nonce = _nonce(token, scope, actor)
    except ValueError:
        return False
    return IdempotencyKey.objects.filter(scope=_remembered_under(actor), key=nonce).exists()


def _remembered_under(actor: Actor) -> str:
    return f"act:{actor.user_id}"


def _nonce(token: str, scope: str, actor: Actor) -> str:
    """What a token carries. Raises ValueError with a sentence, unless it is of this act, this thing and this person."""
    try:
        of_scope, user_id, nonce = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        raise ValueError("This form has gone stale. Open the act again.") from None
    if (of_scope, user_id) != (scope, actor.user_id):
        raise ValueError("This form belongs to another act. Open the act again.")
    return str(nonce)


class FormUsedBefore(Exception):
    """This very form was sent already and did what it says."""


class ActForm(forms.Form):
    """What an act asks. On its own it asks nothing but to press the button.

    Subclasses say ``title``, ``will_happen()`` and ``button()``. ``self.thing`` and ``self.actor`` are who and what.
    """

    title = ""
    is_roomy = False
    """Whether the form is long and stands in a wider box."""
    is_download = False
    """Whether its answer is a file: then the page stays, and the button may be pressed again."""
    once = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, thing: Any, actor: Actor, scope: str, **kwargs: Any) -> None:
        self.thing = thing
        self.actor = actor
        self._scope = scope
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial["once"] = self.fresh_token()

    def heading(self) -> str:
        """The headline of the act's page."""
        return self.title

    def will_happen(self) -> Sequence[str]:
        """What pressing the button does, in plain sentences."""
        return ()

    def background(self) -> Sequence[tuple[str, Any]]:
        """What is to be known before pressing it, beside the headline: a word and what it is."""
        return ()

    def other_way(self) -> tuple[str, str] | None:
        """What somebody who came for this may want to do instead: its words, and where it is done."""
        return None

    def deadlines(self) -> Sequence[tuple[str, datetime]]:
        """Until when this is possible, with a word for each: the page counts down to them."""
        return ()

    def button(self) -> str:
        """What the button says: the act and, where there is one, the amount. After validation, of the cleaned data."""
        return self.title

    def button_pattern(self) -> str:
        """The button's words with ``{amount}`` where the amount stands, for the page to follow the typing."""
        return ""

    def unread(self) -> str:
        """What the button says while what is typed is no amount."""
        return self.heading()

    def is_risky(self) -> bool:
        """Whether the button is red."""
        return False

    def moves(self) -> Money | None:
        """The money that pressing the button moves, if any. Large amounts ask the person once more who they are."""
        return None

    # The token that is used once.

    def fresh_token(self) -> str:
        """A new token, bound to this act, this thing and this person."""
        return signing.Signer(salt=_SALT).sign_object([self._scope, self.actor.user_id, clock.fresh_id("ACT")])

    def renew_token(self) -> None:
        """Let the form be sent again as a new act."""
        data: Any = self.data
        self.data = data.copy()
        self.data["once"] = self.fresh_token()  # type: ignore[index]

    def clean_once(self) -> str:
        """Refuse a token that is not of this act, this thing and this person."""
        try:
            return _nonce(self.cleaned_data["once"], self._scope, self.actor)
        except ValueError as reason:
            raise forms.ValidationError(str(reason)) from None

    def _identity(self) -> tuple[str, str, str]:
        data: Any = self.data
        said = sorted(
            (name, value) for name in self.fields if name != "once" for value in data.getlist(self.add_prefix(name))
        )
        body = "\n".join(f"{name}={value}" for name, value in said).encode()
        return (
            _remembered_under(self.actor),
            self.cleaned_data["once"],
            idempotency.fingerprint("ACT", self._scope, body),
        )

    def refuse_second_use(self) -> None:
        """Look whether this form was sent before.

        Raises FormUsedBefore when it was, ``idempotency.KeyReused`` when its token was sent with other words.
        """
        if idempotency.replayed(*self._identity()) is not None:
            raise FormUsedBefore

    def remember(self, made: Model) -> None:
        """Hand this to the operation: called inside the promise's transaction with the row that was made."""
        scope, key, fingerprint = self._identity()
        idempotency.remember(scope, key, fingerprint, resource_type=made._meta.label, resource_id=str(made.pk))


class ChosenForm(ActForm):
    """An act on several rows of a list at once: each is done as if it were the only one. Subclasses give ``rows()``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen"] = forms.ModelMultipleChoiceField(
            queryset=self.rows(), widget=forms.MultipleHiddenInput, required=False
        )

    def rows(self) -> QuerySet[Any]:
        """What may be chosen from."""
        raise NotImplementedError

    def count(self) -> int:
        """How many were chosen."""
        data: Any = self.data
        return len(data.getlist("chosen")) if self.is_bound else len(self.initial.get("chosen", []))

    def clean(self) -> dict[str, Any]:
        """Demand at least one row, and rows that are there."""
        cleaned = super().clean() or self.cleaned_data
        if "chosen" in self.errors:
            del self.errors["chosen"]
            raise forms.ValidationError(say("Some of these are not there any more. Choose again from the list."))
        if not cleaned.get("chosen"):
            raise forms.ValidationError(say("Nothing is chosen. Tick the rows in the list first."))
        return cleaned


class ReasonForm(ActForm):
    """An act that needs a reason. Subclasses give ``reasons``: the choices of the reason code."""

    reasons: Sequence[tuple[str, str]] = ()
    reason_code = forms.ChoiceField(label=lazy("Reason"), error_messages={"required": lazy("Choose a reason.")})
    note = forms.CharField(
        label=lazy("Note"),
        max_length=256,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("For whoever reads the journal. Required when the reason is Other."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["reason_code"]
        chooser.choices = [("", say("Choose…")), *self.reasons]

    def clean(self) -> dict[str, Any]:
        """Demand the note where the reason code says nothing."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("reason_code") == OTHER and not cleaned.get("note", "").strip():
            self.add_error("note", say("Say in a few words what the reason is."))
        return cleaned


class AmountField(forms.CharField):
    """An amount in major units, parsed by the currency's own exponent; cleans to Money.

    Refuses more decimals than the currency has, anything not above zero, and more than ``most``; ``beyond`` says so.
    """

    def __init__(self, *, most: Money, beyond: str = "", **kwargs: Any) -> None:
        self.most = most
        self._beyond = beyond or say("At most {most} can be given back.", most=most)
        kwargs.setdefault("label", say("Amount"))
        kwargs.setdefault("help_text", say("of {most} that can still be given back", most=most))
        kwargs.setdefault("initial", most.display)
        kwargs.setdefault(
            "widget",
            forms.TextInput(
                attrs={
                    "inputmode": "decimal",
                    "autocomplete": "off",
                    "class": "amount",
                    "data-currency": most.currency,
                    "data-decimals": str(exponent(most.currency)),
                    "data-whole-units": "true" if most.currency in WHOLE_UNITS_ONLY else "false",
                }
            ),
        )
        super().__init__(max_length=24, **kwargs)

    def clean(self, value: Any) -> Any:
        """Money of the field's currency."""
        text = super().clean(value)
        if not text:
            return None
        try:
            amount = parse_major(text, self.most.currency).payable()
        except MoneyError as reason:
            raise forms.ValidationError(str(reason)) from None
        if amount > self.most:
            raise forms.ValidationError(self._beyond)
        return amount


class AmountForm(ReasonForm):
    """An act about part of an amount: subclasses say ``most()``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {"amount": AmountField(most=self.most()), **self.fields}

    def most(self) -> Money:
        """The largest amount the act may be of."""
        raise NotImplementedError

    def moves(self) -> Money | None:
        return self.amount()

    def is_unread(self) -> bool:
        """Whether what was sent for an amount is none."""
        return self.is_bound and "amount" in self.errors

    def amount(self) -> Money:
        """What was asked for; before the form is sent, the most there is."""
        given = getattr(self, "cleaned_data", {}).get("amount")
        return given if isinstance(given, Money) else self.most()


class NoteForm(ActForm):
    """An act with a reason in words, for the journal."""

    note = forms.CharField(
        label=lazy("Reason"),
        max_length=256,
        help_text=lazy("For whoever reads the journal."),
        error_messages={"required": lazy("Say why, for whoever reads the journal.")},
    )
