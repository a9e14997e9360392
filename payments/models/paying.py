"""Products, orders, payments, cancels and refunds: what is true of the money, said in SQL wherever SQL can say it.

Amounts are integers in minor units with their currency beside them. ``returned_value`` of a payment counts what is
promised or done of cancels and refunds: money promised back is gone until the promise has finally failed.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from authorizations.models import Buyer, WalletAccount
from payments.states import (
    CANCEL,
    ORDER,
    PAYMENT,
    REFUND,
    BulkStatus,
    CancelStatus,
    LineStatus,
    Messenger,
    OrderStatus,
    PaymentStatus,
    ReasonCode,
    RefundStatus,
)
from portal import clock, statements
from portal.acquirer import OrderLine, Terminal, TerminalType
from portal.acquirer.results import Outcome
from portal.models import AcquirerAccount, ActorFields, Change, Due, Stateful
from portal.money import Money
from portal.statements import Found, Given

LIVE = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED)
"""While a payment is one of these, its order takes no other."""
UNPAID = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REVERSED)
"""The order does not count these as paid. When the acquirer keeps money for one, it is given back, or explained."""


class Product(models.Model):
    """Something the merchant sells."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="products")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=256, blank=True)
    is_digital = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)
        permissions = [("act_edit_product", "Can add and edit products and prices")]
        constraints = [models.UniqueConstraint(fields=("account", "sku"), name="sku_once")]

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """What a product costs in one currency. A buyer's client never names a price."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3)
    value = models.BigIntegerField()
    """Minor units."""

    class Meta:
        ordering = ("currency",)
        constraints = [
            models.UniqueConstraint(fields=("product", "currency"), name="one_price_per_currency"),
            models.CheckConstraint(condition=Q(value__gt=0), name="price_above_zero"),
        ]

    def __str__(self) -> str:
        return str(self.money)

    @property
    def money(self) -> Money:
        return Money(self.value, self.currency)


class Order(Stateful, ActorFields):
    """What a buyer owes."""

    machine = ORDER

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="orders")
    number = models.CharField(max_length=64, unique=True)
    buyer = models.ForeignKey(Buyer, models.PROTECT, related_name="orders")
    status = models.CharField(max_length=16, choices=OrderStatus.choices, default=OrderStatus.INIT)
    amount_value = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=256)
    reference = models.CharField(max_length=64, blank=True, db_index=True)
    """The merchant's own reference, when its server made the order."""
    created_at = models.DateTimeField(default=clock.now, editable=False)
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        permissions = [("act_withdraw", "Can withdraw unpaid orders")]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="order_newest"),
            models.Index(fields=("status", "-created_at"), name="order_by_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_value__gt=0), name="order_above_zero"),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_known"),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.PAID) | Q(paid_at__isnull=False), name="paid_order_knows_when"
            ),
            models.UniqueConstraint(
                fields=("account", "reference"), condition=~Q(reference=""), name="merchant_reference_once"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def amount(self) -> Money:
        return Money(self.amount_value, self.currency)

    def hold_items(self, items: Iterable["OrderItem"]) -> None:
        """Let these be its items; they never change."""
        items = list(items)
        for item in items:
            item.order = self
        statements.hold(self, "items", items)

    def lines(self) -> tuple[OrderLine, ...]:
        """The goods as the acquirer's risk control sees them."""
        if "items" not in self.__dict__.get("_prefetched_objects_cache", {}):
            self.hold_items(_ITEMS.all(order=self.pk))
        return tuple(
            OrderLine(
                reference=item.sku,
                name=item.name,
                unit_amount=Money(item.unit_value, self.currency),
                quantity=item.quantity,
                is_digital=item.is_digital,
            )
            for item in self.items.all()
        )


class OrderChange(Change):
    """A move of an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="changes")


class OrderItem(models.Model):
    """One line of an order, as it was when the order was placed: later prices do not change it."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    unit_value = models.BigIntegerField()
    quantity = models.PositiveIntegerField()
    is_digital = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(unit_value__gt=0), name="item_price_above_zero"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="item_quantity_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"


_ITEMS = Found(lambda: OrderItem.objects.filter(order_id=Given("order")))


class Payment(Stateful, Due, ActorFields):
    """One ``paymentRequestId``: one attempt to debit an order's amount from a bound wallet."""

    machine = PAYMENT
    settled = ("order", "wallet_account")
    is_first = False
    """No column: whoever made it saw, holding the order, that there was no other."""
    is_alone = False
    """No column: whoever recorded its success saw that it is all that ever happened to its order."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    wallet_account = models.ForeignKey(WalletAccount, models.PROTECT, related_name="payments")
    payment_request_id = models.CharField(max_length=64, unique=True)
    payment_id = models.CharField(max_length=64, blank=True, db_index=True)
    """The acquirer's id, once we heard it: refunds need it."""
    status = models.CharField(max_length=16, choices=PaymentStatus.choices, default=PaymentStatus.INITIATED)
    amount_value = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    returned_value = models.BigIntegerField(default=0)
    kept_returned_value = models.BigIntegerField(default=0)
    """Of money the acquirer kept for a payment we hold as failed or cancelled: what is promised or done back."""
    token_index = models.CharField(max_length=64)
    """Blind index of the token that was sent: tells a refusal of this token from one of an older token."""
    terminal_type = models.CharField(max_length=16, choices=[(t.value, t.value) for t in TerminalType])
    os_type = models.CharField(max_length=16, blank=True)
    client_ip = models.GenericIPAddressField(null=True, blank=True)
    settlement_currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    """``paymentExpiryTime``: less than one minute after the request."""
    may_have_arrived = models.BooleanField(default=True)
    """False only when it is certain that nothing left this process: then the same id is sent again."""
    questions_asked = models.PositiveIntegerField(default=0)
    is_denied_by_inquiry = models.BooleanField(default=False)
    """inquiryPayment said, after the expiry and a margin, that there is no such payment."""
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=256, blank=True)
    advice = models.CharField(max_length=20, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    """``paymentTime``: the start of the cancellable and refundable periods."""
    finished_at = models.DateTimeField(null=True, blank=True)
    gross_settlement_value = models.BigIntegerField(null=True, blank=True)
    gross_settlement_currency = models.CharField(max_length=3, blank=True)
    quote_currency_pair = models.CharField(max_length=16, blank=True)
    quote_price = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    customs_value = models.BigIntegerField(null=True, blank=True)
    """``customsDeclarationAmount``: the most that may be declared, once we heard it."""
    declared_value = models.BigIntegerField(default=0)
    """What is declared to customs, or promised to be."""

    class Meta:
        ordering = ("-created_at", "-pk")
        permissions = [
            ("act_ask", "Can ask the acquirer about payments, cancels and refunds"),
            ("act_cancel", "Can cancel payments"),
            ("act_refund", "Can refund payments"),
            ("act_give_back", "Can give the money back"),
        ]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="payment_newest"),
            models.Index(fields=("status", "-created_at"), name="payment_by_status"),
            models.Index(fields=("-created_at",), condition=Q(returned_value__gt=0), name="payment_given_back"),
        ]
        constraints = [
            models.UniqueConstraint(fields=("order",), condition=Q(status__in=LIVE), name="one_live_payment"),
            models.CheckConstraint(condition=Q(amount_value__gt=0), name="payment_above_zero"),
            models.CheckConstraint(condition=Q(status__in=PaymentStatus.values), name="payment_status_known"),
            models.CheckConstraint(
                condition=Q(returned_value__gte=0) & Q(returned_value__lte=F("amount_value")),
                name="returned_at_most_paid",
            ),
            models.CheckConstraint(
                condition=Q(declared_value__gte=0) & Q(declared_value__lte=F("amount_value")),
                name="declared_at_most_paid",
            ),
            models.CheckConstraint(
                condition=Q(kept_returned_value=0)
                | Q(kept_returned_value__gt=0, kept_returned_value__lte=F("amount_value"), status__in=UNPAID),
                name="kept_returned_at_most_kept",
            ),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.SUCCEEDED) | Q(paid_at__isnull=False), name="succeeded_knows_when"
            ),
        ]

    def __str__(self) -> str:
        return self.payment_request_id

    @property
    def account(self) -> AcquirerAccount:
        """The wallet's own: a token is debited where it was issued, whichever account the order was placed with."""
        return self.wallet_account.account

    @property
    def amount(self) -> Money:
        return Money(self.amount_value, self.currency)

    @property
    def returned(self) -> Money:
        return Money(self.returned_value, self.currency)

    @property
    def returning(self) -> Money:
        """The part of ``returned`` that is promised and not done yet. Asks; lists prefetch refunds and cancels."""
        unknown = {RefundStatus.INITIATED, RefundStatus.PROCESSING, CancelStatus.REQUESTED}
        promised: list[Refund | Cancel] = [*self.refunds.all(), *self.cancels.all()]
        on_its_way = (it.amount_value for it in promised if it.status in unknown and not it.gives_back_kept)
        return Money(sum(on_its_way), self.currency)

    @property
    def refundable(self) -> Money:
        """What may still be given back."""
        return Money(self.amount_value - self.returned_value, self.currency)

    @property
    def declarable(self) -> Money:
        """What may still be declared: of what was paid, or of the less that the acquirer said."""
        return Money(max(0, self._most_to_declare - self.declared_value), self.currency)

    @property
    def declared_beyond(self) -> Money:
        """What is declared, or promised to be, beyond what the acquirer said later."""
        return Money(max(0, self.declared_value - self._most_to_declare), self.currency)

    @property
    def _most_to_declare(self) -> int:
        return self.amount_value if self.customs_value is None else min(self.customs_value, self.amount_value)

    @property
    def gross_settlement(self) -> Money | None:
        if self.gross_settlement_value is None:
            return None
        return Money(self.gross_settlement_value, self.gross_settlement_currency)

    def terminal(self) -> Terminal:
        """The buyer's device as it paid."""
        return Terminal(
            terminal_type=TerminalType(self.terminal_type), os_type=self.os_type, client_ip=self.client_ip or ""
        )


class PaymentChange(Change):
    """A move of a payment."""

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="changes")


class Contradiction(models.Model):
    """A verdict about a payment that its final status does not allow. Kept and shown; it never overwrites.

    While one that says SUCCESS is open, its order takes no other payment: the buyer would be debited twice.
    """

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="contradictions")
    said = models.CharField(
        max_length=24,
        choices=[(o.value, o.value) for o in Outcome] + [("CANCELLED", "CANCELLED"), ("AMOUNT", "AMOUNT")],
    )
    heard_from = models.CharField(max_length=24, choices=Messenger.choices)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_how = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("payment", "said"), name="contradiction_once")]

    def __str__(self) -> str:
        return f"{self.payment}: {self.said}"


class Cancel(Stateful, Due, ActorFields):
    """One wish to cancel a payment, whole. The acquirer knows it by the payment's own id."""

    machine = CANCEL

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="cancels")
    cancel_id = models.CharField(max_length=64, unique=True)
    """Ours alone; the protocol has no id for a cancel."""
    status = models.CharField(max_length=16, choices=CancelStatus.choices, default=CancelStatus.REQUESTED)
    amount_value = models.BigIntegerField()
    """What it reserves of the payment: the whole amount."""
    gives_back_kept = models.BooleanField(default=False, editable=False)
    """It gives back what the acquirer kept against our status; it reserves ``kept_returned_value``."""
    ends_order = models.BooleanField(default=False, editable=False)
    """The whole order was called off: it takes no other payment once this one is certainly not paid."""
    reason_code = models.CharField(max_length=24, choices=ReasonCode.choices)
    note = models.CharField(max_length=256, blank=True)
    times_sent = models.PositiveIntegerField(default=0)
    is_refused_on_repeat = models.BooleanField(default=False)
    """The acquirer refused a repeat: perhaps because the lost first one worked, so the payment is asked about."""
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="cancel_newest"),
            models.Index(fields=("status", "-created_at"), name="cancel_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("payment", "gives_back_kept"),
                condition=~Q(status=CancelStatus.REFUSED),
                name="one_live_cancel",
            ),
            models.CheckConstraint(condition=Q(amount_value__gt=0), name="cancel_above_zero"),
            models.CheckConstraint(condition=Q(status__in=CancelStatus.values), name="cancel_status_known"),
        ]

    def __str__(self) -> str:
        return f"cancel of {self.payment}"


class CancelChange(Change):
    """A move of a cancel."""

    cancel = models.ForeignKey(Cancel, models.CASCADE, related_name="changes")


class Refund(Stateful, Due, ActorFields):
    """One ``refundRequestId``: an amount given back to the buyer's wallet."""

    machine = REFUND

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    refund_request_id = models.CharField(max_length=64, unique=True)
    refund_id = models.CharField(max_length=64, blank=True, db_index=True)
    status = models.CharField(max_length=16, choices=RefundStatus.choices, default=RefundStatus.INITIATED)
    amount_value = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    gives_back_kept = models.BooleanField(default=False, editable=False)
    """It gives back what the acquirer kept against our status; it reserves ``kept_returned_value``."""
    reason_code = models.CharField(max_length=24, choices=ReasonCode.choices)
    note = models.CharField(max_length=256, blank=True)
    times_sent = models.PositiveIntegerField(default=0)
    may_have_arrived = models.BooleanField(default=True)
    times_denied = models.PositiveIntegerField(default=0)
    """"No such refund" answers in a row; enough of them mean that it never arrived."""
    is_refused_on_repeat = models.BooleanField(default=False)
    """The acquirer refused a repeat of it: closes it only once the acquirer denies it again."""
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    refunded_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    gross_settlement_value = models.BigIntegerField(null=True, blank=True)
    gross_settlement_currency = models.CharField(max_length=3, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="refund_newest"),
            models.Index(fields=("status", "-created_at"), name="refund_by_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_value__gt=0), name="refund_above_zero"),
            models.CheckConstraint(condition=Q(status__in=RefundStatus.values), name="refund_status_known"),
            models.CheckConstraint(
                condition=~Q(status=RefundStatus.SUCCEEDED) | Q(refunded_at__isnull=False), name="refunded_knows_when"
            ),
        ]

    def __str__(self) -> str:
        return self.refund_request_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_value, self.currency)


class RefundChange(Change):
    """A move of a refund."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="changes")


class PaymentHour(models.Model):
    """What was tried in one hour that is over, added up; see ``payments.figures``. It can be forgotten."""

    hour = models.DateTimeField()
    """When it begins, a full hour of UTC."""
    zone = models.CharField(max_length=64)
    """Whose days the figures name."""
    figures = models.JSONField(default=list)
    to_settle = models.JSONField(null=True, default=None)
    """Null: it was added up before this was."""
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("hour", "zone"), name="payment_hour_once")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} UTC"


class BulkRefund(Due, ActorFields):
    """Many refunds wanted as one: a parent, whose lines become ordinary refunds one by one."""

    number = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    """Of the file; of a selection, what was chosen from."""
    status = models.CharField(max_length=16, choices=BulkStatus.choices, default=BulkStatus.DRAFT)
    digest = models.CharField(max_length=64)
    """SHA-256 over what the lines say: the same wish a second time, in whatever file, is known again."""
    totals = models.JSONField(default=dict)
    """By currency, in minor units: of the lines without a problem, as they were previewed."""
    line_count = models.PositiveIntegerField()
    note = models.CharField(max_length=256, blank=True)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approval = models.CharField(max_length=64, blank=True)
    """The number of the request it was started under; its refunds are done under it, too."""
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        permissions = [("act_bulk_refund", "Can refund many payments at once")]
        indexes = [models.Index(fields=("-created_at", "-id"), name="bulk_refund_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=("digest",), condition=~Q(status=BulkStatus.DISCARDED), name="bulk_refund_once"
            ),
            models.CheckConstraint(condition=Q(status__in=BulkStatus.values), name="bulk_refund_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=(BulkStatus.DRAFT, BulkStatus.DISCARDED)) | Q(started_at__isnull=False),
                name="started_bulk_knows_when",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def sums(self) -> list[Money]:
        """The totals, never added across currencies."""
        return [Money(value, currency) for currency, value in sorted(self.totals.items())]


class BulkLine(Due):
    """One line of a bulk refund: what it says, what is wrong with it, and the refund it became. Due while it waits."""

    bulk = models.ForeignKey(BulkRefund, models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    """In the file, its header being line 1."""
    said = models.CharField(max_length=80)
    """The id, as it was given."""
    said_amount = models.CharField(max_length=40, blank=True)
    """The amount, as it was given; empty: all that is left."""
    status = models.CharField(max_length=16, choices=LineStatus.choices, default=LineStatus.DRAFT)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="+")
    amount_value = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    reason_code = models.CharField(max_length=24, blank=True)
    note = models.CharField(max_length=256, blank=True)
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, blank=True, related_name="+")
    result = models.CharField(max_length=300, blank=True)
    """The problem it has, or the refusal it met."""

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("bulk", "number"), name="bulk_line_once"),
            # One refund belongs to one line: what is done is never counted for another.
            models.UniqueConstraint(fields=("refund",), name="refund_of_one_line"),
            models.CheckConstraint(condition=Q(status__in=LineStatus.values), name="bulk_line_status_known"),
            models.CheckConstraint(
                condition=Q(status=LineStatus.PROBLEM) | Q(payment__isnull=False, amount_value__gt=0),
                name="good_line_knows_what",
            ),
            models.CheckConstraint(
                condition=~Q(status=LineStatus.PROMISED) | Q(refund__isnull=False), name="promised_line_has_refund"
            ),
            models.CheckConstraint(
                condition=Q(status=LineStatus.WAITING) | Q(due_at__isnull=True), name="only_waiting_line_due"
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.number} of {self.bulk}"

    @property
    def amount(self) -> Money | None:
        """What goes back."""
        return None if self.amount_value is None else Money(self.amount_value, self.currency)
