"""What the ground keeps: with whom we speak, what crossed the wire, and the records about people's acts."""

from portal.models.accounts import AcquirerAccount, AcquirerKey, MerchantKey
from portal.models.due import Due
from portal.models.records import ActorFields, IdempotencyKey, Incident, JournalEntry
from portal.models.stateful import Change, Stateful
from portal.models.wire import Exchange, Notification, NotificationStatus

__all__ = [
    "AcquirerAccount",
    "AcquirerKey",
    "ActorFields",
    "Change",
    "Due",
    "Exchange",
    "IdempotencyKey",
    "Incident",
    "JournalEntry",
    "MerchantKey",
    "Notification",
    "NotificationStatus",
    "Stateful",
]
