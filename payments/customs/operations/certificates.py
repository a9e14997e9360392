"""The buyer's certificate: taken from the merchant, kept encrypted, shown by one journaled act."""

from django.db import transaction

from payments.customs.promising import Buyer
from payments.customs.states import CertificateKind
from payments.models import Declaration
from portal import journal
from portal.actor import Actor
from portal.errors import InvalidInput

_LONGEST_NUMBER = 64
"""``certificateNo`` is String 64."""
_LONGEST_NAME = 256


def certificate_given(kind: str, number: str, name: str) -> Buyer | None:
    """What was given, or None for nothing at all. Raises InvalidInput, in whose words none of it stands."""
    number, name = number.strip(), name.strip()
    if not (number or name):
        return None
    if kind not in CertificateKind.values:
        raise InvalidInput(field="certificate", problem="choose the kind of the certificate.")
    if not number or not name:
        raise InvalidInput(field="certificate", problem="give both its number and the full name on it.")
    if len(number) > _LONGEST_NUMBER or len(name) > _LONGEST_NAME:
        raise InvalidInput(field="certificate", problem="its number has at most 64 characters, the name 256.")
    return Buyer(kind, number, name)


def reveal(declaration: Declaration, *, by: Actor, reason_code: str, note: str = "") -> Buyer:
    """The certificate, for a person who says why; the journal knows of it before they do.

    Raises InvalidInput where there is none.
    """
    if not declaration.certificate_kind:
        raise InvalidInput(field="certificate", problem="none was given for this declaration.")
    with transaction.atomic(durable=True):
        journal.write("see buyer's certificate", by=by, subject=declaration, reason_code=reason_code, note=note)
    held = Declaration.objects.only("certificate_kind", "certificate_number", "certificate_name").get(pk=declaration.pk)
    return Buyer(held.certificate_kind, held.certificate_number, held.certificate_name)
