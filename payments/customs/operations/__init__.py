"""The verbs of customs: declare, send, ask, amend, reveal; and what is declared by itself."""

from payments.customs.operations.amending import CHANGEABLE, amend, differences, may_amend_from, why_not_amend
from payments.customs.operations.asking import ask, ask_together
from payments.customs.operations.certificates import certificate_given, reveal
from payments.customs.operations.declaring import declare, why_not_declare
from payments.customs.operations.rules import set_rule
from payments.customs.operations.sending import UNANSWERED, send

__all__ = [
    "CHANGEABLE",
    "UNANSWERED",
    "amend",
    "ask",
    "ask_together",
    "certificate_given",
    "declare",
    "differences",
    "may_amend_from",
    "reveal",
    "send",
    "set_rule",
    "why_not_amend",
    "why_not_declare",
]
