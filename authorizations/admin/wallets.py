"""The wallets desk: bound wallets, attempts to bind, buyers. Tokens, codes and wallet users are on no page."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from authorizations import operations
from authorizations.desk import ENDING
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.operations.tokens import wallet_subject
from authorizations.states import AuthorizationStatus, RefreshResult, WalletStatus
from portal import clock, gather, registry
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table, WalletFilter
from portal.words import lazy, say

_WALLET_TONES = {
    WalletStatus.ACTIVE: "good",
    WalletStatus.REVOKING: "wait",
    WalletStatus.NEEDS_AUTHORIZATION: "bad",
}
_ATTEMPT_TONES = {
    AuthorizationStatus.STARTED: "wait",
    AuthorizationStatus.OFFERED: "wait",
    AuthorizationStatus.CODE_RECEIVED: "wait",
    AuthorizationStatus.BOUND: "good",
    AuthorizationStatus.FAILED: "bad",
}
_NEWEST_SHOWN = 20


def _wallet_chip(wallet: WalletAccount) -> Chip:
    status = WalletStatus(wallet.status)
    return Chip(status.label, _WALLET_TONES.get(status, ""))


def refreshed(wallet: WalletAccount) -> SafeString | str:
    """What became of the newest refresh, in words, and when it was sent."""
    if wallet.refresh_sent_at is None or not wallet.refresh_result:
        return display.NOTHING
    result = RefreshResult(wallet.refresh_result)
    code = "" if result is RefreshResult.SUCCEEDED else wallet.refresh_code
    return display.joined((result.label, code, display.when(wallet.refresh_sent_at)))


def _attempt_chip(attempt: Authorization) -> Chip:
    status = AuthorizationStatus(attempt.status)
    return Chip(status.label, _ATTEMPT_TONES.get(status, ""))


class RevokeForm(ReasonForm):
    """End a consent."""

    title = lazy("Revoke this wallet")
    reasons = (
        ("BUYER_REQUEST", lazy("Buyer asked for it")),
        ("FRAUD", lazy("Suspected fraud")),
        ("CONTRACT_ENDED", lazy("The buyer’s contract with us ended")),
        ("OTHER", lazy("Other (see note)")),
    )

    def will_happen(self) -> list[str]:
        wallet = self.thing
        return [
            say(
                "{name_of} {login_label} is not debited any more, whatever the acquirer answers.",
                name_of=name_of(wallet.wallet),
                login_label=wallet.login_label,
            ),
            say("What was paid stays paid, and can still be given back."),
            say("To pay with it again, the buyer must agree anew in the wallet."),
            *(sentence for stopping in registry.consents for sentence in stopping(wallet)),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say(
            "Revoke {name_of} {login_label}", name_of=name_of(self.thing.wallet), login_label=self.thing.login_label
        ).strip()


def _not_revocable(wallet: WalletAccount) -> str:
    if wallet.status in (WalletStatus.ACTIVE, WalletStatus.NEEDS_AUTHORIZATION):
        return ""
    return say("This wallet is {status}.", status=wallet.get_status_display().lower())


class WalletQuestions(Questions):
    """What one asks about bound wallets."""

    questions = (
        Question("active", lazy("Active"), lambda: Q(status=WalletStatus.ACTIVE)),
        Question("needs", lazy("Needs authorization"), lambda: Q(status=WalletStatus.NEEDS_AUTHORIZATION)),
        Question(
            "ending",
            lazy("Ends within {days} days", days=ENDING.days),
            lambda: Q(status=WalletStatus.ACTIVE, access_token_expires_at__lt=clock.now() + ENDING),
        ),
        Question("revoking", lazy("Revoking"), lambda: Q(status=WalletStatus.REVOKING)),
        Question("ended", lazy("Ended"), lambda: Q(status__in=(WalletStatus.REVOKED, WalletStatus.REPLACED))),
    )


class BoundDay(DayFilter):
    """By the day it was bound."""

    title = "bound"
    field = "bound_at"


class WalletPages(LedgerAdmin):
    """What every list of bound wallets shares: the wallet, its buyer, and the page that tells of both."""

    personal_columns = ("label", "buyer_shown")
    list_select_related = ("buyer", "account")
    page_select_related = ("account",)

    @display.column(lazy("Wallet"))
    def label(self, wallet: WalletAccount) -> str:
        return f"{name_of(wallet.wallet)} {wallet.login_label}".strip()

    @display.column(lazy("Buyer"), is_minor=True)
    def buyer_shown(self, wallet: WalletAccount) -> SafeString | str:
        return display.to(wallet.buyer, display.cut(wallet.buyer.reference))

    @display.column(lazy("State"))
    def state(self, wallet: WalletAccount) -> Chip:
        return _wallet_chip(wallet)

    @display.column(lazy("Bound"), numeric=True)
    def bound(self, wallet: WalletAccount) -> SafeString | str:
        return display.when(wallet.bound_at)

    def headline(self, wallet: WalletAccount) -> Headline:
        line = display.joined((display.to(wallet.buyer, say("Buyer {buyer}", buyer=wallet.buyer)), wallet.account.name))
        chips = [_wallet_chip(wallet)]
        if wallet.status == WalletStatus.ACTIVE and wallet.is_in_doubt:
            chips.append(Chip(say("In doubt"), "wait"))
        return Headline(self.label(wallet), chips, line)

    def subjects(self, wallet: WalletAccount) -> list[str]:
        states = wallet.authorizations.values_list("auth_state", flat=True)
        return [wallet.public_id, wallet_subject(wallet), *states]

    def cards(self, request: HttpRequest, wallet: WalletAccount) -> list[Card]:
        refreshes = say("yes") if wallet.refresh_token else say("no: the buyer must agree again when it ends")
        return [
            Card(
                say("Consent"),
                facts=[
                    (say("Wallet"), name_of(wallet.wallet)),
                    (say("Account there"), display.mono(wallet.login_label)),
                    (say("Buyer"), display.to(wallet.buyer)),
                    (say("Id for the shop"), display.mono(wallet.public_id)),
                    (say("Bound"), display.stamp(wallet.bound_at)),
                    (say("Ends"), display.stamp(wallet.access_token_expires_at)),
                    (say("Can be refreshed"), refreshes),
                    (say("Refreshed next"), display.when(wallet.due_at)),
                    (say("Last refresh"), refreshed(wallet)),
                    (say("Doubted"), display.stamp(wallet.doubted_at)),
                    (say("Needs authorization since"), display.stamp(wallet.needs_since)),
                    (say("Ended"), display.stamp(wallet.ended_at)),
                    (say("Because"), wallet.end_reason or display.NOTHING),
                    (say("Account"), display.to(wallet.account)),
                ],
            )
        ]


@admin.register(WalletAccount)
class WalletAccountAdmin(WalletPages):
    """A bound wallet: whether it may be debited, until when, and what ended it."""

    section, position, icon = "Wallets", 10, "wallet"
    menu_label = lazy("Wallet accounts")
    hint = lazy("newest first")
    empty_title = lazy("No wallet bound yet")
    empty_text = lazy("When a buyer agrees in a wallet, the binding appears here.")
    list_display = ("label", "buyer_shown", "state", "until", "bound")
    account_path = "account"
    more_columns = ("public_id", "ended_at", "end_reason")
    list_filter = (WalletQuestions, WalletFilter, BoundDay, AccountFilter)
    search_fields = ("login_label", "public_id", "buyer__reference", "authorizations__auth_state")
    acts = (Act("revoke", lazy("Revoke…"), form=RevokeForm, tone="risk", why_not=_not_revocable),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WalletAccount]:
        """Without the secrets: no page shows them, so no page decrypts them."""
        return super().get_queryset(request).defer("access_token", "user_id")

    hot_rows = gather.Standing(lambda: WalletAccount.objects.filter(status=WalletStatus.REVOKING, attempts__gt=0))

    @display.column(lazy("Consent ends"), numeric=True, is_minor=True)
    def until(self, wallet: WalletAccount) -> SafeString | str:
        if wallet.status != WalletStatus.ACTIVE:
            return display.NOTHING
        return display.when(wallet.access_token_expires_at)

    def revoke(self, request: HttpRequest, wallet: WalletAccount, form: RevokeForm) -> Done:
        ended = operations.revoke(
            wallet,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        if ended.status == WalletStatus.REVOKED:
            return Done(say("The wallet is revoked. It is not debited any more."))
        return Done(
            say("The wallet is not debited any more. The acquirer has not confirmed yet; we keep telling it."), "wait"
        )


class AttemptQuestions(Questions):
    """What one asks about attempts."""

    questions = (
        Question("waiting", lazy("Waiting for the buyer"), lambda: Q(status=AuthorizationStatus.OFFERED)),
        Question("confirming", lazy("Being confirmed"), lambda: Q(status=AuthorizationStatus.CODE_RECEIVED)),
        Question("bound", lazy("Bound"), lambda: Q(status=AuthorizationStatus.BOUND)),
        Question(
            "failed",
            lazy("Refused or failed"),
            lambda: Q(status__in=(AuthorizationStatus.FAILED, AuthorizationStatus.CANCELLED)),
        ),
    )


@admin.register(Authorization)
class AuthorizationAdmin(LedgerAdmin):
    """One attempt to bind."""

    section, position, icon = "Wallets", 20, "consent"
    hint = lazy("attempts to bind, newest first")
    empty_title = lazy("Nobody has tried yet")
    empty_text = lazy("Each time a buyer begins to bind a wallet, the attempt appears here.")
    list_display = ("state_id", "label", "buyer_shown", "state", "time")
    more_columns = ("public_id", "terminal_type", "result_code", "result_message", "expires_at")
    personal_columns = ("label", "buyer_shown")
    list_select_related = ("buyer", "wallet_account")
    account_path = "account"
    page_select_related = ("account",)
    list_filter = (AttemptQuestions, WalletFilter, DayFilter, AccountFilter)
    search_fields = ("auth_state", "public_id", "buyer__reference", "wallet_account__login_label")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorization]:
        """Without the secrets, as of wallets."""
        return (
            super()
            .get_queryset(request)
            .defer(
                "auth_url",
                "links",
                "auth_code",
                "wallet_account__access_token",
                "wallet_account__refresh_token",
                "wallet_account__user_id",
            )
        )

    @display.column("authState")
    def state_id(self, attempt: Authorization) -> SafeString | str:
        return display.ident(attempt.auth_state)

    @display.column(lazy("Wallet"))
    def label(self, attempt: Authorization) -> str:
        bound = attempt.wallet_account
        return f"{name_of(attempt.wallet)} {bound.login_label if bound else ''}".strip()

    @display.column(lazy("Buyer"), is_minor=True)
    def buyer_shown(self, attempt: Authorization) -> SafeString | str:
        return display.to(attempt.buyer, display.cut(attempt.buyer.reference))

    @display.column(lazy("State"))
    def state(self, attempt: Authorization) -> Chip:
        return _attempt_chip(attempt)

    @display.column(lazy("Time"), numeric=True)
    def time(self, attempt: Authorization) -> SafeString | str:
        return display.when(attempt.created_at)

    def headline(self, attempt: Authorization) -> Headline:
        return Headline(
            say("{name_of} for {buyer}", name_of=name_of(attempt.wallet), buyer=attempt.buyer),
            (_attempt_chip(attempt),),
            attempt.auth_state,
        )

    def subjects(self, attempt: Authorization) -> list[str]:
        return [attempt.auth_state]

    def cards(self, request: HttpRequest, attempt: Authorization) -> list[Card]:
        return [
            Card(
                say("Attempt"),
                facts=[
                    ("authState", display.mono(attempt.auth_state)),
                    (say("Id for the shop"), display.mono(attempt.public_id)),
                    (say("Buyer"), display.to(attempt.buyer)),
                    (say("Wallet account"), display.to(attempt.wallet_account)),
                    (say("Begun"), display.stamp(attempt.created_at)),
                    (say("Lapses"), display.stamp(attempt.expires_at)),
                    (say("Device"), f"{attempt.terminal_type} {attempt.os_type}".strip()),
                    (say("Result"), display.joined((attempt.result_code, attempt.result_message)) or display.NOTHING),
                    *display.meaning_facts(attempt.account, attempt.result_code, "applyToken"),
                    (say("Begun by"), f"{attempt.actor_name} ({attempt.actor_kind.replace('_', ' ').lower()})"),
                    (say("Account"), display.to(attempt.account)),
                ],
            )
        ]


@admin.register(Buyer)
class BuyerAdmin(LedgerAdmin):
    """Somebody who buys, under the merchant's own reference."""

    section, position, icon = "Wallets", 30, "buyer"
    hint = lazy("newest first")
    empty_title = lazy("No buyer yet")
    empty_text = lazy("A buyer appears with the first session.")
    list_display = ("reference", "account", "active", "since")
    personal_columns = ("reference",)
    list_select_related = ("account",)
    list_filter = (DayFilter, AccountFilter)
    search_fields = ("reference", "wallet_accounts__login_label")
    ordering = ("-created_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # For each row that is shown, by its index; a join would be grouped for every buyer there is.
        active = (
            WalletAccount.objects.filter(buyer=OuterRef("pk"), status=WalletStatus.ACTIVE)
            .order_by()
            .values("buyer")
            .annotate(count=Count("pk"))
            .values("count")
        )
        counted = Coalesce(Subquery(active, output_field=IntegerField()), 0)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(active_wallets=counted)
        return rows

    @display.column(lazy("Active wallets"), numeric=True)
    def active(self, buyer: Any) -> str:
        return str(buyer.active_wallets)

    @display.column(lazy("Since"), numeric=True)
    def since(self, buyer: Buyer) -> SafeString | str:
        return display.when(buyer.created_at)

    def headline(self, buyer: Buyer) -> Headline:
        return Headline(buyer.reference, (), say("Buyer of {account}", account=buyer.account))

    def cards(self, request: HttpRequest, buyer: Buyer) -> list[Card]:
        wallets = buyer.wallet_accounts.defer("access_token", "refresh_token", "user_id")[:_NEWEST_SHOWN]
        attempts = buyer.authorizations.defer("auth_url", "links", "auth_code")[:_NEWEST_SHOWN]
        orders = f"{reverse('admin:payments_order_changelist')}?{urlencode({'q': buyer.reference})}"
        return [
            Card(
                say("Wallets"),
                table=Table(
                    (say("Wallet"), say("State"), say("Bound")),
                    [(display.to(wallet), _wallet_chip(wallet), display.when(wallet.bound_at)) for wallet in wallets],
                    frozenset({2}),
                    empty=say("No wallet was ever bound."),
                ),
                wide=True,
            ),
            Card(
                say("Attempts to bind"),
                table=Table(
                    ("authState", say("State"), say("Time")),
                    [
                        (
                            display.to(attempt, display.ident(attempt.auth_state)),
                            _attempt_chip(attempt),
                            display.when(attempt.created_at),
                        )
                        for attempt in attempts
                    ],
                    frozenset({2}),
                    empty=say("Nothing was tried yet."),
                ),
                wide=True,
            ),
            Card(
                say("Buyer"),
                facts=[
                    (say("Reference"), display.mono(buyer.reference)),
                    (say("Account"), display.to(buyer.account)),
                    (say("Since"), display.stamp(buyer.created_at)),
                    (say("Orders"), display.link(orders, say("All orders"))),
                ],
            ),
        ]
