"""The forms of where new wallets are bound: the order of accounts, and draining one."""

from typing import Any

from django import forms

from portal import accounts, approvals
from portal.admin.acts import ActForm, NoteForm, asks_first
from portal.models import AcquirerAccount
from portal.words import lazy, say

MOST = 6
"""So many places a form asks for; a shop with more contracts would not tell them apart either."""


def needs_approval(form: ActForm) -> str:
    """Why a second person is asked before something of an account that works becomes another, if one is."""
    account: AcquirerAccount = form.thing
    return approvals.would_need(accounts.KEY_CHANGE, by=form.actor, account=account) if account.works() else ""


class DrainForm(NoteForm):
    """Bind nothing new through an account."""

    title = lazy("Drain the account")

    def will_happen(self) -> list[str]:
        return [
            say("No new wallet is bound through it from this moment on."),
            say("What is bound goes on: it is debited, refreshed, refunded and reconciled as before."),
            *(_left(whose, others) for whose, others in accounts.once_drained(self.thing)),
            *asks_first(needs_approval(self)),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Drain {account}", account=self.thing.name)


def _left(whose: AcquirerAccount, others: list[AcquirerAccount]) -> str:
    if not others:
        return say("Buyers of {account} can bind nothing then: no other account is in their order.", account=whose.name)
    return say(
        "Buyers of {account} are offered what {others} has.",
        account=whose.name,
        others=", ".join(one.name for one in others),
    )


class OpenForm(NoteForm):
    """Bind through an account again."""

    title = lazy("Take new wallets again")

    def will_happen(self) -> list[str]:
        return [
            say("Buyers are offered its wallets again, by the order that is kept."),
            *asks_first(needs_approval(self)),
        ]

    def button(self) -> str:
        return say("Open {account}", account=self.thing.name)


class PlacesForm(NoteForm):
    """The order of the accounts through which an account's buyers bind."""

    title = lazy("Where its buyers bind new wallets")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = [one.slug for one in accounts.places_of(self.thing)]
        known = list(AcquirerAccount.objects.filter(is_enabled=True))
        choices = [(one.slug, one.name) for one in known]
        self._known = {one.slug: one for one in known}
        self._places = [f"place_{number}" for number in range(1, min(len(known), MOST) + 1)]
        for number, name in enumerate(self._places, 1):
            is_first = number == 1
            self.fields[name] = forms.ChoiceField(
                label=say("Place {number}", number=number),
                choices=choices if is_first else [("", "–"), *choices],
                required=is_first,
                help_text=lazy("Asked first.") if is_first else "",
                initial=held[number - 1] if number <= len(held) else "",
            )
        self.order_fields([*self._places, "note"])

    def will_happen(self) -> list[str]:
        return [
            say("A buyer who binds a wallet is sent to the first of these accounts that has it and is not drained."),
            say("What is bound stays where it was bound. An order is debited by its wallet’s own account."),
            *asks_first(needs_approval(self)),
        ]

    def clean(self) -> dict[str, Any]:
        """Each account once."""
        cleaned = super().clean() or self.cleaned_data
        seen: set[str] = set()
        for name in self._places:
            chosen = cleaned.get(name, "")
            if chosen and chosen in seen:
                self.add_error(name, say("This account has a place already."))
            seen.add(chosen)
        return cleaned

    def through(self) -> list[AcquirerAccount]:
        """The accounts, the preferred one first."""
        return [self._known[slug] for name in self._places if (slug := self.cleaned_data[name])]

    def button(self) -> str:
        return say("Keep this order")
