"""The verbs of recurring charges. Only here are transactions opened; only ``charging`` and ``charging_many`` pay."""

from payments.subscriptions.operations.amounts import post_amount
from payments.subscriptions.operations.billing import open_cycles
from payments.subscriptions.operations.changing import cancel, change_plan, change_wallet, pause, resume, skip
from payments.subscriptions.operations.charging import pay_by_hand, try_again, work_cycle
from payments.subscriptions.operations.charging_many import charge_many
from payments.subscriptions.operations.plans import add_plan, edit_plan
from payments.subscriptions.operations.policies import install_policies, set_policy
from payments.subscriptions.operations.starting import start

__all__ = [
    "add_plan",
    "cancel",
    "change_plan",
    "change_wallet",
    "charge_many",
    "edit_plan",
    "install_policies",
    "open_cycles",
    "pause",
    "pay_by_hand",
    "post_amount",
    "resume",
    "set_policy",
    "skip",
    "start",
    "try_again",
    "work_cycle",
]
