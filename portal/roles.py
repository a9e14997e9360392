"""The roles of the desk: what each kind of person may see and do.

Roles are groups, so that whoever looks after people hands them out in the desk. They are brought in line with this
table after every migration; a permission somebody added to one of them by hand is taken away again, so that the table
stays the truth, while groups of other names are nobody's business here. README shows the same table, drawn from it.

Whoever looks after people moves no money, and nobody who moves money looks after people: whoever needs both is given
both roles, by somebody, and the journal says so. How much one person moves, alone and in a day, say the rules of
``portal.approvals``; above that, and for whoever may only ask, a second person decides.

Names of permissions, not imports: the ground knows the apps by name only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

SUPPORT, OPERATOR, FINANCE = "Support", "Operator", "Finance"
AUDITOR, DEVELOPER, ADMINISTRATOR = "Auditor", "Developer", "Administrator"

PURPOSES = {
    SUPPORT: "Answers buyers: looks things up, asks the acquirer, ends a consent, asks for refunds.",
    OPERATOR: "Keeps the trade running: gives money back, deals with incidents and messages.",
    FINANCE: "Closes the books: imports reports, explains discrepancies, approves what others ask for.",
    AUDITOR: "Sees everything, does nothing.",
    DEVELOPER: "Connects the shop's server and looks at the wire.",
    ADMINISTRATOR: "Looks after people, accounts and settings. Moves no money.",
}
"""The roles, in the order of the table's columns, and what each is for."""


class Weight(Enum):
    """What an act is worth to a thief."""

    PLAIN = ""
    POWER = "lets others move money"
    MONEY = "moves money"


PLAIN, POWER, MONEY = Weight.PLAIN, Weight.POWER, Weight.MONEY


@dataclass(frozen=True)
class Right:
    """One line of the table: a permission, in words, and the roles that hold it, a letter for each of the six.

    ``?`` stands for a role that may ask, and a second person decides, always (``portal.approvals``).
    """

    permission: str
    words: str
    who: str
    weight: Weight = PLAIN

    @property
    def roles(self) -> frozenset[str]:
        """The roles that hold it."""
        return frozenset(role for role, mark in zip(PURPOSES, self.who.split(), strict=True) if mark != "·")

    @property
    def askers(self) -> frozenset[str]:
        """The roles that hold it only to ask."""
        return frozenset(role for role, mark in zip(PURPOSES, self.who.split(), strict=True) if mark == "?")

    @property
    def is_view(self) -> bool:
        """Whether it lets somebody see a kind of things, and no more."""
        return self.permission.partition(".")[2].startswith("view_")


# fmt: off
RIGHTS: tuple[Right, ...] = (
    #     permission                              in words                                     Support … Administrator
    Right("payments.view_order",                  "orders",                                    "S O F A D M"),
    Right("payments.view_payment",                "payments",                                  "S O F A D M"),
    Right("payments.view_refund",                 "refunds",                                   "S O F A D M"),
    Right("payments.view_cancel",                 "cancels",                                   "S O F A D M"),
    Right("payments.view_product",                "products",                                  "S O F A D M"),
    Right("payments.view_plan",                   "plans",                                     "S O F A D M"),
    Right("payments.view_subscription",           "subscriptions",                             "S O F A D M"),
    Right("payments.view_declaration",            "customs declarations",                      "S O F A D M"),
    Right("authorizations.view_buyer",            "buyers",                                    "S O F A D M"),
    Right("authorizations.view_walletaccount",    "wallet accounts",                           "S O F A D M"),
    Right("authorizations.view_consent",          "consents",                                  "S O F A D M"),
    Right("authorizations.view_authorization",    "authorizations",                            "S O F A D M"),
    Right("portal.view_incident",                 "incidents",                                 "S O F A D M"),
    Right("portal.view_approval",                 "requests for approval",                     "S O F A D M"),
    Right("portal.view_paymentmethod",            "payment methods",                           "S O F A D M"),
    Right("payments.view_bulkrefund",             "bulk refunds",                              "· O F A · ·"),
    Right("payments.view_retrypolicy",            "retry policies",                            "· O F A · M"),
    Right("payments.view_customsrule",            "customs rules",                             "· O F A · M"),
    Right("portal.view_exchange",                 "exchanges",                                 "· O F A D ·"),
    Right("portal.view_notification",             "notifications",                             "· O F A D ·"),
    Right("portal.view_webhookevent",             "webhook events",                            "· O F A D ·"),
    Right("portal.view_webhookdelivery",          "webhook deliveries",                        "· O F A D ·"),
    Right("portal.view_webhookendpoint",          "webhook endpoints",                         "· O F A D M"),
    Right("reconciliation.view_reportfile",       "settlement files",                          "· O F A · ·"),
    Right("reconciliation.view_batch",            "batches",                                   "· O F A · ·"),
    Right("reconciliation.view_settlementrow",    "settlement rows",                           "· O F A · ·"),
    Right("reconciliation.view_discrepancy",      "discrepancies",                             "· O F A · ·"),
    Right("reconciliation.view_bulkdecision",     "bulk decisions",                            "· O F A · ·"),
    Right("reconciliation.view_bulkdecisionline", "their lines",                               "· O F A · ·"),
    Right("reconciliation.view_bankcredit",       "bank credits",                              "· O F A · ·"),
    Right("reconciliation.view_period",           "accounting months",                         "· O F A · ·"),
    Right("reconciliation.view_feecontract",      "fee contracts",                             "· O F A · ·"),
    Right("reconciliation.view_settlementcalendar", "settlement calendars",                    "· O F A · ·"),
    Right("reconciliation.view_reportsource",     "report sources",                            "· O F A D M"),
    Right("reconciliation.view_sourcefile",       "fetched files",                             "· O F A D M"),
    Right("portal.view_acquireraccount",          "acquirer accounts and public keys",         "· · · A D M"),
    Right("portal.view_merchantkey",              "merchant keys",                             "· · · A D M"),
    Right("portal.view_journalentry",             "the journal",                               "· · F A · M"),
    Right("auth.view_user",                       "people",                                    "· · · A · M"),
    Right("portal.view_signin",                   "sign-ins",                                  "· · · A · M"),
    Right("portal.view_approvalrule",             "approval rules",                            "· · F A · M"),
    Right("portal.view_deputy",                   "deputies",                                  "· · F A · M"),
    Right("payments.act_ask",                     "ask the acquirer",                          "S O F · D ·"),
    Right("payments.act_cancel",                  "cancel payments",                           "· O · · · ·", MONEY),
    Right("payments.act_refund",                  "refund payments",                           "? O F · · ·", MONEY),
    Right("payments.act_give_back",               "give money back, by cancel or refund",      "? O F · · ·", MONEY),
    Right("payments.act_bulk_refund",             "refund many payments at once",              "· O F · · ·", MONEY),
    Right("payments.act_withdraw",                "withdraw unpaid orders",                    "S O · · · ·"),
    Right("payments.act_edit_product",            "add and edit products and prices",          "· O · · · M"),
    Right("payments.act_edit_plan",               "add plans, withdraw them",                  "· O · · · M"),
    Right("payments.act_subscription",            "pause, resume, skip, change, cancel subscriptions", "S O · · · ·"),
    Right("payments.act_charge_cycle",            "charge an unpaid cycle again",              "· O · · · ·", MONEY),
    Right("payments.act_retry_policy",            "ask for other retry policies",              "· O F · · ·"),
    Right("payments.act_declare",                 "declare payments to customs",               "· O · · · ·"),
    Right("payments.act_amend_declaration",       "amend declarations, transmit them again",   "· O · · · ·"),
    Right("payments.act_customs_rule",            "set what is declared to customs by itself", "· O · · · M"),
    Right("payments.act_reveal_certificate",      "reveal the buyer's certificate of a declaration", "· O · A · ·"),
    Right("authorizations.act_revoke",            "revoke wallets",                            "S O · · · ·"),
    Right("portal.act_incident",                  "take and close incidents",                  "· O · · · ·"),
    Right("portal.act_try_again",                 "try notifications again",                   "· O · · D ·"),
    Right("portal.act_webhook_ping",              "ping webhook endpoints",                    "· O · · D M"),
    Right("portal.act_webhook_resend",            "resend webhooks, let them go",              "· O · · D ·"),
    Right("portal.act_webhook_endpoints",         "add and change webhook endpoints",          "· · · · D M"),
    Right("reconciliation.act_import_report",     "import settlement files",                   "· · F · · ·"),
    Right("reconciliation.act_discard_report",    "discard tried settlement files",            "· · F · · ·"),
    Right("reconciliation.act_undo_report",       "undo the import of a file",                 "· · F · · ·"),
    Right("reconciliation.act_take_discrepancy",  "take, assign and check discrepancies",      "· · F · · ·"),
    Right("reconciliation.act_close_discrepancy", "close discrepancies, open them again",      "· · F · · ·"),
    Right("reconciliation.act_write_off_discrepancy", "write discrepancies off",               "· · F · · ·"),
    Right("reconciliation.act_match_discrepancy", "match settlement rows by hand, unmatch",    "· · F · · ·"),
    Right("reconciliation.act_decide_by_sheet",   "decide discrepancies by a spreadsheet",     "· · F · · ·"),
    Right("reconciliation.act_raise_discrepancy", "raise discrepancies to the acquirer",       "· · F · · ·"),
    Right("reconciliation.act_enter_bank_credit", "enter bank credits by hand",                "· · F · · ·"),
    Right("reconciliation.act_import_statement",  "import bank statements",                    "· · F · · ·"),
    Right("reconciliation.act_match_bank_credit", "match bank credits, set them aside",        "· · F · · ·"),
    Right("reconciliation.act_name_bank_difference", "name the cause of a difference at the bank", "· · F · · ·"),
    Right("reconciliation.act_lock_period",       "close accounting months",                   "· · F · · ·"),
    Right("reconciliation.act_fee_contract",      "set what payments cost by contract",        "· · F · · ·"),
    Right("reconciliation.act_settlement_calendar", "say on which days the acquirer settles",  "· · F · · ·"),
    Right("reconciliation.act_look_at_source",    "fetch reports now, test their source",      "· · F · D M"),
    Right("reconciliation.act_edit_source",       "say where reports are fetched from",        "· · · · · M"),
    Right("portal.act_payment_method",            "ask for other payment methods and limits",  "· O · · · M"),
    Right("portal.act_test_call",                 "make a signed test call",                   "· · · · D M"),
    Right("portal.act_merchant_keys",             "make and revoke merchant keys",             "· · · · D M", POWER),
    Right("portal.act_connect",                   "connect acquirer accounts, exchange keys",  "· · · · · M", POWER),
    Right("portal.act_decide",                    "approve and decline what others ask for",   "· · F · · M", POWER),
    Right("portal.act_break_glass",               "act without approval, reviewed afterwards", "· · F · · M", POWER),
    Right("portal.act_deputy",                    "name a deputy",                             "· · F · · M", POWER),
    Right("portal.act_rules",                     "ask for other approval rules",              "· · · · · M", POWER),
    Right("portal.act_export",                    "take lists away as files, masked",          "· O F A · M"),
    Right("portal.act_export_personal",           "take personal data away, unmasked",         "· · · A · ·"),
    Right("portal.act_reveal_originals",          "take messages as they crossed the wire",    "· · · A · ·", POWER),
    Right("portal.act_share_view",                "share saved views with everybody",          "· O F · · M"),
    Right("auth.add_user",                        "invite people",                             "· · · · · M", POWER),
    Right("auth.change_user",                     "change roles, shut out, let in again",      "· · · · · M", POWER),
)
# fmt: on

MOVES_MONEY = frozenset(right.permission for right in RIGHTS if right.weight is MONEY)
NEED_SECOND_FACTOR = frozenset(right.permission for right in RIGHTS if right.weight is not PLAIN)
"""What a stolen password must not be enough for: moving money, and letting others do so."""

_APPS = ("portal", "authorizations", "payments", "reconciliation", "auth")
_STOCK = ("add_", "change_", "delete_", "view_")
"""Django's own permissions. Of those, only what the table names is given: the desk edits nothing, it acts."""


def held_by(role: str) -> frozenset[str]:
    """The permissions of a role."""
    return frozenset(right.permission for right in RIGHTS if role in right.roles)


def install(**kwargs: Any) -> None:
    """Bring the role groups in line with the table. Safe to repeat; called after every migration.

    Where the people's tables are not there (yet, or any more), there is nothing to bring in line.
    """
    state = kwargs.get("apps")
    if state is not None and ("auth", "group") not in {
        (model._meta.app_label, model._meta.model_name) for model in state.get_models()
    }:
        return
    for app_label in _APPS:
        create_permissions(apps.get_app_config(app_label), verbosity=0)
    known = {
        f"{app_label}.{codename}": key
        for key, app_label, codename in Permission.objects.filter(content_type__app_label__in=_APPS).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for role in PURPOSES:
        group, _ = Group.objects.get_or_create(name=role)
        wanted = {known[permission] for permission in held_by(role) if permission in known}
        held = set(group.permissions.values_list("pk", flat=True))
        if wanted != held:
            group.permissions.set(wanted)


def unlisted() -> list[str]:
    """Permissions the apps know and the table does not: somebody added an act."""
    listed = {right.permission for right in RIGHTS}
    return sorted(
        f"{app_label}.{codename}"
        for app_label, codename in Permission.objects.filter(content_type__app_label__in=_APPS).values_list(
            "content_type__app_label", "codename"
        )
        if f"{app_label}.{codename}" not in listed and not codename.startswith(_STOCK)
    )


def table() -> str:
    """The table as README shows it. Kinds of things that the same roles may see share a line."""
    head = ["May", *PURPOSES]
    lines = [head, ["---", *[":---:"] * len(PURPOSES)]]
    lines += [[words, *[_mark(role, right) for role in PURPOSES]] for words, right in _lines()]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def _mark(role: str, right: Right) -> str:
    return "asks" if role in right.askers else "✓" if role in right.roles else ""


def _lines() -> Iterator[tuple[str, Right]]:
    for _, group in groupby(RIGHTS, lambda right: right.who if right.is_view else right.permission):
        first, *others = group
        words = ", ".join(right.words for right in (first, *others))
        weight = f" ({first.weight.value})" if first.weight is not PLAIN else ""
        yield f"see {words}" if first.is_view else f"{words}{weight}", first
