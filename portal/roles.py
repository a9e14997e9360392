"""The roles of the desk: what each kind of person may see and do.

Roles are groups, so that whoever looks after people hands them out in the desk. They are brought in line with this
table after every migration; a permission somebody added to one of them by hand is taken away again, so that the table
stays the truth, while groups of other names are nobody's business here.

Names of permissions, not imports: the ground knows the apps by name only.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

SUPPORT, OPERATOR, FINANCE = "Support", "Operator", "Finance"
AUDITOR, DEVELOPER, ADMINISTRATOR = "Auditor", "Developer", "Administrator"

_DESK = (
    "payments.view_order",
    "payments.view_payment",
    "payments.view_refund",
    "payments.view_cancel",
    "payments.view_product",
    "authorizations.view_buyer",
    "authorizations.view_walletaccount",
    "authorizations.view_authorization",
    "portal.view_incident",
)
"""What everybody at the desk sees: the trade itself, without what crossed the wire."""
_WIRE = ("portal.view_exchange", "portal.view_notification")
_BOOKS = (
    "reconciliation.view_reportfile",
    "reconciliation.view_batch",
    "reconciliation.view_settlementrow",
    "reconciliation.view_discrepancy",
)
_OPERATE = (
    "payments.act_ask",
    "payments.act_cancel",
    "payments.act_refund",
    "payments.act_give_back",
    "payments.act_withdraw",
    "authorizations.act_revoke",
    "portal.act_incident",
    "portal.act_try_again",
)

EVERYTHING = "*"
SEE_EVERYTHING = "view"

ROLES: dict[str, tuple[str, ...]] = {
    # Answers buyers: looks things up, asks the acquirer, ends a consent the buyer wants ended. Moves no money.
    SUPPORT: (*_DESK, "payments.act_ask", "payments.act_withdraw", "authorizations.act_revoke"),
    # Keeps the trade running: gives money back, deals with incidents and messages.
    OPERATOR: (*_DESK, *_WIRE, *_OPERATE, *_BOOKS, "payments.act_edit_product"),
    # Closes the books: imports reports, explains discrepancies, gives money back.
    FINANCE: (
        *_DESK,
        *_WIRE,
        *_BOOKS,
        "portal.view_journalentry",
        "payments.act_ask",
        "payments.act_refund",
        "payments.act_give_back",
        "reconciliation.*",
    ),
    # Sees everything, does nothing.
    AUDITOR: (SEE_EVERYTHING,),
    # Connects the shop's server and looks at the wire. Moves no money.
    DEVELOPER: (
        *_DESK,
        *_WIRE,
        "portal.view_acquireraccount",
        "portal.view_merchantkey",
        "portal.act_test_call",
        "portal.act_merchant_keys",
        "portal.act_try_again",
        "payments.act_ask",
    ),
    ADMINISTRATOR: (EVERYTHING,),
}
"""``app.codename``; ``app.*`` is every act of an app, ``view`` every page, ``*`` everything."""

_APPS = ("portal", "authorizations", "payments", "reconciliation", "auth")
_NOT_GIVEN = ("add", "change", "delete")
"""The stock permissions: the desk edits nothing, it acts. Only people are an exception."""


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
    for name, wishes in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        wanted = {key for permission, key in known.items() if _is_given(permission, wishes)}
        held = set(group.permissions.values_list("pk", flat=True))
        if wanted != held:
            group.permissions.set(wanted)


def _is_given(permission: str, wishes: tuple[str, ...]) -> bool:
    app_label, _, codename = permission.partition(".")
    verb = codename.partition("_")[0]
    if permission in wishes:
        return True
    if EVERYTHING in wishes:
        return verb not in _NOT_GIVEN or permission in {"auth.add_user", "auth.change_user"}
    if SEE_EVERYTHING in wishes and verb == "view":
        return True
    return f"{app_label}.*" in wishes and verb not in _NOT_GIVEN
