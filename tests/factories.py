"""One valid row of every model, with as little said as possible: a test names what matters to it and nothing else.

Rows are made directly, without the operations that would make them in earnest. A story that is about how a row comes
to be uses the operations and the sandbox; a page, a list or a constraint is content with these.
"""

import functools
import hashlib
from datetime import timedelta
from typing import Any

import factory
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from authorizations.models import CODE_PURPOSE, TOKEN_PURPOSE, Authorization, Buyer, BuyerSession, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.customs.states import DeclarationStatus
from payments.models import (
    BulkLine,
    BulkRefund,
    Cancel,
    CustomsRule,
    Cycle,
    Declaration,
    Order,
    OrderItem,
    Payment,
    Plan,
    Price,
    Product,
    Refund,
    RetryPolicy,
    Subscription,
)
from payments.states import CancelStatus, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from payments.subscriptions.states import CycleStatus, Interval, Trouble
from portal import catalogue, clock
from portal.acquirer import TerminalType, signing
from portal.actor import ActorKind
from portal.approvals.asking import digest_of
from portal.encryption import blind_index
from portal.models import (
    AcquirerAccount,
    AcquirerKey,
    Approval,
    ApprovalRule,
    DeliveryState,
    Deputy,
    Exchange,
    Incident,
    JournalEntry,
    MerchantKey,
    Notification,
    NotificationStatus,
    PaymentMethod,
    SignIn,
    SignInOutcome,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

PASSWORD = "correct horse battery staple"
"""Of every user the factory makes."""


@functools.cache
def merchant_key() -> rsa.RSAPrivateKey:
    """Our key pair in tests: made once, since making one costs more than a test."""
    return signing.new_private_key()


@functools.cache
def acquirer_key() -> rsa.RSAPrivateKey:
    """The acquirer's key pair in tests."""
    return signing.new_private_key()


class UserFactory(factory.django.DjangoModelFactory):
    """A member of staff; ``roles=("Finance",)`` puts them into role groups."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"staff{number}")
    first_name = "Maria"
    last_name = "Reyes"
    email = factory.LazyAttribute(lambda user: f"{user.username}@shop.example")
    is_staff = True

    @factory.post_generation
    def password(self, create: bool, given: str | None, **kwargs: Any) -> None:
        self.set_password(given or PASSWORD)
        if create:
            self.save(update_fields=["password"])

    @factory.post_generation
    def roles(self, create: bool, given: tuple[str, ...] | None, **kwargs: Any) -> None:
        if create and given:
            self.groups.set(Group.objects.filter(name__in=given))


class AcquirerAccountFactory(factory.django.DjangoModelFactory):
    """A complete account: our key pair, one key of the acquirer, and a catalogue with these ``wallets`` contracted.

    ``acquirer_keys=False`` leaves the acquirer's key out.
    """

    class Meta:
        model = AcquirerAccount
        skip_postgeneration_save = True

    name = factory.Sequence(lambda number: f"Antom {number}")
    slug = factory.Sequence(lambda number: f"antom-{number}")
    gateway_url = "https://open-sea-global.alipay.com"
    client_id = factory.Sequence(lambda number: f"SANDBOX_5Y{number:012d}")
    private_key = factory.LazyFunction(lambda: signing.private_pem(merchant_key()))
    public_key = factory.LazyFunction(lambda: signing.public_pem(merchant_key().public_key()))
    settlement_currency = "USD"
    app_id = "3333010012345678"

    @factory.post_generation
    def acquirer_keys(self, create: bool, given: bool | None, **kwargs: Any) -> None:
        if create and given is not False:
            AcquirerKeyFactory(account=self)

    @factory.post_generation
    def wallets(self, create: bool, given: list[str] | None, **kwargs: Any) -> None:
        if create:
            catalogue.begin(self, ["GCASH", "DANA", "KAKAOPAY"] if given is None else given)


class AcquirerKeyFactory(factory.django.DjangoModelFactory):
    """The acquirer's public key, version 1."""

    class Meta:
        model = AcquirerKey

    account = factory.SubFactory(AcquirerAccountFactory, acquirer_keys=False)
    version = "1"
    public_key = factory.LazyFunction(lambda: signing.public_pem(acquirer_key().public_key()))


class PaymentMethodFactory(factory.django.DjangoModelFactory):
    """A method that the acquirer's table does not know, contracted, of which nobody has said anything."""

    class Meta:
        model = PaymentMethod

    account = factory.SubFactory(AcquirerAccountFactory)
    code = factory.Sequence(lambda number: f"NEWPAY_{number}")
    is_contracted = True


class MerchantKeyFactory(factory.django.DjangoModelFactory):
    """A merchant API key nobody holds the text of."""

    class Meta:
        model = MerchantKey

    account = factory.SubFactory(AcquirerAccountFactory)
    name = factory.Sequence(lambda number: f"shop server {number}")
    prefix = factory.Sequence(lambda number: f"mk_{number:05d}")
    digest = factory.Sequence(lambda number: hashlib.sha256(f"merchant key {number}".encode()).hexdigest())


class BuyerFactory(factory.django.DjangoModelFactory):
    """Somebody who buys."""

    class Meta:
        model = Buyer

    account = factory.SubFactory(AcquirerAccountFactory)
    reference = factory.Sequence(lambda number: f"customer-{number}")


class BuyerSessionFactory(factory.django.DjangoModelFactory):
    """A session whose token nobody holds."""

    class Meta:
        model = BuyerSession

    buyer = factory.SubFactory(BuyerFactory)
    digest = factory.Sequence(lambda number: hashlib.sha256(f"session {number}".encode()).hexdigest())
    site_name = "GCASH"
    opened_by = "wallet login"
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(hours=24))


class WalletAccountFactory(factory.django.DjangoModelFactory):
    """A bound wallet, ACTIVE, with a token and a refresh token."""

    class Meta:
        model = WalletAccount

    class Params:
        token = factory.Sequence(lambda number: f"2810000000000000000000000000{number:08d}")

    buyer = factory.SubFactory(BuyerFactory)
    account = factory.LazyAttribute(lambda wallet: wallet.buyer.account)
    wallet = "GCASH"
    status = WalletStatus.ACTIVE
    access_token = factory.LazyAttribute(lambda wallet: wallet.token)
    access_token_index = factory.LazyAttribute(lambda wallet: blind_index(wallet.access_token, TOKEN_PURPOSE))
    access_token_expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=365))
    refresh_token = factory.LazyAttribute(lambda wallet: f"R{wallet.access_token}")
    refresh_token_expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=730))
    login_label = factory.Sequence(lambda number: f"63-9****{number:05d}")


class AuthorizationFactory(factory.django.DjangoModelFactory):
    """An attempt to bind that waits for the buyer. ``bound=True``: one that ended with a wallet account."""

    class Meta:
        model = Authorization

    class Params:
        bound = factory.Trait(
            status=AuthorizationStatus.BOUND,
            wallet_account=factory.SubFactory(
                WalletAccountFactory,
                buyer=factory.SelfAttribute("..buyer"),
                wallet=factory.SelfAttribute("..wallet"),
            ),
        )

    buyer = factory.SubFactory(BuyerFactory)
    account = factory.LazyAttribute(lambda attempt: attempt.buyer.account)
    wallet = "GCASH"
    auth_state = factory.LazyFunction(lambda: clock.fresh_id("AS"))
    status = AuthorizationStatus.OFFERED
    terminal_type = TerminalType.MINI_APP
    os_type = "ANDROID"
    auth_url = factory.LazyAttribute(lambda attempt: f"https://wallet.example/agree?state={attempt.auth_state}")
    auth_code = ""
    auth_code_index = factory.LazyAttribute(
        lambda attempt: blind_index(attempt.auth_code, CODE_PURPOSE) if attempt.auth_code else ""
    )
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(minutes=15))
    actor_kind = ActorKind.BUYER
    actor_name = factory.LazyAttribute(lambda attempt: attempt.buyer.reference)


class ProductFactory(factory.django.DjangoModelFactory):
    """Something to sell, without a price."""

    class Meta:
        model = Product

    account = factory.SubFactory(AcquirerAccountFactory)
    sku = factory.Sequence(lambda number: f"pass-{number}")
    name = factory.Sequence(lambda number: f"Monthly pass {number}")
    description = "Thirty days of everything."


class PriceFactory(factory.django.DjangoModelFactory):
    """499.00 PHP, with its product."""

    class Meta:
        model = Price

    product = factory.SubFactory(ProductFactory)
    currency = "PHP"
    value = 499_00


class OrderFactory(factory.django.DjangoModelFactory):
    """An order to be paid: 1,499.00 PHP. ``paid=True``: a paid one (without its payment)."""

    class Meta:
        model = Order

    class Params:
        paid = factory.Trait(status=OrderStatus.PAID, paid_at=factory.LazyFunction(clock.now))

    buyer = factory.SubFactory(BuyerFactory)
    account = factory.LazyAttribute(lambda order: order.buyer.account)
    number = factory.LazyFunction(lambda: clock.fresh_id("OR"))
    amount_value = 1_499_00
    currency = "PHP"
    description = "Monthly pass"
    actor_kind = ActorKind.BUYER
    actor_name = factory.LazyAttribute(lambda order: order.buyer.reference)


class OrderItemFactory(factory.django.DjangoModelFactory):
    """One line of an order, at the order's amount."""

    class Meta:
        model = OrderItem

    order = factory.SubFactory(OrderFactory)
    sku = "pass"
    name = "Monthly pass"
    unit_value = factory.LazyAttribute(lambda item: item.order.amount_value)
    quantity = 1


class PaymentFactory(factory.django.DjangoModelFactory):
    """A payment that succeeded, of an order that is paid. ``unknown=True``: one whose result nobody knows yet."""

    class Meta:
        model = Payment

    class Params:
        unknown = factory.Trait(
            status=PaymentStatus.PROCESSING,
            paid_at=None,
            finished_at=None,
            payment_id="",
            order=factory.SubFactory(OrderFactory),
        )
        failed = factory.Trait(
            status=PaymentStatus.FAILED,
            paid_at=None,
            payment_id="",
            result_code="USER_BALANCE_NOT_ENOUGH",
            result_message="The buyer's balance does not suffice.",
            order=factory.SubFactory(OrderFactory),
        )

    order = factory.SubFactory(OrderFactory, paid=True)
    wallet_account = factory.SubFactory(WalletAccountFactory, buyer=factory.SelfAttribute("..order.buyer"))
    payment_request_id = factory.LazyFunction(lambda: clock.fresh_id("P"))
    payment_id = factory.Sequence(lambda number: f"2026031419401080070018882{number:07d}")
    status = PaymentStatus.SUCCEEDED
    amount_value = factory.LazyAttribute(lambda payment: payment.order.amount_value)
    currency = factory.LazyAttribute(lambda payment: payment.order.currency)
    token_index = factory.LazyAttribute(lambda payment: payment.wallet_account.access_token_index)
    terminal_type = TerminalType.MINI_APP
    os_type = "ANDROID"
    settlement_currency = factory.LazyAttribute(lambda payment: payment.order.account.settlement_currency)
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(seconds=55))
    paid_at = factory.LazyFunction(clock.now)
    finished_at = factory.LazyFunction(clock.now)
    result_code = "SUCCESS"
    actor_kind = ActorKind.BUYER
    actor_name = factory.LazyAttribute(lambda payment: payment.order.buyer.reference)


class RefundFactory(factory.django.DjangoModelFactory):
    """A refund of 200.00 that succeeded. The payment's ``returned_value`` is left alone: say it where it matters."""

    class Meta:
        model = Refund

    payment = factory.SubFactory(PaymentFactory, returned_value=200_00)
    refund_request_id = factory.LazyFunction(lambda: clock.fresh_id("R"))
    refund_id = factory.Sequence(lambda number: f"2026031519401080070018883{number:07d}")
    status = RefundStatus.SUCCEEDED
    amount_value = 200_00
    currency = factory.LazyAttribute(lambda refund: refund.payment.currency)
    reason_code = ReasonCode.BUYER_REQUEST
    refunded_at = factory.LazyFunction(clock.now)
    finished_at = factory.LazyFunction(clock.now)
    actor_kind = ActorKind.PERSON
    actor_name = "staff"


class CancelFactory(factory.django.DjangoModelFactory):
    """A cancel whose result nobody knows yet."""

    class Meta:
        model = Cancel

    payment = factory.SubFactory(PaymentFactory)
    cancel_id = factory.LazyFunction(lambda: clock.fresh_id("C"))
    status = CancelStatus.REQUESTED
    amount_value = factory.LazyAttribute(lambda cancel: cancel.payment.amount_value)
    reason_code = ReasonCode.BUYER_REQUEST
    actor_kind = ActorKind.PERSON
    actor_name = "staff"


class ExchangeFactory(factory.django.DjangoModelFactory):
    """A call of pay and its verified answer."""

    class Meta:
        model = Exchange

    account = factory.SubFactory(AcquirerAccountFactory)
    api = "pay"
    subject = factory.LazyFunction(lambda: clock.fresh_id("P"))
    sent_at = factory.LazyFunction(clock.now)
    duration_ms = 412
    url = "https://open-sea-global.alipay.com/ams/api/v1/payments/pay"
    http_status = 200
    request_headers = factory.LazyFunction(lambda: {"client-id": "SANDBOX_5Y00", "content-type": "application/json"})
    request_body = b'{"paymentMethod":{"paymentMethodId":"the-token"}}'
    request_sha256 = factory.LazyAttribute(lambda exchange: hashlib.sha256(exchange.request_body).hexdigest())
    response_headers = factory.LazyFunction(lambda: {"response-time": "2026-03-14T10:42:00+08:00"})
    response_body = b'{"result":{"resultStatus":"S"}}'
    response_sha256 = factory.LazyAttribute(lambda exchange: hashlib.sha256(exchange.response_body).hexdigest())
    masked_request = '{\n  "paymentMethod": {\n    "paymentMethodId": "••••"\n  }\n}'
    masked_response = '{\n  "result": {\n    "resultStatus": "S"\n  }\n}'
    verdict = "VERIFIED"
    result_code = "SUCCESS"
    result_status = "S"


class NotificationFactory(factory.django.DjangoModelFactory):
    """A verified notifyPayment that was applied."""

    class Meta:
        model = Notification

    account = factory.SubFactory(AcquirerAccountFactory)
    kind = "notifyPayment"
    subject = factory.LazyFunction(lambda: clock.fresh_id("P"))
    path = factory.LazyAttribute(lambda message: f"/notify/{message.account.slug}/payment")
    headers = factory.LazyFunction(lambda: {"client-id": "SANDBOX_5Y00", "signature": "algorithm=RSA256, …"})
    body = factory.LazyAttribute(lambda message: f'{{"paymentRequestId":"{message.subject}"}}'.encode())
    sha256 = factory.LazyAttribute(lambda message: hashlib.sha256(message.body).hexdigest())
    masked_body = factory.LazyAttribute(lambda message: f'{{\n  "paymentRequestId": "{message.subject}"\n}}')
    verdict = "VERIFIED"
    is_verified = True
    status = NotificationStatus.APPLIED
    applied_at = factory.LazyFunction(clock.now)


class IncidentFactory(factory.django.DjangoModelFactory):
    """Something a person must look at."""

    class Meta:
        model = Incident

    kind = "payment_unknown"
    subject_type = "payments.Payment"
    subject_id = factory.Sequence(str)
    subject_label = factory.Sequence(lambda number: f"P20260314{number:020d}")
    summary = "A payment has had no final answer for a day."


class JournalEntryFactory(factory.django.DjangoModelFactory):
    """A line of the journal."""

    class Meta:
        model = JournalEntry

    act = "refund"
    subject_type = "payments.Payment"
    subject_id = factory.Sequence(str)
    subject_label = factory.Sequence(lambda number: f"P20260314{number:020d}")
    reason_code = ReasonCode.BUYER_REQUEST
    outcome = "Refunded 200.00 PHP."
    actor_kind = ActorKind.PERSON
    actor_name = "staff"


class ApprovalFactory(factory.django.DjangoModelFactory):
    """A request that waits for a second person; pass ``payment`` to let it be about one."""

    class Meta:
        model = Approval

    class Params:
        payment = None

    number = factory.Sequence(lambda number: f"AP20260314{number:020d}")
    kind = "refund"
    act = "refund"
    subject_type = "payments.Payment"
    subject_id = factory.LazyAttributeSequence(lambda made, number: str(made.payment.pk if made.payment else -number))
    subject_label = factory.LazyAttribute(lambda made: str(made.payment or "a payment"))
    account = factory.LazyAttribute(lambda made: made.payment.account if made.payment else None)
    amount_value = 6_000_00
    currency = "PHP"
    sentence = factory.LazyAttribute(lambda made: f"6,000.00 PHP of {made.subject_label} goes back to the buyer.")
    rule = "Above 5,000.00 PHP a second person approves"
    approvers = ["Finance", "Administrator"]
    reason_code = ReasonCode.DAMAGED
    actor_kind = ActorKind.PERSON
    requester = factory.SubFactory(UserFactory)
    actor_name = factory.LazyAttribute(lambda made: made.requester.username)
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(hours=72))
    due_at = factory.SelfAttribute("expires_at")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Approval:
        made = Approval(**kwargs)
        made.digest = digest_of(made)
        made.save()
        return made


class ApprovalRuleFactory(factory.django.DjangoModelFactory):
    """A rule about one role."""

    class Meta:
        model = ApprovalRule

    kind = "refund"
    role = factory.Sequence(lambda number: f"Role {number}")
    currency = "PHP"
    above_value = 5_000_00
    approvers = ["Finance"]


class DeputyFactory(factory.django.DjangoModelFactory):
    """Somebody who stands in for a week."""

    class Meta:
        model = Deputy

    principal = factory.SubFactory(UserFactory)
    deputy = factory.SubFactory(UserFactory)
    starts_at = factory.LazyFunction(lambda: clock.now() - timedelta(days=1))
    ends_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=6))


class BulkRefundFactory(factory.django.DjangoModelFactory):
    """A bulk refund of one line, which is made by ``BulkLineFactory``."""

    class Meta:
        model = BulkRefund

    number = factory.Sequence(lambda number: f"BR20260314{number:020d}")
    name = "broken-cups.csv"
    digest = factory.Sequence(lambda number: f"{number:064d}")
    totals = {"PHP": 100_00}
    line_count = 1
    requester = factory.SubFactory(UserFactory)
    actor_kind = ActorKind.PERSON
    actor_name = factory.LazyAttribute(lambda made: made.requester.username)


class BulkLineFactory(factory.django.DjangoModelFactory):
    """A line that could be refunded."""

    class Meta:
        model = BulkLine

    bulk = factory.SubFactory(BulkRefundFactory)
    number = 2
    payment = factory.SubFactory(PaymentFactory)
    said = factory.LazyAttribute(lambda made: made.payment.payment_request_id)
    amount_value = 100_00
    currency = "PHP"
    reason_code = ReasonCode.DAMAGED


class PlanFactory(factory.django.DjangoModelFactory):
    """A monthly plan with a fixed price."""

    class Meta:
        model = Plan

    account = factory.LazyAttribute(lambda made: made.product.account)
    product = factory.SubFactory("tests.factories.ProductFactory")
    code = factory.Sequence(lambda number: f"plan-{number}")
    name = "Monthly pass"
    currency = "PHP"
    amount_value = 499_00
    interval = Interval.MONTH
    zone = "Asia/Manila"


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """One that runs, its next charge two weeks from now."""

    class Meta:
        model = Subscription

    buyer = factory.SubFactory(BuyerFactory)
    account = factory.LazyAttribute(lambda made: made.buyer.account)
    plan = factory.SubFactory(PlanFactory, product__account=factory.SelfAttribute("...account"))
    wallet_account = factory.SubFactory(WalletAccountFactory, buyer=factory.SelfAttribute("..buyer"))
    first_on = factory.LazyAttribute(lambda made: (clock.now() + timedelta(days=14)).date())
    next_on = factory.LazyAttribute(lambda made: made.first_on)
    actor_kind = ActorKind.BUYER
    actor_name = factory.LazyAttribute(lambda made: made.buyer.reference)


class CycleFactory(factory.django.DjangoModelFactory):
    """A date that was not paid, and will be tried again."""

    class Meta:
        model = Cycle

    subscription = factory.SubFactory(SubscriptionFactory)
    number = 1
    due_on = factory.LazyAttribute(lambda made: made.subscription.first_on)
    status = CycleStatus.RETRYING
    plan = factory.LazyAttribute(lambda made: made.subscription.plan)
    amount_value = 499_00
    currency = "PHP"
    order = factory.SubFactory(OrderFactory, buyer=factory.SelfAttribute("..subscription.buyer"))
    trouble = Trouble.BALANCE
    result_code = "USER_BALANCE_NOT_ENOUGH"
    tries = 1


class RetryPolicyFactory(factory.django.DjangoModelFactory):
    """Of one wallet, so that it stands beside those that migrating makes."""

    class Meta:
        model = RetryPolicy

    wallet = factory.Sequence(lambda number: f"WALLET_{number}")
    trouble = Trouble.BALANCE
    delays_hours = "24 72"


class CustomsRuleFactory(factory.django.DjangoModelFactory):
    """What is paid to an account is declared by itself."""

    class Meta:
        model = CustomsRule

    account = factory.SubFactory(AcquirerAccountFactory)
    customs_code = "ZONGSHU"
    merchant_customs_code = "3301961A7X"
    merchant_customs_name = "Example Trading Ltd"


class DeclarationFactory(factory.django.DjangoModelFactory):
    """A paid order, declared whole; customs has refused it."""

    class Meta:
        model = Declaration

    payment = factory.SubFactory(
        PaymentFactory, order__paid=True, order__currency="CNY", wallet_account__wallet="ALIPAY_CN", declared_value=100
    )
    account = factory.LazyAttribute(lambda made: made.payment.order.account)
    declaration_request_id = factory.LazyFunction(lambda: clock.fresh_id("D"))
    status = DeclarationStatus.REFUSED
    amount_value = 100
    currency = "CNY"
    customs_code = "ZONGSHU"
    merchant_customs_code = "3301961A7X"
    merchant_customs_name = "Example Trading Ltd"
    certificate_kind = "ID_CARD"
    certificate_number = "110101199001011234"
    certificate_name = "Li Si Wang"
    actor_kind = "CLOCK"
    times_sent = 1
    customs_result_code = "failed"


class SignInFactory(factory.django.DjangoModelFactory):
    """Somebody who came in, and left again."""

    class Meta:
        model = SignIn

    person = factory.SubFactory(UserFactory)
    outcome = SignInOutcome.OPENED
    factor = "totp"
    address = "203.0.113.9"
    device = "Firefox on Windows"


class WebhookEndpointFactory(factory.django.DjangoModelFactory):
    """A system of the merchant's that hears of everything."""

    class Meta:
        model = WebhookEndpoint

    name = factory.Sequence(lambda number: f"Shop backend {number}")
    url = "https://shop.example/webhooks"
    secret = "whsec_" + "c2VjcmV0" * 5


class WebhookEventFactory(factory.django.DjangoModelFactory):
    """An order was paid; its deliveries are made. ``subject=order`` says of which."""

    class Meta:
        model = WebhookEvent

    class Params:
        subject = factory.SubFactory(OrderFactory, paid=True)

    event_id = factory.LazyFunction(lambda: clock.fresh_id("E"))
    account = factory.LazyAttribute(lambda event: event.subject.account)
    kind = "order.paid"
    subject_type = factory.LazyAttribute(lambda event: event.subject._meta.label)
    subject_id = factory.LazyAttribute(lambda event: str(event.subject.pk))
    subject_label = factory.LazyAttribute(lambda event: event.subject.number)
    sequence = 1
    body = factory.LazyAttribute(
        lambda event: f'{{"id":"{event.event_id}","kind":"{event.kind}","object":"{event.subject_label}"}}'
    )


class WebhookDeliveryFactory(factory.django.DjangoModelFactory):
    """A delivery that was taken at the first attempt. ``waiting=True``: one that was refused once and waits."""

    class Meta:
        model = WebhookDelivery
        skip_postgeneration_save = True

    class Params:
        waiting = factory.Trait(
            state=DeliveryState.WAITING,
            delivered_at=None,
            finished_at=None,
            due_at=factory.LazyFunction(lambda: clock.now() + timedelta(seconds=15)),
            said="HTTP 500",
            attempts=1,
        )

    event = factory.SubFactory(WebhookEventFactory)
    endpoint = factory.SubFactory(WebhookEndpointFactory)
    subject_type = factory.LazyAttribute(lambda delivery: delivery.event.subject_type)
    subject_id = factory.LazyAttribute(lambda delivery: delivery.event.subject_id)
    sequence = factory.LazyAttribute(lambda delivery: delivery.event.sequence)
    state = DeliveryState.DELIVERED
    delivered_at = factory.LazyFunction(clock.now)
    finished_at = factory.LazyFunction(clock.now)
    times_tried = 1
    said = "HTTP 200"

    @factory.post_generation
    def tries(self, create: bool, given: bool | None, **kwargs: Any) -> None:
        if create and given is not False:
            status = 200 if self.state == DeliveryState.DELIVERED else 500
            WebhookAttemptFactory(delivery=self, http_status=status, is_success=status == 200)


class WebhookAttemptFactory(factory.django.DjangoModelFactory):
    """One POST that was taken."""

    class Meta:
        model = WebhookAttempt

    delivery = factory.SubFactory(WebhookDeliveryFactory, tries=False)
    endpoint = factory.LazyAttribute(lambda attempt: attempt.delivery.endpoint)
    at = factory.LazyFunction(clock.now)
    duration_ms = 84
    url = factory.LazyAttribute(lambda attempt: attempt.endpoint.url)
    address = "93.184.216.34"
    http_status = 200
    answer = "ok"
    is_success = True
