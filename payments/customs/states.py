"""The states of a declaration, as a table, and the protocol's words about customs."""

from enum import StrEnum

from django.db.models import TextChoices

from portal.machine import Machine


class DeclarationStatus(TextChoices):
    """One ``declarationRequestId``. The amount is reserved from the first moment until it is not declared."""

    INITIATED = "INITIATED", "To be sent"
    PROCESSING = "PROCESSING", "Unknown"
    DECLARED = "DECLARED", "At customs"
    AMENDING = "AMENDING", "Amendment unknown"
    ACCEPTED = "ACCEPTED", "Accepted by customs"
    REFUSED = "REFUSED", "Refused by customs"
    FAILED = "FAILED", "Not declared"


class DeclarationEvent(StrEnum):
    """What happens to a declaration."""

    SENT = "declaration sent"
    TAKEN = "declaration taken"
    TURNED_DOWN = "declaration turned down"
    AMENDED = "declaration amended"
    AMENDMENT_REFUSED = "amendment refused"
    CUSTOMS_ACCEPTED = "accepted by customs"
    CUSTOMS_REFUSED = "refused by customs"


S, E = DeclarationStatus, DeclarationEvent
# fmt: off
DECLARATION: Machine[DeclarationStatus, DeclarationEvent] = Machine(
    # from          on                      to
    (S.INITIATED,   E.SENT,                 S.PROCESSING),  # declarationRequestId was on disk before
    (S.PROCESSING,  E.TAKEN,                S.DECLARED),    # resultStatus S, or the acquirer knows of it
    (S.PROCESSING,  E.TURNED_DOWN,          S.FAILED),      # resultStatus F of the first sending
    (S.DECLARED,    E.CUSTOMS_ACCEPTED,     S.ACCEPTED),
    (S.DECLARED,    E.CUSTOMS_REFUSED,      S.REFUSED),
    (S.REFUSED,     E.CUSTOMS_ACCEPTED,     S.ACCEPTED),    # customs thought again
    (S.DECLARED,    E.AMENDED,              S.AMENDING),
    (S.REFUSED,     E.AMENDED,              S.AMENDING),
    (S.ACCEPTED,    E.AMENDED,              S.AMENDING),    # what was accepted was wrong, or was lost
    (S.AMENDING,    E.TAKEN,                S.DECLARED),
    (S.AMENDING,    E.AMENDMENT_REFUSED,    S.DECLARED),    # what was declared before stands
)
# fmt: on

ON_ITS_WAY = (S.INITIATED, S.PROCESSING, S.DECLARED, S.AMENDING)
"""What has no last word yet."""
AMENDABLE = (S.DECLARED, S.REFUSED, S.ACCEPTED)
"""The documented conditions are about time and fields; what customs has said is none of them."""


class CustomsOffice(TextChoices):
    """``customs.customsCode``, as the page of declare lists them."""

    ZONGSHU = "ZONGSHU", "General Administration (also Tianjin, Guangzhou, Hangzhou)"
    ZHENGZHOU = "ZHENGZHOU", "Henan bonded logistics centre"
    NINGBO = "NINGBO", "Ningbo"
    HENAN = "HENAN", "Xinzheng bonded zone (airport)"
    SHANGHAI_CBT = "SHANGHAI_CBT", "Shanghai"


class CertificateKind(TextChoices):
    """``certificateType``. The page names the identity card; the others are the published SDK's."""

    ID_CARD = "ID_CARD", "Identity card"
    PASSPORT = "PASSPORT", "Passport"
    DRIVING_LICENSE = "DRIVING_LICENSE", "Driving licence"
    ENTERPRISE_REGISTRATION = "ENTERPRISE_REGISTRATION", "Registration of a company"


class RuleScope(TextChoices):
    """Which paid orders a rule declares."""

    EVERYTHING = "EVERYTHING", "Every order"
    GOODS = "GOODS", "Orders with goods that are sent"
    PRODUCTS = "PRODUCTS", "Orders with one of these products"


IDENTITY_WORDS = {
    "CHECK_PASSED": "The buyer is the payer.",
    "CHECK_NOT_PASSED": "The certificate is not the payer’s. Give the right one and transmit again.",
}
"""``identityCheckResult``."""
CHANNEL_WORDS = {
    "CUP": "China UnionPay",
    "NUCC": "NetsUnion Clearing",
    "OTHER": "Another clearing house",
}
"""``clearingChannel``."""
