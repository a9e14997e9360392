"""Looking after consents: which end soon, how their refreshes went, and whose buyers must agree again.

One list of bound wallets, asked in four ways; each way has its own columns and order. What hangs on a consent comes
from those above, by ``registry.stakes``, for all rows of a page at once.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from authorizations import consents, queries
from authorizations.admin.wallets import WalletPages, refreshed
from authorizations.models import Consent, WalletAccount
from authorizations.states import RefreshResult, WalletStatus
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, OfferedAct, Question, Questions, WalletFilter
from portal.admin.lists import MAY_EXPORT
from portal.gateways import meaning_of
from portal.registry import Stake
from portal.words import counted, lazy, say

ENDING, REFRESHES, NEEDS, TO_ASK = "ending", "refreshes", "needs", "to_ask"
DAYS = (7, 30, 60, 90)
_LIVE = (WalletStatus.ACTIVE, WalletStatus.NEEDS_AUTHORIZATION)
_NEEDS = Q(status=WalletStatus.NEEDS_AUTHORIZATION)
_RESULT_TONES = {RefreshResult.SUCCEEDED: "good", RefreshResult.REFUSED: "bad", RefreshResult.UNKNOWN: "wait"}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    ENDING: ("label", "buyer_shown", "ends", "then", "last_refresh", "hangs_on_it"),
    REFRESHES: ("label", "buyer_shown", "refresh", "refresh_sent", "because", "next_try", "hangs_on_it"),
    NEEDS: ("label", "buyer_shown", "since", "why", "hangs_on_it"),
    TO_ASK: ("label", "buyer_shown", "reason", "until", "message", "hangs_on_it"),
}
_APART = ("subscriptions", "next_charges", "unpaid")
"""What hangs on it, for whoever adds it up."""
_IN_THE_FILE = ("buyer_shown", "wallet_id", "wallet_code", "label", "reason", "until", "message", *_APART)
"""What a merchant feeds to its own messages, the customer first."""
_ORDERS: Mapping[str, tuple[str, ...]] = {
    ENDING: ("access_token_expires_at", "pk"),
    REFRESHES: ("-refresh_sent_at", "-pk"),
    NEEDS: ("-needs_since", "-pk"),
    TO_ASK: ("-bound_at", "-pk"),
}


def asked(request: HttpRequest) -> str:
    """Which of the questions is asked; the first one where none is."""
    name = request.GET.get("ask", "")
    return name if name in _COLUMNS else ENDING


def days_asked(request: HttpRequest) -> int:
    """How many days ahead are asked about."""
    given = request.GET.get("days", "")
    days = int(given) if given.isascii() and given.isdigit() and len(given) <= len(str(consents.MOST_DAYS)) else 0
    return days if 0 < days <= consents.MOST_DAYS else consents.USUAL_DAYS


class ConsentQuestions(Questions):
    """What one asks about consents; never nothing."""

    questions = (
        Question(ENDING, lazy("Ending"), lambda: Q(status=WalletStatus.ACTIVE)),
        Question(REFRESHES, lazy("Refreshes"), lambda: Q(status__in=_LIVE, refresh_sent_at__isnull=False)),
        Question(NEEDS, lazy("Needs authorization"), lambda: _NEEDS),
        Question(
            TO_ASK,
            lazy("Whom to message"),
            lambda: Q(status__in=_LIVE),
            parts=lambda: (_NEEDS, Q(status=WalletStatus.ACTIVE)),
        ),
    )

    def value(self) -> str | None:
        """The first question where none is asked."""
        return super().value() or ENDING


class WithinFilter(admin.SimpleListFilter):
    """The next so many days, of the questions that look ahead."""

    title = lazy("ends within")
    parameter_name = "days"
    is_optional = False

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.question, self.days = asked(request), days_asked(request)
        super().__init__(request, params, model, model_admin)

    def has_output(self) -> bool:
        return self.question in {ENDING, TO_ASK}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(days), say("{count} days", count=days)) for days in sorted({*DAYS, days_asked(request)})]

    def choices(self, changelist: Any) -> Any:
        """The days; none of them takes the others back."""
        for value, label in self.lookup_choices:
            url = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": value == str(self.days), "query_string": url, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        until = consents.within(self.days)
        if self.question == TO_ASK:
            return queryset.filter(queries.to_ask_again(until))
        return queryset.filter(access_token_expires_at__lt=until)

    def in_words(self) -> list[str]:
        """``within 30 days``."""
        return [say("within {count} days", count=self.days)]


class RefreshFilter(admin.SimpleListFilter):
    """What became of the newest refresh."""

    title = lazy("refresh")
    parameter_name = "refresh"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.question = asked(request)
        super().__init__(request, params, model, model_admin)

    def has_output(self) -> bool:
        return self.question == REFRESHES

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in RefreshResult.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(refresh_result=self.value()) if self.value() else queryset


@admin.register(Consent)
class ConsentAdmin(WalletPages):
    """The consents that somebody should look after."""

    section, position, icon = "Wallets", 5, "clock"
    menu_label = lazy("Consents")
    hint = lazy("which end, how refreshes went, and whose buyers must agree again")
    empty_title = lazy("No consent ends in these days")
    empty_text = lazy("What can be refreshed is refreshed ten days before it ends.")
    list_display = _COLUMNS[ENDING]
    more_columns = (
        *(name for name in dict.fromkeys(chain(*_COLUMNS.values())) if name not in _COLUMNS[ENDING]),
        *_APART,
        "wallet_code",
        "wallet_id",
        "bound",
    )
    list_filter = (ConsentQuestions, WithinFilter, RefreshFilter, WalletFilter, AccountFilter)
    search_fields = ("login_label", "public_id", "buyer__reference")
    order_names = {"access_token_expires_at": (lazy("Soonest first"), lazy("Latest first"))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the secrets, and with whether there is a refresh token."""
        return queries.without_secrets(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return _ORDERS[asked(request)]

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns as this person has chosen them, else those of the question; a file has more of them."""
        chosen = super().get_list_display(request)
        if chosen is not self.list_display:
            return chosen
        is_file = request.path.endswith("/export/")
        return _IN_THE_FILE if is_file and asked(request) == TO_ASK else _COLUMNS[asked(request)]

    def offered_list_acts(self, request: HttpRequest) -> list[OfferedAct]:
        """Whom to message, as a file, in one step."""
        user: Any = request.user
        query = urlencode({"ask": TO_ASK, "days": str(days_asked(request))})
        if not user.has_perm(MAY_EXPORT):
            return []
        url = reverse("admin:authorizations_consent_export")
        return [OfferedAct(say("List to message…"), f"{url}?{query}", "main")]

    def read_beside(self, rows: Sequence[Any]) -> None:
        """What hangs on each."""
        found = consents.stakes_of(rows)
        for row in rows:
            row.stake = found[row.pk]

    def url_of_row(self, row: Any) -> str:
        """A consent is told on its wallet's page."""
        return reverse("admin:authorizations_walletaccount_change", args=(row.pk,))

    def parts(self, thing: Any) -> Sequence[Model]:
        return (WalletAccount(pk=thing.pk),)

    # What the columns say.

    @display.column(lazy("Wallet"))
    def label(self, wallet: Any) -> SafeString:
        return display.joined((name_of(wallet.wallet), display.cut(wallet.login_label)), " ")

    @display.column(lazy("Id for the shop"))
    def wallet_id(self, wallet: Any) -> SafeString | str:
        return display.ident(wallet.public_id)

    @display.column(lazy("Wallet’s code"))
    def wallet_code(self, wallet: Any) -> str:
        return str(wallet.wallet)

    @display.column(lazy("Ends"), numeric=True)
    def ends(self, wallet: Any) -> SafeString | str:
        return display.when(wallet.access_token_expires_at)

    @display.column(lazy("Then"))
    def then(self, wallet: Any) -> Chip:
        if wallet.status != WalletStatus.ACTIVE or consents.ends_for_good(wallet):
            return Chip(say("Must agree again"), "bad")
        return Chip(say("Refreshed by itself"), "good")

    @display.column(lazy("Last refresh"), wraps=True, is_minor=True)
    def last_refresh(self, wallet: Any) -> SafeString | str:
        return refreshed(wallet)

    @display.column(lazy("Result"))
    def refresh(self, wallet: Any) -> Chip | str:
        if not wallet.refresh_result:
            return display.NOTHING
        result = RefreshResult(wallet.refresh_result)
        return Chip(str(result.label), _RESULT_TONES[result])

    @display.column(lazy("Sent"), numeric=True)
    def refresh_sent(self, wallet: Any) -> SafeString | str:
        return display.when(wallet.refresh_sent_at)

    @display.column(lazy("Reason"), wraps=True)
    def because(self, wallet: Any) -> SafeString | str:
        return display.joined((_code(wallet), _meaning(wallet))) or display.NOTHING

    @display.column(lazy("Next try"), numeric=True)
    def next_try(self, wallet: Any) -> SafeString | str:
        if wallet.status != WalletStatus.ACTIVE or consents.ends_for_good(wallet):
            return say("none")
        return display.when(wallet.due_at)

    @display.column(lazy("Since"), numeric=True)
    def since(self, wallet: Any) -> SafeString | str:
        return display.when(wallet.needs_since)

    @display.column(lazy("Why"), wraps=True)
    def why(self, wallet: Any) -> str:
        return wallet.end_reason or display.NOTHING

    @display.column(lazy("Reason"), wraps=True)
    def reason(self, wallet: Any) -> str:
        reason = consents.reason_of(wallet)
        return str(reason.label) if reason else display.NOTHING

    @display.column(lazy("Until"), numeric=True)
    def until(self, wallet: Any) -> SafeString | str:
        """Until when it can be debited; of a dead one, since when it cannot."""
        return display.when(wallet.needs_since or wallet.access_token_expires_at)

    @display.column(lazy("What to tell them"), wraps=True)
    def message(self, wallet: Any) -> str:
        return consents.message_to(wallet, _day)

    @display.column(lazy("What hangs on it"), wraps=True)
    def hangs_on_it(self, wallet: Any) -> SafeString | str:
        stake: Stake = wallet.stake
        if not stake.subscriptions:
            return display.NOTHING
        return display.joined(
            (
                counted("{count} subscription", "{count} subscriptions", stake.subscriptions),
                *(_with(say("next"), amount) for amount in _amounts(stake.next_charges)),
                _metered(stake),
                *(_with(say("unpaid"), amount) for amount in _amounts(stake.unpaid)),
            )
        )

    @display.column(lazy("Subscriptions"), numeric=True)
    def subscriptions(self, wallet: Any) -> int | str:
        return wallet.stake.subscriptions or display.NOTHING

    @display.column(lazy("Next charges"), numeric=True)
    def next_charges(self, wallet: Any) -> SafeString | str:
        stake: Stake = wallet.stake
        return display.joined((*_amounts(stake.next_charges), _metered(stake))) or display.NOTHING

    @display.column(lazy("Unpaid"), numeric=True)
    def unpaid(self, wallet: Any) -> SafeString | str:
        return display.joined(_amounts(wallet.stake.unpaid)) or display.NOTHING


def _amounts(sums: Mapping[str, int]) -> list[SafeString | str]:
    """One amount a currency, in the currencies' own order."""
    return [display.minor(value, currency) for currency, value in sorted(sums.items())]


def _with(word: str, amount: Any) -> SafeString:
    """An amount, and what it is of."""
    return display.shown(format_html("{} {}", word, amount), f"{word} {amount.value}")


def _metered(stake: Stake) -> str:
    return say("{count} metered", count=stake.unknown) if stake.unknown else ""


def _code(wallet: Any) -> str:
    """Why a refresh brought no token, in the acquirer's word."""
    return "" if wallet.refresh_result == RefreshResult.SUCCEEDED else str(wallet.refresh_code)


def _meaning(wallet: Any) -> str:
    return meaning_of(wallet.account, _code(wallet), "applyToken").meaning


def _day(moment: Any) -> str:
    return display.day_name(timezone.localtime(moment).date(), with_year=True)
