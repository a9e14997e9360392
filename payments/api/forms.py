"""What the doors of paying take."""

from typing import Any

from django.conf import settings

from authorizations.api.forms import REFERENCE, ByCustomer, Device
from payments.operations.orders import MAX_DESCRIPTION, MAX_LINES, MAX_QUANTITY
from payments.states import OrderStatus, ReasonCode
from portal.api.fields import AmountGiven, Choice, CurrencyCode, Listing, Strict, Text, Whole
from portal.money import MoneyError, exponent

_HOST = r"https://[A-Za-z0-9][A-Za-z0-9.-]*"
_PAGE_OF_THE_MERCHANT = (
    _HOST if settings.IS_PRODUCTION else rf"(?:{_HOST}|http://(?:127\.0\.0\.1|localhost))"
) + r"(?::[0-9]{1,5})?(?:[/?#][!-~]*)?"
"""No name or password before the host, which would be shown to nobody; a sandbox's shop may stand on this machine."""
REASONS = [code for code in ReasonCode.values if code != ReasonCode.NO_FINAL_ANSWER]


class Currency(CurrencyCode):
    """A currency by its code."""

    default_error_messages = {"currency": "This is no currency we know: give an ISO 4217 code such as PHP."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=3, **options)

    def to_internal_value(self, data: object) -> str:
        text = super().to_internal_value(data)
        try:
            exponent(text)
        except MoneyError:
            self.fail("currency")
        return text


class LineGiven(Strict):
    """So many of one product."""

    sku = Text(max_length=64, help_text="Of GET products.")
    quantity = Whole(min_value=1, max_value=MAX_QUANTITY)


class OrderByBuyer(Strict):
    """Products at their price."""

    items = LineGiven(
        many=True,
        allow_empty=False,
        max_length=MAX_LINES,  # type: ignore[call-arg]  # of the list
        error_messages={"not_a_list": "This must be a list."},
    )
    currency = Currency(help_text="ISO 4217 code; every product needs a price in it.")

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        described["properties"]["items"] |= {"minItems": 1, "maxItems": MAX_LINES}
        return described


class OrderByMerchant(Strict):
    """An amount the merchant names."""

    customer = Text(max_length=REFERENCE, help_text="Your own reference of the customer, who is made on first sight.")
    amount = AmountGiven()
    description = Text(max_length=MAX_DESCRIPTION, help_text="The buyer sees it in the wallet.")
    reference = Text(max_length=64, required=False, help_text="Your own reference of the order; it is taken once.")


class HostedPageWanted(Strict):
    """Where a customer's browser is to go."""

    customer = Text(max_length=REFERENCE, help_text="Your own reference of the customer, who is made on first sight.")
    order = Text(
        max_length=64,
        required=False,
        help_text="The `number` of an order of this customer's, to be paid; without it, the page of their wallets.",
    )
    return_url = Text(
        max_length=500,
        required=False,
        pattern=_PAGE_OF_THE_MERCHANT,
        error_messages={
            "pattern": "Give the address of a page of yours, by https and without a name or password in it."
        },
        help_text="Where the customer goes back to you; by https.",
    )


class OrderQuery(Listing, ByCustomer):
    """The query of the list of orders."""

    status = Choice(choices=OrderStatus.values, required=False, help_text="Only orders in this state.")
    reference = Text(max_length=64, required=False, help_text="Merchant keys only: of this reference.")


class ProductQuery(Listing):
    """The query of the list of products."""

    currency = Currency(required=False, help_text="Only products with a price in it, and only that price.")


class PayGiven(Device):
    """Which wallet pays, and from where."""

    wallet_id = Text(max_length=64, help_text="`id` of one of GET wallets.")


class Why(Strict):
    """Why money goes back; kept with it."""

    reason_code = Choice(choices=REASONS, required=False, help_text="Usually BUYER_REQUEST.")
    note = Text(max_length=256, required=False, help_text="For the merchant's staff.")


class RefundGiven(Why):
    """How much goes back, and why."""

    amount = AmountGiven(help_text="In the payment's currency; at most what is left of it.")
