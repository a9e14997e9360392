"""The state tables and their enums name the same statuses and events, and the tables are what README draws."""

import pytest

from authorizations import states as binding
from payments import states as paying
from payments.customs import states as customs
from payments.subscriptions import states as recurring
from portal.errors import TransitionNotAllowed
from portal.machine import Machine
from portal.models import APPROVAL, ApprovalEvent, ApprovalStatus

TABLES = [
    (paying.ORDER, paying.OrderStatus, paying.OrderEvent),
    (paying.PAYMENT, paying.PaymentStatus, paying.PaymentEvent),
    (paying.CANCEL, paying.CancelStatus, paying.CancelEvent),
    (paying.REFUND, paying.RefundStatus, paying.RefundEvent),
    (binding.AUTHORIZATION, binding.AuthorizationStatus, binding.AuthorizationEvent),
    (binding.WALLET, binding.WalletStatus, binding.WalletEvent),
    (recurring.SUBSCRIPTION, recurring.SubscriptionStatus, recurring.SubscriptionEvent),
    (recurring.CYCLE, recurring.CycleStatus, recurring.CycleEvent),
    (customs.DECLARATION, customs.DeclarationStatus, customs.DeclarationEvent),
    (APPROVAL, ApprovalStatus, ApprovalEvent),
]


@pytest.mark.parametrize(("table", "statuses", "events"), TABLES, ids=lambda value: getattr(value, "__name__", ""))
def test_table_and_enums_name_the_same(table: Machine, statuses: type, events: type) -> None:  # type: ignore[type-arg]
    assert table.statuses == set(statuses)  # type: ignore[call-overload]
    assert table.events == set(events)  # type: ignore[call-overload]


@pytest.mark.parametrize(("table", "statuses", "events"), TABLES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_pair_either_stands_in_the_table_or_is_refused(
    table: Machine,
    statuses: type,
    events: type,  # type: ignore[type-arg]
) -> None:
    rows = {(source, event): target for source, event, target in table}
    for status in statuses:  # type: ignore[attr-defined]
        for event in events:  # type: ignore[attr-defined]
            if (status, event) in rows:
                assert table.target(status, event) == rows[status, event]
            else:
                with pytest.raises(TransitionNotAllowed):
                    table.target(status, event)


def test_money_that_ended_stays_ended() -> None:
    assert paying.PAYMENT.final == {paying.PaymentStatus.REVERSED}
    assert paying.CANCEL.final == {paying.CancelStatus.CONFIRMED, paying.CancelStatus.REFUSED}
    assert not paying.PAYMENT.allows(paying.PaymentStatus.FAILED, paying.PaymentEvent.RESULT_SUCCESS)
    assert not paying.PAYMENT.allows(paying.PaymentStatus.CANCELLED, paying.PaymentEvent.RESULT_SUCCESS)
