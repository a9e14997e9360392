"""What the ground keeps: with whom we speak, what crossed the wire, and the records about people's acts."""

from portal.models.accounts import AcquirerAccount, AcquirerKey, BindingPlace, MerchantKey, name_where_several
from portal.models.approvals import (
    APPROVAL,
    Approval,
    ApprovalChange,
    ApprovalEvent,
    ApprovalRule,
    ApprovalStatus,
    DayTotal,
    Deputy,
)
from portal.models.due import Due
from portal.models.journal import JournalDay, JournalEntry
from portal.models.lists import ListView
from portal.models.methods import PaymentMethod
from portal.models.news import NewsTold, NewsWish, Wish
from portal.models.records import ActorFields, IdempotencyKey, Incident
from portal.models.sign_ins import SignIn, SignInEnd, SignInOutcome
from portal.models.stateful import Change, Move, Stateful
from portal.models.tongues import Tongue
from portal.models.webhooks import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.models.wire import Exchange, Notification, NotificationStatus

__all__ = [
    "APPROVAL",
    "AcquirerAccount",
    "AcquirerKey",
    "ActorFields",
    "Approval",
    "ApprovalChange",
    "ApprovalEvent",
    "ApprovalRule",
    "ApprovalStatus",
    "BindingPlace",
    "Change",
    "DayTotal",
    "DeliveryState",
    "Deputy",
    "Due",
    "EndpointState",
    "Exchange",
    "IdempotencyKey",
    "Incident",
    "JournalDay",
    "JournalEntry",
    "ListView",
    "MerchantKey",
    "Move",
    "NewsTold",
    "NewsWish",
    "Notification",
    "NotificationStatus",
    "PaymentMethod",
    "SignIn",
    "SignInEnd",
    "SignInOutcome",
    "Stateful",
    "Tongue",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "Wish",
    "name_where_several",
]
