"""What the doors of customs take."""

from typing import Any

from rest_framework import serializers

from payments.customs.states import CertificateKind, CustomsOffice
from portal.api.fields import AmountGiven, Choice, Strict, Text


class CertificateGiven(Strict):
    """The buyer's papers. Kept encrypted; no answer shows them."""

    kind = Choice(choices=CertificateKind.values, help_text="Usually ID_CARD.")
    number = Text(max_length=64, help_text="As it is printed.")
    name = Text(max_length=256, help_text="The full name on it.")


class DeclarationGiven(Strict):
    """What customs is told. Office and names may be left out where the account has a customs rule."""

    amount = AmountGiven(required=False, help_text="Left out: all that can still be declared.")
    customs_code = Choice(choices=CustomsOffice.values, required=False, help_text="The customs office.")
    merchant_customs_code = Text(max_length=64, required=False, help_text="Yours, as registered with that office.")
    merchant_customs_name = Text(max_length=128, required=False, help_text="Yours, as registered with that office.")
    suborder = Text(max_length=64, required=False, help_text="Your id of a part of the order: it is declared in parts.")
    certificate = CertificateGiven(required=False, help_text="Recommended: else you answer for buyer and payer.")

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        names = ["customs_code", "merchant_customs_code", "merchant_customs_name"]
        return {**described, "dependentRequired": {name: [n for n in names if n != name] for name in names}}

    def validate(self, attrs: Any) -> Any:
        names = {"customs_code", "merchant_customs_code", "merchant_customs_name"}
        missing = names - set(attrs)
        if missing and missing != names:
            raise serializers.ValidationError({name: ["Give all three, or none."] for name in missing}, "required")
        return attrs
