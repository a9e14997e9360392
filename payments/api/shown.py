"""What the doors of paying answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from payments.api.reasons import ACTIONS, reason_of
from payments.models import LIVE, Cancel, Order, OrderItem, Payment, Product, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal.acquirer.wallets import name_of
from portal.api.fields import Amount, Moment
from portal.api.fields import shown as as_shown
from portal.money import Money
from portal.statements import hold

PENDING = "PENDING"
_PAYMENT = {
    PaymentStatus.INITIATED: PENDING,
    PaymentStatus.PROCESSING: PENDING,
    PaymentStatus.SUCCEEDED: "PAID",
    PaymentStatus.FAILED: "FAILED",
    PaymentStatus.CANCELLED: "CANCELLED",
    PaymentStatus.REVERSED: "REVERSED",
}
_CANCEL = {CancelStatus.REQUESTED: PENDING, CancelStatus.CONFIRMED: "CONFIRMED", CancelStatus.REFUSED: "REFUSED"}
_REFUND = {
    RefundStatus.INITIATED: PENDING,
    RefundStatus.PROCESSING: PENDING,
    RefundStatus.SUCCEEDED: "SUCCEEDED",
    RefundStatus.FAILED: "FAILED",
    RefundStatus.REVERSED: "REVERSED",
}
PAYMENT_WORDS = list(dict.fromkeys(_PAYMENT.values()))
CANCEL_WORDS = list(_CANCEL.values())
REFUND_WORDS = list(dict.fromkeys(_REFUND.values()))


def payment_status(payment: Payment) -> str:
    """In the API's words: what nobody knows is PENDING."""
    return _PAYMENT[PaymentStatus(payment.status)]


@extend_schema_serializer(component_name="PaymentReason")
class PaymentReason(serializers.Serializer[Any]):
    """Why a payment did not happen, or did not stay."""

    code = serializers.CharField(help_text="Stable; the acquirer's own code where it gave one.")
    text = serializers.CharField(help_text="For the buyer.")
    action = serializers.ChoiceField(choices=ACTIONS, help_text="What to offer the buyer.")


@extend_schema_serializer(component_name="Payment")
class PaymentShown(serializers.Serializer[Payment]):
    """One attempt to debit an order's amount."""

    id = serializers.CharField(source="payment_request_id")
    status = serializers.SerializerMethodField(help_text="PENDING: nobody knows yet; never show it as failed.")
    reason = serializers.SerializerMethodField(help_text="Null while PENDING and when PAID.")
    amount = Amount()
    returned = Amount(help_text="Given back, or promised back.")
    wallet_id = serializers.CharField(source="wallet_account.public_id")
    wallet = serializers.CharField(source="wallet_account.wallet")
    name = serializers.SerializerMethodField(help_text="The wallet's name.")
    label = serializers.CharField(source="wallet_account.login_label", help_text="The user's login, masked.")  # type: ignore[assignment]  # a field of the answer
    created_at = Moment()
    paid_at = Moment(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=PAYMENT_WORDS))
    def get_status(self, payment: Payment) -> str:
        """In the API's words."""
        return payment_status(payment)

    @extend_schema_field(PaymentReason(allow_null=True))
    def get_reason(self, payment: Payment) -> dict[str, str] | None:
        """For the buyer."""
        return reason_of(payment)

    def get_name(self, payment: Payment) -> str:
        """The wallet's name for people."""
        return name_of(payment.wallet_account.wallet)


@extend_schema_serializer(component_name="Cancel")
class CancelShown(serializers.Serializer[Cancel]):
    """The whole payment is being cancelled, or was."""

    status = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    created_at = Moment()

    @extend_schema_field(serializers.ChoiceField(choices=CANCEL_WORDS))
    def get_status(self, cancel: Cancel) -> str:
        """In the API's words."""
        return _CANCEL[CancelStatus(cancel.status)]

    @extend_schema_field(Amount)
    def get_amount(self, cancel: Cancel) -> dict[str, str]:
        """The whole payment's."""
        return as_shown(Amount, Money(cancel.amount_value, cancel.payment.currency))


@extend_schema_serializer(component_name="Refund")
class RefundShown(serializers.Serializer[Refund]):
    """An amount given back."""

    id = serializers.CharField(source="refund_request_id")
    order = serializers.CharField(source="payment.order.number", help_text="Number of its order.")
    payment = serializers.CharField(source="payment.payment_request_id", help_text="`id` of its payment.")
    status = serializers.SerializerMethodField(help_text="PENDING: promised, and its result not known yet.")
    amount = Amount()
    reason_code = serializers.CharField()
    created_at = Moment()
    refunded_at = Moment(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=REFUND_WORDS))
    def get_status(self, refund: Refund) -> str:
        """In the API's words."""
        return _REFUND[RefundStatus(refund.status)]


@extend_schema_serializer(component_name="OrderItem")
class ItemShown(serializers.Serializer[OrderItem]):
    """One line, as it was when the order was placed."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_amount = serializers.SerializerMethodField()

    @extend_schema_field(Amount)
    def get_unit_amount(self, item: OrderItem) -> dict[str, str]:
        """Of one piece."""
        return as_shown(Amount, Money(item.unit_value, item.order.currency))


@extend_schema_serializer(component_name="Order")
class OrderShown(serializers.Serializer[Order]):
    """What a buyer owes, and what has become of it."""

    number = serializers.CharField()
    status = serializers.ChoiceField(choices=OrderStatus.values, help_text="INIT: to be paid.")
    status_text = serializers.CharField(source="get_status_display", help_text="For people.")
    amount = Amount()
    description = serializers.CharField()
    reference = serializers.CharField(help_text="The merchant's own; empty for orders a buyer placed.")
    customer = serializers.CharField(source="buyer.reference")
    items = ItemShown(many=True, source="items.all")
    created_at = Moment()
    paid_at = Moment(allow_null=True)
    closed_at = Moment(allow_null=True)
    payment = serializers.SerializerMethodField(
        help_text="The payment that pays it or may yet; else the latest; null before the first."
    )
    cancel = serializers.SerializerMethodField(help_text="The latest wish to cancel that payment.")
    refunds = serializers.SerializerMethodField(help_text="Newest first.")

    @extend_schema_field(PaymentShown(allow_null=True))
    def get_payment(self, order: Order) -> dict[str, Any] | None:
        """The one that counts."""
        payment = present_payment(order)
        return as_shown(PaymentShown, payment) if payment else None

    @extend_schema_field(CancelShown(allow_null=True))
    def get_cancel(self, order: Order) -> dict[str, Any] | None:
        """Of the payment that counts."""
        payment = present_payment(order)
        cancels = sorted(payment.cancels.all(), key=lambda row: row.pk) if payment else []
        return as_shown(CancelShown, cancels[-1]) if cancels else None

    @extend_schema_field(RefundShown(many=True))
    def get_refunds(self, order: Order) -> list[dict[str, Any]]:
        """Of all its payments."""
        found = [refund for payment in order.payments.all() for refund in payment.refunds.all()]
        newest_first = sorted(found, key=lambda row: (row.created_at, row.pk), reverse=True)
        return [as_shown(RefundShown, refund) for refund in newest_first]


def with_only(order: Order, payment: Payment) -> Order:
    """The order as it is shown with this payment alone, without asking for what is known."""
    order.lines()
    hold(payment, "cancels", [])
    hold(payment, "refunds", [])
    hold(order, "payments", [payment])
    return order


def present_payment(order: Order) -> Payment | None:
    """The order's live payment, else its newest; from the rows fetched with the order."""
    newest_first = list(order.payments.all())
    live = [payment for payment in newest_first if payment.status in LIVE]
    return live[0] if live else newest_first[0] if newest_first else None


class OrderPage(serializers.Serializer[Any]):
    """Orders, newest first."""

    items = OrderShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class PayAnswer(serializers.Serializer[Any]):
    """What became of paying."""

    status = serializers.ChoiceField(
        choices=PAYMENT_WORDS,
        help_text="PENDING: ask for the order every 2 to 3 s; never show it as failed.",
    )
    reason = PaymentReason(allow_null=True)
    payment = PaymentShown()
    order = OrderShown()


@extend_schema_serializer(component_name="HostedPage")
class HostedPageShown(serializers.Serializer[Any]):
    """A link for one browser."""

    url = serializers.CharField(help_text="Redirect the customer's browser there.")
    expires_at = Moment(help_text="Until when it opens.")


@extend_schema_serializer(component_name="Product")
class ProductShown(serializers.Serializer[Product]):
    """Something the merchant sells."""

    sku = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    is_digital = serializers.BooleanField()
    prices = serializers.SerializerMethodField(help_text="One per currency.")

    @extend_schema_field(Amount(many=True))
    def get_prices(self, product: Product) -> list[dict[str, str]]:
        """All of them, or the one asked for."""
        only = self.context.get("currency")
        prices = [price for price in product.prices.all() if only in (None, price.currency)]
        return [as_shown(Amount, price.money) for price in prices]


class ProductPage(serializers.Serializer[Any]):
    """Products, by name."""

    items = ProductShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)
