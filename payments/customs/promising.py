"""Writing down that something will be declared, with its amount reserved on the payment. Inside a transaction."""

from dataclasses import dataclass, field

from django.db.models import F

from payments.customs.states import CustomsOffice, RuleScope
from payments.models import Contents, CustomsRule, Declaration, Order, Payment
from portal import clock
from portal.actor import Actor
from portal.gateways import adapter_of
from portal.money import Money

WALLET, CURRENCY, REGION = "ALIPAY_CN", "CNY", "CN"
"""Who can be declared: payments by Alipay in its own currency. https://docs.antom.com/ac/ams/declare"""


@dataclass(frozen=True)
class Buyer:
    """The buyer's certificate. Its number and name are never shown, not even by ``repr``."""

    kind: str
    number: str = field(repr=False)
    name: str = field(repr=False)


def is_for_customs(payment: Payment) -> bool:
    """Whether a payment through this wallet and account can be declared at all."""
    return payment.wallet_account.wallet == WALLET and adapter_of(payment.account).capabilities.can_declare_customs


def reserve(payment: Payment, amount: Money) -> bool:
    """Take an amount of what may be declared; False when so much is not left. Whoever calls holds the payment."""
    most = payment.declared_value + payment.declarable.value
    taken = Payment.objects.filter(pk=payment.pk, declared_value__lte=most - amount.value).update(
        declared_value=F("declared_value") + amount.value
    )
    if taken:
        payment.declared_value += amount.value
    return bool(taken)


def release(payment: Payment, amount: Money) -> None:
    """Give an amount back: it is certainly not declared."""
    Payment.objects.filter(pk=payment.pk).update(declared_value=F("declared_value") - amount.value)
    payment.declared_value -= amount.value


def promise(
    payment: Payment, contents: Contents, office: str, *, by: Actor, is_split: bool = False
) -> Declaration | None:
    """Make the row, due at once, and reserve its amount; None when so much is not left of the payment."""
    if not reserve(payment, contents.amount):
        return None
    promised = Declaration(
        payment=payment,
        account=payment.account,
        declaration_request_id=clock.fresh_id("D"),
        amount_value=contents.amount.value,
        currency=contents.amount.currency,
        customs_code=office,
        merchant_customs_code=contents.merchant_customs_code,
        merchant_customs_name=contents.merchant_customs_name,
        is_split=is_split,
        suborder_id=contents.suborder_id,
        certificate_kind=contents.certificate_kind,
        certificate_number=contents.certificate_number,
        certificate_name=contents.certificate_name,
        due_at=clock.now(),
    )
    promised.by(by)
    promised.save()
    return promised


def promise_by_rule(payment: Payment) -> None:
    """Declare all of a payment that has just succeeded, where its account has a rule that covers its order."""
    if not is_for_customs(payment):
        return
    rule = CustomsRule.objects.filter(account_id=payment.wallet_account.account_id, is_active=True).first()
    if rule is None or not covers(rule, payment.order) or not payment.declarable.value:
        return
    contents = Contents(payment.declarable, rule.merchant_customs_code, rule.merchant_customs_name)
    promise(payment, contents, CustomsOffice(rule.customs_code), by=Actor.clock())


def covers(rule: CustomsRule, order: Order) -> bool:
    """Whether a rule declares this order by itself."""
    match RuleScope(rule.scope):
        case RuleScope.EVERYTHING:
            return True
        case RuleScope.GOODS:
            return any(not line.is_digital for line in order.lines())
        case RuleScope.PRODUCTS:
            return any(line.reference in rule.skus for line in order.lines())
