"""What is declared to customs, and by which rule; said in SQL where it can be said. Amounts are in minor units."""

from dataclasses import dataclass

from django.db import models
from django.db.models import Q

from payments.customs.states import DECLARATION, CertificateKind, CustomsOffice, DeclarationStatus, RuleScope
from payments.models.paying import Payment
from portal import clock
from portal.encryption import EncryptedTextField
from portal.models import AcquirerAccount, ActorFields, Change, Due, Stateful
from portal.money import Money


class CustomsRule(models.Model):
    """What of an account is declared by itself once it is paid, and as whom. One for each account."""

    account = models.OneToOneField(AcquirerAccount, models.PROTECT, related_name="customs_rule")
    customs_code = models.CharField(max_length=32, choices=CustomsOffice.choices)
    merchant_customs_code = models.CharField(max_length=64)
    """``merchantCustomsCode`` and ``merchantCustomsName``: as they are registered with this customs office."""
    merchant_customs_name = models.CharField(max_length=128)
    scope = models.CharField(max_length=16, choices=RuleScope.choices, default=RuleScope.GOODS)
    skus = models.JSONField(default=list, blank=True)
    """Of scope PRODUCTS: an order with one of them is declared."""
    is_active = models.BooleanField(default=True)
    """Off: nothing is declared by itself; declarations by hand still take its office and names."""
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("pk",)
        permissions = [("act_customs_rule", "Can set what is declared to customs by itself")]
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=RuleScope.values), name="customs_scope_known"),
            models.CheckConstraint(condition=Q(customs_code__in=CustomsOffice.values), name="customs_office_known"),
        ]

    def __str__(self) -> str:
        return f"customs rule of {self.account}"


@dataclass(frozen=True)
class Contents:
    """What may change when a declaration is transmitted again; what a person sees compared."""

    amount: Money
    merchant_customs_code: str
    merchant_customs_name: str
    suborder_id: str = ""
    certificate_kind: str = ""
    certificate_number: str = ""
    certificate_name: str = ""


class Declaration(Stateful, Due, ActorFields):
    """One ``declarationRequestId``: a part of a payment, or all of it, declared to one customs office."""

    machine = DECLARATION
    settled = ("payment",)

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="declarations")
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="declarations")
    declaration_request_id = models.CharField(max_length=32, unique=True)
    status = models.CharField(max_length=16, choices=DeclarationStatus.choices, default=DeclarationStatus.INITIATED)
    amount_value = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    customs_code = models.CharField(max_length=32, choices=CustomsOffice.choices)
    merchant_customs_code = models.CharField(max_length=64)
    merchant_customs_name = models.CharField(max_length=128)
    is_split = models.BooleanField(default=False)
    suborder_id = models.CharField(max_length=64, blank=True)
    certificate_kind = models.CharField(max_length=32, blank=True, choices=CertificateKind.choices)
    certificate_number = EncryptedTextField(blank=True)
    certificate_name = EncryptedTextField(blank=True)
    former = EncryptedTextField(blank=True)
    """The contents before an amendment whose answer is not known, as JSON: if it is refused, they stand."""
    times_sent = models.PositiveIntegerField(default=0)
    """Of these contents: an amendment counts anew."""
    may_have_arrived = models.BooleanField(default=True)
    times_denied = models.PositiveIntegerField(default=0)
    """"Not found" answers in a row; enough of them mean that it never arrived, or was lost."""
    asked_under = models.CharField(max_length=64, blank=True)
    """What the exchange of the newest question is kept under: ten declarations share one."""
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=256, blank=True)
    customs_payment_id = models.CharField(max_length=64, blank=True, db_index=True)
    customs_order_id = models.CharField(max_length=64, blank=True, db_index=True)
    identity_check = models.CharField(max_length=32, blank=True)
    clearing_channel = models.CharField(max_length=32, blank=True)
    clearing_transaction_id = models.CharField(max_length=64, blank=True)
    provider_registration_id = models.CharField(max_length=64, blank=True)
    status_text = models.CharField(max_length=64, blank=True)
    """``declarationRequestStatus``, as the acquirer says it."""
    customs_result_code = models.CharField(max_length=64, blank=True)
    customs_result = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    """The newest call: five minutes later it may be transmitted again."""
    amended_at = models.DateTimeField(null=True, blank=True)
    """What customs said before this moment, it said of other contents."""
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        permissions = [
            ("act_declare", "Can declare payments to customs"),
            ("act_amend_declaration", "Can amend declarations and transmit them again"),
            ("act_reveal_certificate", "Can see the buyer's certificate of a declaration"),
        ]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="declaration_newest"),
            models.Index(fields=("status", "-created_at"), name="declaration_by_status"),
        ]
        constraints = [
            # https://docs.antom.com/ac/ams/declare, DUPLICATED_DECLARATIONS: one order, once per customs.
            models.UniqueConstraint(
                fields=("payment", "customs_code", "suborder_id"),
                condition=~Q(status=DeclarationStatus.FAILED),
                name="declared_once",
            ),
            models.CheckConstraint(condition=Q(amount_value__gt=0), name="declaration_above_zero"),
            models.CheckConstraint(condition=Q(status__in=DeclarationStatus.values), name="declaration_status_known"),
            models.CheckConstraint(
                condition=Q(is_split=False, suborder_id="") | (Q(is_split=True) & ~Q(suborder_id="")),
                name="split_declaration_names_suborder",
            ),
        ]

    def __str__(self) -> str:
        return self.declaration_request_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_value, self.currency)

    @property
    def contents(self) -> Contents:
        """What may change. Holds the certificate."""
        return Contents(
            amount=self.amount,
            merchant_customs_code=self.merchant_customs_code,
            merchant_customs_name=self.merchant_customs_name,
            suborder_id=self.suborder_id,
            certificate_kind=self.certificate_kind,
            certificate_number=self.certificate_number,
            certificate_name=self.certificate_name,
        )


class DeclarationChange(Change):
    """A move of a declaration."""

    declaration = models.ForeignKey(Declaration, models.CASCADE, related_name="changes")


CERTIFICATE = ("certificate_number", "certificate_name", "former")
"""Columns that lists and pages leave encrypted."""
