"""What the doors of binding answer: never a token, never the acquirer's id of the user."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from authorizations import queries
from authorizations.api.forms import TERMINALS
from authorizations.api.reasons import reason_of
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, ConsentReason, RefreshResult, WalletStatus
from portal.acquirer.wallets import currency_of, name_of
from portal.api.fields import Amount, Moment
from portal.api.fields import shown as as_shown
from portal.catalogue import Withheld
from portal.money import Money


@extend_schema_serializer(component_name="Wallet")
class WalletShown(serializers.Serializer[WalletAccount]):
    """A bound wallet."""

    id = serializers.CharField(source="public_id")
    wallet = serializers.CharField(help_text="The acquirer's word for the wallet: `GCASH`.")
    name = serializers.SerializerMethodField(help_text="The wallet's name.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field of the answer
        source="login_label", help_text="The user's login as the wallet masks it; may be empty."
    )
    currency = serializers.SerializerMethodField(help_text="The one currency it debits; empty where unknown.")
    status = serializers.ChoiceField(
        choices=WalletStatus.values,
        help_text="Only an ACTIVE wallet can pay. REVOKING: being ended, debited no more.",
    )
    status_text = serializers.CharField(source="get_status_display", help_text="For people.")
    bound_at = Moment()
    ended_at = Moment(allow_null=True)
    customer = serializers.CharField(source="buyer.reference", help_text="The merchant's reference of the buyer.")

    def get_name(self, wallet_account: WalletAccount) -> str:
        """The wallet's name for people."""
        return name_of(wallet_account.wallet)

    def get_currency(self, wallet_account: WalletAccount) -> str:
        """What it debits."""
        return currency_of(wallet_account.wallet)


@extend_schema_serializer(component_name="AuthorizationReason")
class AuthorizationReason(serializers.Serializer[Any]):
    """Why an attempt came to nothing."""

    code = serializers.CharField(help_text="The acquirer's or the wallet's code; NO_ANSWER where there was none.")
    text = serializers.CharField(help_text="For the buyer.")


@extend_schema_serializer(component_name="AuthorizationLinks")
class AuthorizationLinks(serializers.Serializer[Any]):
    """Where the buyer may agree. All of these are one authorization: the first that is used ends the others."""

    normal_url = serializers.CharField(allow_null=True, help_text="A page, for a browser or a web view.")
    applink_url = serializers.CharField(
        allow_null=True,
        help_text="An App Link (Android) or Universal Link (iOS): the wallet's app, where it is here.",
    )
    scheme_url = serializers.CharField(allow_null=True, help_text="Opens the wallet's app, and nothing without it.")
    app_identifier = serializers.CharField(allow_null=True, help_text="The app's package name on Android.")


@extend_schema_serializer(component_name="Authorization")
class AuthorizationShown(serializers.Serializer[Any]):
    """One attempt to bind a wallet; or, with a null id, the wallet that is bound already."""

    id = serializers.CharField(allow_null=True)
    wallet = serializers.CharField()
    name = serializers.CharField(help_text="The wallet's name.")
    status = serializers.ChoiceField(
        choices=AuthorizationStatus.values,
        help_text="OFFERED: the buyer is to agree. CODE_RECEIVED: being confirmed, ask again in 2 s. BOUND: done.",
    )
    status_text = serializers.CharField(help_text="For people.")
    sign_str = serializers.CharField(
        allow_null=True,
        help_text=(
            "For `my.signContract`, as it is; elsewhere the URL to open, which needs no app of the wallet's. "
            "Only when just begun."
        ),
    )
    links = AuthorizationLinks(allow_null=True, help_text="All URLs, for an app that chooses. Only when just begun.")
    auth_state = serializers.CharField(
        allow_null=True, help_text="What comes back with the code. Only when just begun."
    )
    expires_at = Moment(allow_null=True)
    return_to = serializers.CharField()
    reason = AuthorizationReason(allow_null=True)
    wallet_account = WalletShown(allow_null=True)


def attempt(authorization: Authorization, *, is_new: bool = False) -> dict[str, Any]:
    """An attempt; only the answer that began it shows what the buyer agrees with."""
    is_offered = is_new and authorization.status == AuthorizationStatus.OFFERED
    wallet_account = authorization.wallet_account
    if wallet_account is not None and wallet_account.status == WalletStatus.REPLACED:
        # A newer binding has taken its place: that one can be used.
        wallet_account = queries.active_wallet(authorization.buyer, wallet_account.wallet) or wallet_account
    shown: dict[str, Any] = AuthorizationShown(
        {
            "id": authorization.public_id,
            "wallet": authorization.wallet,
            "name": name_of(authorization.wallet),
            "status": authorization.status,
            "status_text": _text(authorization.get_status_display()),
            "sign_str": authorization.auth_url if is_offered else None,
            "links": _links(authorization) if is_offered else None,
            "auth_state": authorization.auth_state if is_offered else None,
            "expires_at": authorization.expires_at,
            "return_to": authorization.return_to,
            "reason": reason_of(authorization),
            "wallet_account": wallet_account,
        }
    ).data
    return shown


def _links(authorization: Authorization) -> dict[str, str | None]:
    known = json.loads(authorization.links or "{}")
    return {name: known.get(name) for name in ("normal_url", "applink_url", "scheme_url", "app_identifier")}


def bound_already(wallet_account: WalletAccount) -> dict[str, Any]:
    """The wallet that needs no attempt."""
    shown: dict[str, Any] = AuthorizationShown(
        {
            "id": None,
            "wallet": wallet_account.wallet,
            "name": name_of(wallet_account.wallet),
            "status": AuthorizationStatus.BOUND,
            "status_text": _text(AuthorizationStatus.BOUND.label),
            "sign_str": None,
            "links": None,
            "auth_state": None,
            "expires_at": None,
            "return_to": "",
            "reason": None,
            "wallet_account": wallet_account,
        }
    ).data
    return shown


def _text(words: str | Promise) -> str:
    return str(words)


@extend_schema_serializer(component_name="Presentation")
class PresentationShown(serializers.Serializer[Any]):
    """How the acquirer wants its method shown. Show none of it where it is not available."""

    is_available = serializers.BooleanField()
    logo_url = serializers.CharField(help_text="The acquirer's picture; empty: the method's own.")
    promotions = serializers.DictField(
        child=serializers.CharField(), help_text="By language; shown beside the picture only."
    )
    sdk_url = serializers.CharField(help_text="The acquirer's client SDK for web pages; empty where there is none.")


@extend_schema_serializer(component_name="PaymentMethod")
class PaymentMethodShown(serializers.Serializer[Any]):
    """A wallet the merchant can debit."""

    wallet = serializers.CharField(help_text="What POST authorizations takes.")
    name = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166; empty where unknown.")
    currency = serializers.CharField(help_text="The one currency it debits; empty where unknown.")
    minimum = Amount(allow_null=True, help_text="The smallest payment; null where none is known.")
    maximum = Amount(allow_null=True, help_text="The largest single payment; null where none is known.")
    limits = serializers.CharField(help_text="Limits per period, in words.")
    kind = serializers.ChoiceField(
        choices=["WALLET", "BANK_DEBIT", ""], help_text="What is debited; empty where unknown."
    )
    terminal_types = serializers.ListField(
        child=serializers.ChoiceField(choices=TERMINALS),
        help_text="Where it works; empty where nobody said, and then the acquirer decides.",
    )
    refund_days = serializers.IntegerField(
        allow_null=True, help_text="So long after the payment it may be refunded; null where nobody said."
    )
    partial_refund = serializers.BooleanField(
        allow_null=True, help_text="Whether a part may be refunded; null where nobody said."
    )
    logo_url = serializers.CharField(help_text="Its picture; empty where none is known.")
    presentation = PresentationShown(allow_null=True, help_text="Null where the acquirer says nothing of it.")
    site_name = serializers.CharField(help_text="What `my.getSiteInfo` calls it; empty where it has no mini programs.")
    is_here = serializers.BooleanField(help_text="Whether this session runs in this very wallet.")
    is_offered = serializers.BooleanField(help_text="Whether it can be bound now; what is bound goes on without.")
    wallet_account = WalletShown(allow_null=True, help_text="The caller's own, where it is bound.")


@extend_schema_serializer(component_name="WithheldMethod")
class WithheldShown(serializers.Serializer[Any]):
    """A method of the catalogue that is not offered."""

    wallet = serializers.CharField()
    name = serializers.CharField()
    reason = serializers.ChoiceField(choices=[why.value for why in Withheld], help_text="The first that holds.")
    text = serializers.CharField(help_text="For the merchant's staff, in English.")


class PaymentMethods(serializers.Serializer[Any]):
    """What can be offered."""

    items = PaymentMethodShown(many=True)
    withheld = WithheldShown(many=True, help_text="Empty unless a merchant key asks for it.")


class WalletPage(serializers.Serializer[Any]):
    """Wallets, newest first."""

    items = WalletShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="ConsentRefresh")
class RefreshShown(serializers.Serializer[Any]):
    """The newest refresh of a token."""

    sent_at = Moment(source="refresh_sent_at")
    result = serializers.ChoiceField(choices=RefreshResult.values, source="refresh_result")
    code = serializers.CharField(source="refresh_code", help_text="The acquirer's; empty without an answer.")


@extend_schema_serializer(component_name="Consent")
class ConsentShown(serializers.Serializer[Any]):
    """A consent whose buyer must agree again, and what hangs on it."""

    wallet = serializers.SerializerMethodField(help_text="The wallet, with the customer to message.")
    reason = serializers.ChoiceField(
        choices=ConsentReason.values,
        source="reason_code",
        help_text="TOKEN_DIED: it is debited no more. Otherwise it can be, until `ends_at`.",
    )
    since = Moment(source="needs_since", allow_null=True, help_text="When the token died; null while it lives.")
    ends_at = Moment(source="access_token_expires_at", allow_null=True)
    last_refresh = serializers.SerializerMethodField(help_text="Null where none was sent yet.")
    subscriptions = serializers.IntegerField(source="stake.subscriptions", help_text="That stop being charged with it.")
    next_charges = serializers.SerializerMethodField(help_text="What their next charges come to, one per currency.")
    unpaid = serializers.SerializerMethodField(help_text="What fell due and waits, one per currency.")
    message = serializers.CharField(help_text="For the buyer, in English.")
    action = serializers.ChoiceField(choices=["authorize_again"], help_text="What to offer the buyer.")

    @extend_schema_field(WalletShown)
    def get_wallet(self, row: Any) -> dict[str, Any]:
        """Without its token."""
        return as_shown(WalletShown, row)

    @extend_schema_field(RefreshShown(allow_null=True))
    def get_last_refresh(self, row: Any) -> dict[str, Any] | None:
        """In the row's own fields."""
        return as_shown(RefreshShown, row) if row.refresh_sent_at else None

    @extend_schema_field(Amount(many=True))
    def get_next_charges(self, row: Any) -> list[dict[str, Any]]:
        """By currency."""
        return _amounts(row.stake.next_charges)

    @extend_schema_field(Amount(many=True))
    def get_unpaid(self, row: Any) -> list[dict[str, Any]]:
        """By currency."""
        return _amounts(row.stake.unpaid)


def _amounts(sums: Mapping[str, int]) -> list[dict[str, Any]]:
    return [as_shown(Amount, Money(value, currency)) for currency, value in sorted(sums.items())]


class ConsentPage(serializers.Serializer[Any]):
    """Consents, the newest bound first."""

    items = ConsentShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SessionShown(serializers.Serializer[Any]):
    """An open session. The token is shown this once."""

    token = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    expires_at = Moment()
    customer = serializers.CharField(help_text="The merchant's reference of the buyer.")
    site_name = serializers.CharField(help_text="The mini program's wallet; empty without one.")
    account = serializers.CharField(help_text="The acquirer account's short name.")


class SessionEnded(serializers.Serializer[Any]):
    """A session that is over."""

    status = serializers.ChoiceField(choices=["ENDED"])
