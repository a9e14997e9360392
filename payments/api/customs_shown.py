"""What the doors of customs answer. Of the buyer's certificate only whether there is one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from payments.customs.states import CustomsOffice, DeclarationStatus
from payments.models import Declaration
from portal.api.fields import Amount, Moment, Reason
from portal.api.fields import shown as as_shown
from portal.gateways import meaning_of

PENDING = "PENDING"
_STATUS = {
    DeclarationStatus.INITIATED: PENDING,
    DeclarationStatus.PROCESSING: PENDING,
    DeclarationStatus.AMENDING: PENDING,
    DeclarationStatus.DECLARED: "AT_CUSTOMS",
    DeclarationStatus.ACCEPTED: "ACCEPTED",
    DeclarationStatus.REFUSED: "REFUSED",
    DeclarationStatus.FAILED: "FAILED",
}
STATUS_WORDS = list(dict.fromkeys(_STATUS.values()))


@extend_schema_serializer(component_name="Declaration")
class DeclarationShown(serializers.Serializer[Declaration]):
    """A part of a paid order, or all of it, as it is declared to a customs office."""

    id = serializers.CharField(source="declaration_request_id")
    order = serializers.CharField(source="payment.order.number")
    status = serializers.SerializerMethodField(help_text="FAILED: customs never heard of it; REFUSED: customs did.")
    reason = serializers.SerializerMethodField(help_text="Null unless it was refused.")
    amount = Amount()
    customs_code = serializers.ChoiceField(choices=CustomsOffice.values)
    merchant_customs_code = serializers.CharField()
    merchant_customs_name = serializers.CharField()
    suborder = serializers.CharField(source="suborder_id", help_text="Empty where the order is declared whole.")
    has_certificate = serializers.SerializerMethodField()
    identity_check = serializers.CharField(help_text="CHECK_PASSED or CHECK_NOT_PASSED; empty when not checked.")
    customs_payment_id = serializers.CharField(help_text="The payment's id at customs.")
    customs_order_id = serializers.CharField(help_text="The order's id at customs.")
    created_at = Moment()
    finished_at = Moment(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=STATUS_WORDS))
    def get_status(self, declaration: Declaration) -> str:
        """In the API's words."""
        return _STATUS[DeclarationStatus(declaration.status)]

    @extend_schema_field(Reason(allow_null=True))
    def get_reason(self, declaration: Declaration) -> dict[str, Any] | None:
        """Why it was refused."""
        if declaration.status == DeclarationStatus.REFUSED:
            text = declaration.customs_result or "Customs gave no reason."
            return as_shown(Reason, {"code": declaration.customs_result_code, "text": text})
        if declaration.status == DeclarationStatus.FAILED:
            meaning = meaning_of(declaration.account, declaration.result_code, "declare")
            return as_shown(Reason, {"code": declaration.result_code, "text": meaning.meaning})
        return None

    def get_has_certificate(self, declaration: Declaration) -> bool:
        """Whether the buyer's papers were given."""
        return bool(declaration.certificate_kind)
