"""The wallets desk: bound wallets, attempts to bind, buyers. Tokens, codes and wallet users are on no page."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from authorizations import operations
from authorizations.desk import ENDING
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from portal import clock
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.ledger import (
    AccountFilter,
    Card,
    DayFilter,
    Headline,
    LedgerAdmin,
    Question,
    Questions,
    Table,
    WalletFilter,
)

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


def _attempt_chip(attempt: Authorization) -> Chip:
    status = AuthorizationStatus(attempt.status)
    return Chip(status.label, _ATTEMPT_TONES.get(status, ""))


class RevokeForm(ReasonForm):
    """End a consent."""

    title = "Revoke this wallet"
    reasons = (
        ("BUYER_REQUEST", "Buyer asked for it"),
        ("FRAUD", "Suspected fraud"),
        ("CONTRACT_ENDED", "The buyer’s contract with us ended"),
        ("OTHER", "Other (see note)"),
    )

    def will_happen(self) -> list[str]:
        wallet = self.thing
        return [
            f"{name_of(wallet.wallet)} {wallet.login_label} is not debited any more, whatever the acquirer answers.",
            "What was paid stays paid, and can still be given back.",
            "To pay with it again, the buyer must agree anew in the wallet.",
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return f"Revoke {name_of(self.thing.wallet)} {self.thing.login_label}".strip()


def _not_revocable(wallet: WalletAccount) -> str:
    if wallet.status in (WalletStatus.ACTIVE, WalletStatus.NEEDS_AUTHORIZATION):
        return ""
    return f"This wallet is {wallet.get_status_display().lower()}."


class WalletQuestions(Questions):
    """What one asks about bound wallets."""

    questions = (
        Question("active", "Active", lambda: Q(status=WalletStatus.ACTIVE)),
        Question("needs", "Needs authorization", lambda: Q(status=WalletStatus.NEEDS_AUTHORIZATION)),
        Question(
            "ending",
            f"Ends within {ENDING.days} days",
            lambda: Q(status=WalletStatus.ACTIVE, access_token_expires_at__lt=clock.now() + ENDING),
        ),
        Question("revoking", "Revoking", lambda: Q(status=WalletStatus.REVOKING)),
        Question("ended", "Ended", lambda: Q(status__in=(WalletStatus.REVOKED, WalletStatus.REPLACED))),
    )


class BoundDay(DayFilter):
    """By the day it was bound."""

    title = "bound"
    field = "bound_at"


@admin.register(WalletAccount)
class WalletAccountAdmin(LedgerAdmin):
    """A bound wallet: whether it may be debited, until when, and what ended it."""

    section, position, icon = "Wallets", 10, "wallet"
    menu_label = "Wallet accounts"
    hint = "newest first"
    empty_title = "No wallet bound yet"
    empty_text = "When a buyer agrees in a wallet, the binding appears here."
    list_display = ("label", "buyer_shown", "state", "until", "bound")
    list_select_related = ("buyer",)
    page_select_related = ("account",)
    list_filter = (WalletQuestions, WalletFilter, BoundDay, AccountFilter)
    search_fields = ("login_label", "public_id", "buyer__reference", "authorizations__auth_state")
    acts = (Act("revoke", "Revoke…", form=RevokeForm, tone="risk", why_not=_not_revocable),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WalletAccount]:
        """Without the secrets: no page shows them, so no page decrypts them."""
        return super().get_queryset(request).defer("access_token", "user_id")

    def hot_count(self) -> int:
        return WalletAccount.objects.filter(status=WalletStatus.REVOKING, attempts__gt=0).count()

    @display.column("Wallet")
    def label(self, wallet: WalletAccount) -> str:
        return f"{name_of(wallet.wallet)} {wallet.login_label}".strip()

    @display.column("Buyer", is_minor=True)
    def buyer_shown(self, wallet: WalletAccount) -> SafeString | str:
        return display.to(wallet.buyer)

    @display.column("State")
    def state(self, wallet: WalletAccount) -> Chip:
        return _wallet_chip(wallet)

    @display.column("Consent ends", numeric=True, is_minor=True)
    def until(self, wallet: WalletAccount) -> SafeString | str:
        if wallet.status != WalletStatus.ACTIVE:
            return display.NOTHING
        return display.when(wallet.access_token_expires_at)

    @display.column("Bound", numeric=True)
    def bound(self, wallet: WalletAccount) -> SafeString | str:
        return display.when(wallet.bound_at)

    def headline(self, wallet: WalletAccount) -> Headline:
        line = display.joined((display.to(wallet.buyer, f"Buyer {wallet.buyer}"), wallet.account.name))
        return Headline(self.label(wallet), (_wallet_chip(wallet),), line)

    def subjects(self, wallet: WalletAccount) -> list[str]:
        states = wallet.authorizations.values_list("auth_state", flat=True)
        return [wallet.public_id, *states]

    def cards(self, request: HttpRequest, wallet: WalletAccount) -> list[Card]:
        refreshes = "yes" if wallet.refresh_token else "no: the buyer must agree again when it ends"
        return [
            Card(
                "Consent",
                facts=[
                    ("Wallet", name_of(wallet.wallet)),
                    ("Account there", display.mono(wallet.login_label)),
                    ("Buyer", display.to(wallet.buyer)),
                    ("Id for the shop", display.mono(wallet.public_id)),
                    ("Bound", display.stamp(wallet.bound_at)),
                    ("Ends", display.stamp(wallet.access_token_expires_at)),
                    ("Can be refreshed", refreshes),
                    ("Refreshed next", display.when(wallet.due_at)),
                    ("Doubted", display.stamp(wallet.doubted_at)),
                    ("Ended", display.stamp(wallet.ended_at)),
                    ("Because", wallet.end_reason or display.NOTHING),
                    ("Account", display.to(wallet.account)),
                ],
            )
        ]

    def revoke(self, request: HttpRequest, wallet: WalletAccount, form: RevokeForm) -> Done:
        ended = operations.revoke(
            wallet,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        if ended.status == WalletStatus.REVOKED:
            return Done("The wallet is revoked. It is not debited any more.")
        return Done(
            "The wallet is not debited any more. The acquirer has not confirmed yet; we keep telling it.", "wait"
        )


class AttemptQuestions(Questions):
    """What one asks about attempts."""

    questions = (
        Question("waiting", "Waiting for the buyer", lambda: Q(status=AuthorizationStatus.OFFERED)),
        Question("confirming", "Being confirmed", lambda: Q(status=AuthorizationStatus.CODE_RECEIVED)),
        Question("bound", "Bound", lambda: Q(status=AuthorizationStatus.BOUND)),
        Question(
            "failed",
            "Refused or failed",
            lambda: Q(status__in=(AuthorizationStatus.FAILED, AuthorizationStatus.CANCELLED)),
        ),
    )


@admin.register(Authorization)
class AuthorizationAdmin(LedgerAdmin):
    """One attempt to bind."""

    section, position, icon = "Wallets", 20, "consent"
    hint = "attempts to bind, newest first"
    empty_title = "Nobody has tried yet"
    empty_text = "Each time a buyer begins to bind a wallet, the attempt appears here."
    list_display = ("state_id", "label", "buyer_shown", "state", "time")
    list_select_related = ("buyer", "wallet_account")
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
                "auth_code",
                "wallet_account__access_token",
                "wallet_account__refresh_token",
                "wallet_account__user_id",
            )
        )

    @display.column("authState")
    def state_id(self, attempt: Authorization) -> SafeString | str:
        return display.ident(attempt.auth_state)

    @display.column("Wallet")
    def label(self, attempt: Authorization) -> str:
        bound = attempt.wallet_account
        return f"{name_of(attempt.wallet)} {bound.login_label if bound else ''}".strip()

    @display.column("Buyer", is_minor=True)
    def buyer_shown(self, attempt: Authorization) -> SafeString | str:
        return display.to(attempt.buyer)

    @display.column("State")
    def state(self, attempt: Authorization) -> Chip:
        return _attempt_chip(attempt)

    @display.column("Time", numeric=True)
    def time(self, attempt: Authorization) -> SafeString | str:
        return display.when(attempt.created_at)

    def headline(self, attempt: Authorization) -> Headline:
        return Headline(f"{name_of(attempt.wallet)} for {attempt.buyer}", (_attempt_chip(attempt),), attempt.auth_state)

    def subjects(self, attempt: Authorization) -> list[str]:
        return [attempt.auth_state]

    def cards(self, request: HttpRequest, attempt: Authorization) -> list[Card]:
        return [
            Card(
                "Attempt",
                facts=[
                    ("authState", display.mono(attempt.auth_state)),
                    ("Id for the shop", display.mono(attempt.public_id)),
                    ("Buyer", display.to(attempt.buyer)),
                    ("Wallet account", display.to(attempt.wallet_account)),
                    ("Begun", display.stamp(attempt.created_at)),
                    ("Lapses", display.stamp(attempt.expires_at)),
                    ("Device", f"{attempt.terminal_type} {attempt.os_type}".strip()),
                    ("Result", display.joined((attempt.result_code, attempt.result_message)) or display.NOTHING),
                    ("Begun by", f"{attempt.actor_name} ({attempt.actor_kind.replace('_', ' ').lower()})"),
                    ("Account", display.to(attempt.account)),
                ],
            )
        ]


@admin.register(Buyer)
class BuyerAdmin(LedgerAdmin):
    """Somebody who buys, under the merchant's own reference."""

    section, position, icon = "Wallets", 30, "buyer"
    hint = "newest first"
    empty_title = "No buyer yet"
    empty_text = "A buyer appears with the first session."
    list_display = ("reference", "account", "active", "since")
    list_select_related = ("account",)
    list_filter = (DayFilter, AccountFilter)
    search_fields = ("reference", "wallet_accounts__login_label")
    ordering = ("-created_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        active = Count("wallet_accounts", filter=Q(wallet_accounts__status=WalletStatus.ACTIVE))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(active_wallets=active)
        return rows

    @display.column("Active wallets", numeric=True)
    def active(self, buyer: Any) -> str:
        return str(buyer.active_wallets)

    @display.column("Since", numeric=True)
    def since(self, buyer: Buyer) -> SafeString | str:
        return display.when(buyer.created_at)

    def headline(self, buyer: Buyer) -> Headline:
        return Headline(buyer.reference, (), f"Buyer of {buyer.account}")

    def cards(self, request: HttpRequest, buyer: Buyer) -> list[Card]:
        wallets = buyer.wallet_accounts.defer("access_token", "refresh_token", "user_id")[:_NEWEST_SHOWN]
        attempts = buyer.authorizations.defer("auth_url", "auth_code")[:_NEWEST_SHOWN]
        orders = f"{reverse('admin:payments_order_changelist')}?{urlencode({'q': buyer.reference})}"
        return [
            Card(
                "Wallets",
                table=Table(
                    ("Wallet", "State", "Bound"),
                    [(display.to(wallet), _wallet_chip(wallet), display.when(wallet.bound_at)) for wallet in wallets],
                    frozenset({2}),
                    empty="No wallet was ever bound.",
                ),
                wide=True,
            ),
            Card(
                "Attempts to bind",
                table=Table(
                    ("authState", "State", "Time"),
                    [
                        (
                            display.to(attempt, display.ident(attempt.auth_state)),
                            _attempt_chip(attempt),
                            display.when(attempt.created_at),
                        )
                        for attempt in attempts
                    ],
                    frozenset({2}),
                    empty="Nothing was tried yet.",
                ),
                wide=True,
            ),
            Card(
                "Buyer",
                facts=[
                    ("Reference", display.mono(buyer.reference)),
                    ("Account", display.to(buyer.account)),
                    ("Since", display.stamp(buyer.created_at)),
                    ("Orders", display.link(orders, "All orders")),
                ],
            ),
        ]
