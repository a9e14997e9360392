"""What paying refuses, all before anything is sent."""

from portal.errors import Conflict, InvalidInput, PortalError


class OrderNotPayable(PortalError):
    """The order is paid, withdrawn, or being paid."""

    code = "order_not_payable"
    sentence = "Order {number} cannot be paid: {why}."


class PaymentInProgress(Conflict):
    """The order has a payment whose result is not known yet."""

    code = "payment_in_progress"
    sentence = "The payment of order {number} is being confirmed. Try again when its result is known."


class OrderNotWithdrawable(PortalError):
    """The order is paid or closed."""

    code = "order_not_withdrawable"
    sentence = "Order {number} cannot be withdrawn: it is {status}."


class AmountNotAllowed(InvalidInput):
    """The amount is outside what the wallet or the currency takes."""

    code = "amount_not_allowed"
    sentence = "{problem}"


class WrongCurrency(InvalidInput):
    """The wallet debits in another currency."""

    code = "wrong_currency"
    sentence = "{wallet} is debited in {wallet_currency}; this order is in {currency}."


class PriceMissing(InvalidInput):
    """The product is not sold, or not in this currency."""

    code = "price_missing"
    sentence = "{sku} is not sold in {currency}."


class RefundExceedsPayment(PortalError):
    """More than what is left of the payment, counting what is promised back already."""

    code = "refund_exceeds_payment"
    sentence = "{amount} is more than can still be given back: {refundable} is left."


class RefundNotPossible(PortalError):
    """The payment is not paid, too old, or its acquirer's id is unknown."""

    code = "refund_not_possible"
    sentence = "This payment cannot be refunded: {why}."


class CancelNotPossible(PortalError):
    """The payment is not in a state, or not in the time, to be cancelled."""

    code = "cancel_not_possible"
    sentence = "This payment cannot be cancelled: {why}."


class NeedsMerchant(PortalError):
    """A buyer wants money back: that is the merchant's to give."""

    code = "needs_merchant"
    sentence = "Order {number} is paid. Ask the merchant to give the money back."


class OrderOfSubscription(PortalError):
    """A buyer wants to withdraw what a subscription charges: only the merchant forgives that."""

    code = "order_of_subscription"
    sentence = "Order {number} is a charge of a subscription. Cancel the subscription, or ask the merchant."


class SubscriptionNotPossible(PortalError):
    """What is wanted of a subscription is not possible in its present state."""

    code = "subscription_not_possible"
    sentence = "This is not possible with subscription {number}: {why}."


class PlanNotOffered(InvalidInput):
    """There is no such plan, or it may not be started any more."""

    code = "plan_not_offered"
    sentence = "The plan {plan} is not offered."


class AmountAboveAgreed(InvalidInput):
    """More than the buyer agreed to be charged in one cycle."""

    code = "amount_above_agreed"
    sentence = "{amount} is more than the buyer agreed to: at most {most} in one cycle."


class NoSuchDueDate(InvalidInput):
    """The subscription has no cycle on that day that could still be named."""

    code = "no_such_due_date"
    sentence = "{day} is no due date that can still be changed; the next one is {next_on}."


class DeclarationNotPossible(PortalError):
    """The payment is none that customs can be told of now, or was told of already."""

    code = "declaration_not_possible"
    sentence = "This payment cannot be declared to customs: {why}."


class DeclarationExceedsPayment(PortalError):
    """More than is left of the payment, counting what is declared or promised already."""

    code = "declaration_exceeds_payment"
    sentence = "{amount} is more than can still be declared: {declarable} is left."


class AmendmentNotPossible(PortalError):
    """The documented conditions for transmitting a declaration again are not met."""

    code = "amendment_not_possible"
    sentence = "This declaration cannot be transmitted again: {why}."
