"""What the doors of binding take."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from authorizations.states import WalletStatus
from portal.acquirer import TerminalType
from portal.api.fields import Choice, CurrencyCode, Listing, Strict, Text, whole
from portal.money import Money, MoneyError, exponent

REFERENCE = 64
TERMINALS = [kind.value for kind in TerminalType]
REVOKE_REASONS = ["BUYER_REQUEST", "FRAUD", "OTHER"]
_CODE_TEXT = r"[\x21-\x7e]+"
_WORD = r"[A-Z0-9_]+"
_LARGEST_ERROR = 9999


class SessionByLogin(Strict):
    """A mini program logs its user in by the wallet."""

    login_code = Text(max_length=32, pattern=_CODE_TEXT, help_text="`authCode` of `my.getAuthCode`; it works once.")
    site_name = Text(max_length=32, help_text="`siteName` of `my.getSiteInfo`.")
    account = Text(
        max_length=40,
        required=False,
        help_text="The acquirer account's short name; needed only where the merchant has several.",
    )


class SessionByMerchant(Strict):
    """The merchant's server opens a session for its customer."""

    customer = Text(max_length=REFERENCE, help_text="Your own reference of the customer, who is made on first sight.")
    site_name = Text(max_length=32, required=False, help_text="When the session is for a mini program: its `siteName`.")


class Nothing(Strict):
    """An empty object."""


class Device(Strict):
    """The buyer's device."""

    terminal_type = Choice(
        choices=TERMINALS,
        required=False,
        help_text="Where the buyer is. Usually MINI_APP for a session with a site name, else WEB.",
    )
    os_type = Choice(choices=["IOS", "ANDROID"], required=False, help_text="Required unless the terminal is WEB.")
    os_version = Text(max_length=16, required=False)

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        elsewhere = [kind.value for kind in TerminalType if kind is not TerminalType.WEB]
        named = {"properties": {"terminal_type": {"enum": elsewhere}}, "required": ["terminal_type"]}
        return {**described, "if": named, "then": {"required": ["os_type"]}}


def _a_currency(meaning: str) -> CurrencyCode:
    return CurrencyCode(
        max_length=3,
        required=False,
        pattern=r"[A-Z]{3}",
        error_messages={"pattern": "This must be an ISO 4217 code such as PHP."},
        help_text=f"ISO 4217: {meaning}",
    )


class BeginByBuyer(Device):
    """Begin to bind a wallet."""

    site_name = Text(max_length=32, required=False, help_text="`siteName` of `my.getSiteInfo`; or give `wallet`.")
    wallet = Text(
        max_length=64, required=False, pattern=_WORD, help_text="One of GET payment-methods; or give `site_name`."
    )
    currency = _a_currency("what the buyer wants to pay with it first; it is bound through an account that takes it.")
    return_to = Text(
        max_length=300, required=False, help_text="Where you want to go on afterwards, given back as it is."
    )

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        return {**super().say(described), "oneOf": [{"required": ["site_name"]}, {"required": ["wallet"]}]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either of the two names says which wallet."""
        if ("site_name" in attrs) == ("wallet" in attrs):
            sentence = "Give either site_name or wallet."
            raise serializers.ValidationError({"wallet": [serializers.ErrorDetail(sentence, "one_of")]})
        return attrs


class BeginByMerchant(BeginByBuyer):
    """Begin to bind a wallet of a customer."""

    customer = Text(max_length=REFERENCE, help_text="Your own reference of the customer.")


class CodeGiven(Strict):
    """What `my.signContract` gave."""

    auth_code = Text(max_length=128, pattern=_CODE_TEXT, help_text="As it came; it works once.")
    auth_state = Text(max_length=256, pattern=_CODE_TEXT, help_text="As it came; it must be the one this attempt has.")


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "pattern": "^[0-9A-Za-z]{1,16}$"},
            {"type": "integer", "minimum": 0, "maximum": _LARGEST_ERROR},
        ]
    }
)
class SigningError(serializers.Field[str, Any, str, Any]):
    """`error` of `my.signContract`: documented as a string, met as a number."""

    default_error_messages = {"invalid": "This must be the error code of my.signContract, such as 6001."}

    def to_internal_value(self, data: Any) -> str:
        number = whole(data)
        text = data if number is None or number > _LARGEST_ERROR else str(number)
        if not isinstance(text, str) or not (text.isascii() and text.isalnum() and len(text) <= 16):
            self.fail("invalid")
        return text

    def to_representation(self, value: str) -> str:
        return value


class FailureGiven(Strict):
    """What `my.signContract` reported instead."""

    error = SigningError(help_text="`6001` cancelled, `6002` network, `7001` unknown, `7002` failed.")


class RevokeWhy(Strict):
    """Why a wallet is revoked; kept with it."""

    reason_code = Choice(choices=REVOKE_REASONS, required=False, help_text="Usually BUYER_REQUEST.")
    note = Text(max_length=200, required=False, help_text="For the merchant's staff.")


class ByCustomer(Strict):
    """The query of what belongs to one customer."""

    customer = Text(max_length=REFERENCE, required=False, help_text="Merchant keys only: of this customer.")


class MethodQuery(ByCustomer):
    """The query of the payment methods: what the buyer wants to pay, and where from."""

    region = Text(
        max_length=2,
        required=False,
        pattern=r"[A-Z]{2}",
        error_messages={"pattern": "This must be a country's two capital letters of ISO 3166, such as PH."},
        help_text="ISO 3166: where the buyer is.",
    )
    currency = _a_currency("in which the buyer is debited.")
    terminal_type = Choice(choices=TERMINALS, required=False, help_text="Where the buyer would use it.")
    amount = Text(
        max_length=16,
        required=False,
        pattern=r"[1-9][0-9]{0,15}",
        error_messages={"pattern": "This must be 1 to 16 digits above zero: the amount in minor units of `currency`."},
        help_text="Minor units of `currency`, which is needed beside it: 49900 with PHP is 499.00 PHP.",
    )
    withheld = Choice(
        choices=["true", "false"],
        required=False,
        help_text="Merchant keys only: `true` tells what is not offered, too, and why.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An amount is one of a currency we know, which can be paid."""
        code = attrs.get("currency")
        if "amount" in attrs and code is None:
            sentence = "An amount needs its currency beside it."
            raise serializers.ValidationError({"currency": [serializers.ErrorDetail(sentence, "required")]})
        try:
            if code is not None:
                exponent(code)
        except MoneyError as error:
            raise serializers.ValidationError({"currency": [serializers.ErrorDetail(str(error), "currency")]}) from None
        try:
            if "amount" in attrs and code is not None:
                Money(int(attrs["amount"]), code).payable()
        except MoneyError as error:
            raise serializers.ValidationError({"amount": [serializers.ErrorDetail(str(error), "amount")]}) from None
        return attrs


class WalletQuery(Listing, ByCustomer):
    """The query of the list of wallets."""

    status = Choice(choices=WalletStatus.values, required=False, help_text="Only wallets in this state.")


class ConsentQuery(Listing):
    """The query of the list of whom to message."""

    days = serializers.RegexField(
        r"\A[1-9][0-9]{0,2}\Z",
        required=False,
        error_messages={"invalid": "This must be a whole number from 1 to 999."},
        help_text="Consents that end within so many days: 1 to 999, usually 30. Those that are dead are always listed.",
    )
