"""What the doors of binding answer: never a token, never the acquirer's id of the user."""

from typing import Any

from django.utils.functional import Promise
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from portal.acquirer.wallets import currency_of, name_of
from portal.api.fields import Amount, Moment

NO_ANSWER = "NO_ANSWER"

_TEXTS: dict[str, str] = {
    # my.signContract
    "6001": "You did not agree. Nothing was bound.",
    "6002": "The network failed. Try again.",
    "7002": "The wallet could not authorize. Try again.",
    # consult and applyToken: https://docs.antom.com/ac/ams/authconsult, …/accesstokenapp
    "INVALID_AUTHCODE": "The authorization has run out. Authorize again.",
    "NO_PAY_OPTIONS": "This wallet is not available at the moment.",
    "PAYMENT_NOT_QUALIFIED": "This wallet is not available at the moment.",
    "RISK_REJECT": "The wallet declined. Please use another one.",
    "USER_NOT_EXIST": "The wallet does not know this user.",
    "USER_STATUS_ABNORMAL": "There is a problem with your wallet account. Please ask your wallet.",
    NO_ANSWER: "The wallet gave no answer. Authorize again; nothing was charged.",
}
_REFUSED = "You did not agree. Nothing was bound."
_LAPSED = "The authorization has run out. Authorize again."
_OTHERWISE = "The wallet could not be bound. Authorize again, or use another one."


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
        allow_null=True, help_text="For `my.signContract`, as it is; elsewhere the URL to open. Only when just begun."
    )
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
    shown: dict[str, Any] = AuthorizationShown(
        {
            "id": authorization.public_id,
            "wallet": authorization.wallet,
            "name": name_of(authorization.wallet),
            "status": authorization.status,
            "status_text": _text(authorization.get_status_display()),
            "sign_str": authorization.auth_url if is_offered else None,
            "auth_state": authorization.auth_state if is_offered else None,
            "expires_at": authorization.expires_at,
            "return_to": authorization.return_to,
            "reason": reason_of(authorization),
            "wallet_account": authorization.wallet_account,
        }
    ).data
    return shown


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
            "auth_state": None,
            "expires_at": None,
            "return_to": "",
            "reason": None,
            "wallet_account": wallet_account,
        }
    ).data
    return shown


def reason_of(authorization: Authorization) -> dict[str, str] | None:
    """Why the attempt came to nothing, for the buyer; None while it has not."""
    if authorization.status == AuthorizationStatus.CANCELLED:
        return {"code": authorization.result_code or "6001", "text": _REFUSED}
    if authorization.status == AuthorizationStatus.EXPIRED:
        return {"code": "EXPIRED", "text": _LAPSED}
    if authorization.status == AuthorizationStatus.FAILED:
        code = authorization.result_code or NO_ANSWER
        return {"code": code, "text": _TEXTS.get(code, _OTHERWISE)}
    return None


def _text(words: str | Promise) -> str:
    return str(words)


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
    site_name = serializers.CharField(help_text="What `my.getSiteInfo` calls it; empty where it has no mini programs.")
    is_here = serializers.BooleanField(help_text="Whether this session runs in this very wallet.")
    wallet_account = WalletShown(allow_null=True, help_text="The caller's own, where it is bound.")


class PaymentMethods(serializers.Serializer[Any]):
    """The contracted wallets."""

    items = PaymentMethodShown(many=True)


class WalletPage(serializers.Serializer[Any]):
    """Wallets, newest first."""

    items = WalletShown(many=True)
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
