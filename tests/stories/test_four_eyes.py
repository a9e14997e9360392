"""What a second person decides: what was asked for is what is done, once, whoever presses what at the same moment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from authorizations import operations as binding
from payments import operations as paying
from payments.models import Cancel, Payment, Refund
from payments.states import PaymentStatus, ReasonCode, RefundStatus
from portal import approvals, clock, people, registry, work
from portal.actor import Actor
from portal.approvals import ApprovalNeeded, RuleFacts
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.models import Approval, ApprovalRule, DayTotal, Incident, JournalEntry
from portal.money import Money
from portal.roles import ADMINISTRATOR, AUDITOR, FINANCE, OPERATOR, SUPPORT
from tests.concurrency.crowd import all_at_once, refusals
from tests.factories import UserFactory
from tests.story import PHP, Acquirer, Customer, Shop, StoryClock

A_DAY_LATER = timedelta(days=1, hours=6)
"""Past the time in which a cancel is possible."""


class Staff:
    """One person of each kind."""

    def __init__(self) -> None:
        self.olga = UserFactory(username="olga", roles=(OPERATOR,))
        self.oscar = UserFactory(username="oscar", roles=(OPERATOR,))
        self.fei = UserFactory(username="fei", roles=(FINANCE,))
        self.finn = UserFactory(username="finn", roles=(FINANCE,))
        self.amihan = UserFactory(username="amihan", roles=(ADMINISTRATOR,))


@pytest.fixture
def staff(shop: Shop) -> Staff:
    return Staff()


def by(user: Any) -> Actor:
    return Actor.person(user)


@pytest.fixture
def paid(buyer: Customer, shop: Shop) -> Payment:
    """12,900.00 PHP, paid yesterday."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    assert payment.status == PaymentStatus.SUCCEEDED
    shop.clock_stands_at(clock.now() + A_DAY_LATER)
    return payment


def refund(payment: Payment, amount: Money, user: Any, **more: Any) -> Refund:
    return paying.refund(payment, amount, by=by(user), reason_code=ReasonCode.DAMAGED, note="arrived dented", **more)


def asks(act: Callable[[], object], user: Any) -> Approval:
    """Do what needs a second person, and ask for it."""
    with pytest.raises(ApprovalNeeded) as needed:
        act()
    return approvals.ask(needed.value, by=by(user))


@pytest.fixture
def asked(paid: Payment, staff: Staff) -> Approval:
    """Olga asks to give 6,000.00 PHP back."""
    return asks(lambda: refund(paid, PHP(6_000_00), staff.olga), staff.olga)


def test_below_the_limit_nobody_is_asked(paid: Payment, staff: Staff, acquirer: Acquirer, buyer: Customer) -> None:
    assert refund(paid, PHP(5_000_00), staff.olga).status == RefundStatus.SUCCEEDED
    assert not Approval.objects.exists()
    assert acquirer.gave_back_to(buyer) == [PHP(5_000_00)]


def test_above_it_nothing_is_promised_and_nothing_sent(
    asked: Approval, paid: Payment, acquirer: Acquirer, staff: Staff
) -> None:
    paid.refresh_from_db()
    assert (Refund.objects.count(), paid.returned_value, acquirer.calls("refund")) == (0, 0, [])
    assert not DayTotal.objects.filter(count__gt=0).exists()
    assert (asked.status, asked.rule) == ("WAITING", "Above 5,000.00 PHP a second person approves")
    assert asked.amount == PHP(6_000_00)
    assert asked.approvers == [FINANCE, ADMINISTRATOR]
    assert (asked.reason_code, asked.note) == ("DAMAGED", "arrived dented")
    assert asked.sentence == f"6,000.00 PHP goes back to GCash {paid.wallet_account.login_label} by refund."
    assert JournalEntry.objects.get().act == "ask for approval"


def test_approved_by_another_it_is_done_by_who_asked(
    asked: Approval, paid: Payment, staff: Staff, acquirer: Acquirer, buyer: Customer
) -> None:
    done = approvals.approve(asked, by=by(staff.fei), note="I saw the photo")
    assert (done.status, done.result) == ("DONE", "Refund of 6,000.00 PHP: refunded.")
    made = Refund.objects.get()
    assert (done.result_type, done.result_id) == ("payments.Refund", str(made.pk))
    assert (made.actor_name, made.amount, made.reason_code) == ("olga", PHP(6_000_00), "DAMAGED")
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    assert [(line.act, line.actor_name) for line in JournalEntry.objects.order_by("pk")] == [
        ("ask for approval", "olga"),
        ("approve", "fei"),
        ("refund", "olga"),
    ]
    assert JournalEntry.objects.get(act="refund").outcome == f"under {asked.number}"
    assert [change.event for change in done.changes.all()] == ["approved", "carried out"]


def test_who_asks_never_approves(asked: Approval, staff: Staff, acquirer: Acquirer) -> None:
    with pytest.raises(NotAllowed, match="You asked for this yourself"):
        approvals.approve(asked, by=by(staff.olga))
    staff.olga.groups.add(*staff.fei.groups.all())  # not with another role either
    staff.olga = type(staff.olga).objects.get(pk=staff.olga.pk)
    with pytest.raises(NotAllowed, match="You asked for this yourself"):
        approvals.approve(asked, by=by(staff.olga))
    with pytest.raises(IntegrityError), transaction.atomic():  # nor by whoever writes to the database
        Approval.objects.filter(pk=asked.pk).update(decider=staff.olga, status="APPROVED")
    assert acquirer.calls("refund") == []


@pytest.mark.parametrize("role", [OPERATOR, SUPPORT, AUDITOR])
def test_nor_does_somebody_of_another_role(asked: Approval, role: str) -> None:
    with pytest.raises(NotAllowed, match="Only Finance or Administrator may decide on this"):
        approvals.approve(asked, by=by(UserFactory(roles=(role,))))
    with pytest.raises(NotAllowed):
        approvals.decline(asked, by=by(UserFactory(roles=(role,))), note="no")


def test_declined_with_a_word_nothing_is_done(asked: Approval, staff: Staff, acquirer: Acquirer) -> None:
    declined = approvals.decline(asked, by=by(staff.fei), note="ask for the photo first")
    assert (declined.status, declined.decided_by, declined.decision_note) == (
        "DECLINED",
        "fei",
        "ask for the photo first",
    )
    with pytest.raises(Conflict, match="it is declined already by fei"):
        approvals.approve(asked, by=by(staff.finn))
    assert acquirer.calls("refund") == []


def test_withdrawn_by_who_asked_and_by_nobody_else(asked: Approval, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        approvals.withdraw(asked, by=by(staff.oscar))
    assert approvals.withdraw(asked, by=by(staff.olga)).status == "WITHDRAWN"
    with pytest.raises(Conflict, match="it is withdrawn already"):
        approvals.approve(asked, by=by(staff.fei))


def test_nobody_decides_in_time(asked: Approval, shop: Shop, staff: Staff, acquirer: Acquirer) -> None:
    shop.clock_stands_at(asked.expires_at)
    with pytest.raises(Conflict, match="has expired"):
        approvals.approve(asked, by=by(staff.fei))
    shop.comes_to_rest()
    asked.refresh_from_db()
    assert (asked.status, asked.due_at) == ("EXPIRED", None)
    assert acquirer.calls("refund") == []


def test_another_amount_is_another_request(asked: Approval, paid: Payment, staff: Staff, acquirer: Acquirer) -> None:
    with pytest.raises(Conflict, match="The very same waits for approval already"):
        asks(lambda: refund(paid, PHP(6_000_00), staff.oscar), staff.oscar)
    other = asks(lambda: refund(paid, PHP(6_000_01), staff.olga), staff.olga)
    assert other.digest != asked.digest
    Approval.objects.filter(pk=asked.pk).update(amount_value=12_900_00)  # a hand in the database
    with pytest.raises(Conflict, match="is not what was asked for"):
        approvals.approve(asked, by=by(staff.fei))
    assert acquirer.calls("refund") == []


def test_what_was_changed_after_the_approval_is_not_carried_out(
    asked: Approval, staff: Staff, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dies_before_doing(monkeypatch, asked, staff)
    Approval.objects.filter(pk=asked.pk).update(amount_value=12_900_00)
    carried = approvals.carry_out(asked)
    assert (carried.status, carried.result) == (
        "REFUSED",
        "What is written here is not what was asked for. Nothing was done.",
    )
    assert acquirer.calls("refund") == []


def test_the_approval_of_one_thing_does_not_cover_another(asked: Approval, paid: Payment, staff: Staff) -> None:
    under = approvals.actor_of(asked)
    with pytest.raises(NotAllowed, match="There is no approved request"):
        paying.refund(paid, PHP(6_000_00), by=under, reason_code=ReasonCode.DAMAGED)
    approvals.approve(asked, by=by(staff.fei))
    for amount in (PHP(6_500_00), PHP(100_00)):
        with pytest.raises(NotAllowed, match="What was approved is not this"):
            paying.refund(paid, amount, by=under, reason_code=ReasonCode.DAMAGED)


def test_what_cannot_be_done_any_more_is_the_result(
    asked: Approval, paid: Payment, staff: Staff, shop: Shop, acquirer: Acquirer, buyer: Customer
) -> None:
    shop.refunds(paid, PHP(8_000_00))
    done = approvals.approve(asked, by=by(staff.fei))
    assert done.status == "REFUSED"
    assert "4,900.00 PHP" in done.result
    assert acquirer.gave_back_to(buyer) == [PHP(8_000_00)]


def test_of_who_was_shut_out_meanwhile_nothing_is_done(asked: Approval, staff: Staff, acquirer: Acquirer) -> None:
    people.shut_out(staff.olga, by=by(staff.amihan))
    done = approvals.approve(asked, by=by(staff.fei))
    assert (done.status, "may not come in any more" in done.result) == ("REFUSED", True)
    assert acquirer.calls("refund") == []


def test_a_lost_answer_is_asked_about_as_ever(
    asked: Approval, staff: Staff, shop: Shop, acquirer: Acquirer, buyer: Customer
) -> None:
    acquirer.will("answer_lost", api="refund")
    done = approvals.approve(asked, by=by(staff.fei))
    assert (done.status, Refund.objects.get().status) == ("DONE", RefundStatus.PROCESSING)
    shop.clock_moves(minutes=5)
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]


# At the same moment.


def test_two_approvers_at_once_and_it_is_done_once(
    asked: Approval, staff: Staff, acquirer: Acquirer, buyer: Customer
) -> None:
    outcomes = all_at_once(
        *[
            lambda user=user: approvals.approve(Approval.objects.get(pk=asked.pk), by=by(user))
            for user in (staff.fei, staff.finn, staff.amihan, staff.fei)
        ]
    )
    assert refusals(outcomes, Conflict) == 3
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    assert JournalEntry.objects.filter(act="approve").count() == 1


def test_approving_and_withdrawing_at_once_one_of_them_counts(
    asked: Approval, staff: Staff, acquirer: Acquirer, buyer: Customer
) -> None:
    outcomes = all_at_once(
        lambda: approvals.approve(Approval.objects.get(pk=asked.pk), by=by(staff.fei)),
        lambda: approvals.withdraw(Approval.objects.get(pk=asked.pk), by=by(staff.olga)),
        lambda: approvals.decline(Approval.objects.get(pk=asked.pk), by=by(staff.finn), note="no"),
    )
    assert refusals(outcomes, Conflict) == 2
    asked.refresh_from_db()
    assert acquirer.gave_back_to(buyer) == ([PHP(6_000_00)] if asked.status == "DONE" else [])


def _dies_before_doing(monkeypatch: pytest.MonkeyPatch, asked: Approval, staff: Staff) -> None:
    class Killed(BaseException):
        pass

    def dies(approval: Approval) -> Approval:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("portal.approvals.deciding.carry_out", dies)
        with pytest.raises(Killed):
            approvals.approve(asked, by=by(staff.fei))


def test_killed_between_approval_and_doing_the_worker_finishes_it(
    asked: Approval, staff: Staff, shop: Shop, acquirer: Acquirer, buyer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dies_before_doing(monkeypatch, asked, staff)
    asked.refresh_from_db()
    assert (asked.status, acquirer.calls("refund")) == ("APPROVED", [])
    shop.clock_moves(minutes=2)
    asked.refresh_from_db()
    assert (asked.status, asked.due_at) == ("DONE", None)
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    assert Refund.objects.get().actor_name == "olga"


def test_the_worker_and_the_approver_carry_it_out_at_once_and_it_happens_once(
    asked: Approval, staff: Staff, acquirer: Acquirer, buyer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dies_before_doing(monkeypatch, asked, staff)
    all_at_once(*[lambda: approvals.carry_out(Approval.objects.get(pk=asked.pk)) for _ in range(4)])
    asked.refresh_from_db()
    assert asked.status == "DONE"
    assert Refund.objects.count() == 1
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]


# The rules.


def test_one_act_after_the_other_reaches_the_days_limit(
    buyer: Customer, shop: Shop, staff: Staff, story_clock: StoryClock
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Roaster", PHP(90_000_00), to=buyer))
    for _ in range(10):
        refund(payment, PHP(5_000_00), staff.olga)
    with pytest.raises(ApprovalNeeded, match=r"Above 50,000.00 PHP a day .* 0.00 PHP of it are left today"):
        refund(payment, PHP(1_00), staff.olga)
    assert "Above 50,000.00 PHP a day" in approvals.would_need(
        "refund", by=by(staff.olga), amount=PHP(1_00), account=shop.account
    )
    refund(payment, PHP(5_000_00), staff.oscar)  # another person has a day of their own
    story_clock.move(timedelta(days=1))
    refund(payment, PHP(1_00), staff.olga)


def test_two_acts_at_once_do_not_slip_under_one_limit(
    buyer: Customer, shop: Shop, staff: Staff, acquirer: Acquirer
) -> None:
    _rule(staff, above_value=5_000_00, above_a_day_value=6_000_00)
    buyer.binds("GCASH")
    payments = [shop.charges(shop.sells("Grinder", PHP(5_000_00), to=buyer)) for _ in range(4)]
    outcomes = all_at_once(*[lambda one=one: refund(one, PHP(4_000_00), staff.olga) for one in payments])
    assert refusals(outcomes, ApprovalNeeded) == 3
    assert acquirer.gave_back_to(buyer) == [PHP(4_000_00)]


def test_a_cancel_is_no_way_around_the_limit(buyer: Customer, shop: Shop, staff: Staff, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    said: dict[str, Any] = {"by": by(staff.olga), "reason_code": ReasonCode.BUYER_REQUEST}
    with pytest.raises(ApprovalNeeded):
        paying.cancel(payment, **said)
    wish = asks(lambda: paying.give_money_back(payment, **said), staff.olga)
    assert (wish.act, "by cancel or refund" in wish.sentence) == ("give back", True)
    shop.clock_stands_at(clock.now() + A_DAY_LATER)  # a cancel is not possible any more by then
    done = approvals.approve(wish, by=by(staff.fei))
    assert (done.status, Cancel.objects.count(), Refund.objects.get().amount) == ("DONE", 0, PHP(12_900_00))
    assert acquirer.gave_back_to(buyer) == [PHP(12_900_00)]


def test_a_payment_whose_result_is_not_known_is_cancelled_by_one_person(
    buyer: Customer, shop: Shop, staff: Staff, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost")
    payment = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    assert payment.status == PaymentStatus.PROCESSING
    paying.cancel(payment, by=by(staff.olga), reason_code=ReasonCode.BUYER_REQUEST)
    assert not Approval.objects.exists()


def test_support_asks_for_every_amount(paid: Payment, shop: Shop) -> None:
    sari = UserFactory(roles=(SUPPORT,))
    with pytest.raises(ApprovalNeeded, match="every one of these when somebody of Support asks"):
        refund(paid, PHP(1_00), sari)


def test_the_shops_server_keeps_its_powers(paid: Payment, acquirer: Acquirer, buyer: Customer) -> None:
    key = Actor.merchant_server("shop backend")
    made = paying.refund(paid, PHP(12_900_00), by=key, reason_code=ReasonCode.DAMAGED)
    assert (made.status, Approval.objects.count()) == (RefundStatus.SUCCEEDED, 0)


def test_many_revokes_on_one_day_need_a_second_person(buyer: Customer, staff: Staff) -> None:
    wallet = buyer.binds("GCASH")
    DayTotal.objects.create(kind="revoke", user=staff.olga, day=clock.now().date(), count=20)
    wish = asks(lambda: binding.revoke(wallet, by=by(staff.olga), reason_code="FRAUD"), staff.olga)
    assert wish.rule == "After 20 of these a day a second person approves"
    done = approvals.approve(wish, by=by(staff.fei))
    wallet.refresh_from_db()
    assert (done.status, wallet.status) == ("DONE", "REVOKED")


def _facts(**change: Any) -> RuleFacts:
    rule = ApprovalRule(kind="refund", currency="PHP", approvers=[FINANCE], **change)
    return RuleFacts(**{name: getattr(rule, name) for name in RuleFacts.__dataclass_fields__})


def _rule(staff: Staff, **change: Any) -> ApprovalRule:
    wish = asks(lambda: approvals.change_rule(_facts(**change), by=by(staff.amihan), note="more trust"), staff.amihan)
    done = approvals.approve(wish, by=by(staff.fei))
    assert done.status == "DONE", done.result
    return ApprovalRule.objects.get(kind="refund", currency="PHP", role="")


def test_a_rule_is_changed_under_four_eyes_itself(paid: Payment, staff: Staff) -> None:
    wish = asks(lambda: approvals.change_rule(_facts(above_value=20_000_00), by=by(staff.amihan)), staff.amihan)
    with pytest.raises(NotAllowed):
        approvals.approve(wish, by=by(staff.amihan))
    with pytest.raises(ApprovalNeeded):
        refund(paid, PHP(6_000_00), staff.olga)
    assert approvals.approve(wish, by=by(staff.fei)).status == "DONE"
    assert refund(paid, PHP(12_900_00), staff.olga).status == RefundStatus.SUCCEEDED
    line = JournalEntry.objects.get(act="change approval rule")
    assert (line.actor_name, line.after["above_value"]) == ("amihan", 20_000_00)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"approvers": []}, "name at least one role"),
        ({"approvers": ["Cleaner"]}, "name at least one role"),
        ({"role": "Cleaner"}, "there is no role Cleaner"),
        ({"kind": "coffee"}, "there is no kind coffee"),
        ({"currency": "", "above_value": 1}, "an amount needs its currency"),
        ({"currency": "PHPX"}, "currency"),
        ({"above_value": -1}, "not below zero"),
        ({"expires_hours": 0}, "give 1 to 720 hours"),
    ],
    ids=str,
)
def test_what_cannot_be_a_rule_is_refused_before_anybody_is_asked(
    change: dict[str, Any], said: str, staff: Staff
) -> None:
    facts = RuleFacts(**{**_facts().__dict__, **change})
    with pytest.raises(InvalidInput, match=said):
        approvals.change_rule(facts, by=by(staff.amihan))


def test_rules_that_no_row_holds_are_the_defaults(staff: Staff) -> None:
    assert not ApprovalRule.objects.exists()
    before = [(str(rule), approvals.rule_words(rule)) for rule in approvals.effective_rules()]
    assert ("refund · PHP", "above 5,000.00 PHP, or above 50,000.00 PHP a day: Finance or Administrator") in before
    approvals.install_rules()
    approvals.install_rules()
    assert [(str(rule), approvals.rule_words(rule)) for rule in approvals.effective_rules()] == before
    assert ApprovalRule.objects.count() == len(before) == sum(len(kind.defaults) for kind in registry.approvals)


# Standing in, and emergencies.


def test_a_deputy_decides_for_a_time_and_never_for_the_asker(
    asked: Approval, paid: Payment, staff: Staff, story_clock: StoryClock
) -> None:
    from_now = {"starts_at": clock.now(), "ends_at": clock.now() + timedelta(hours=10)}
    approvals.name_deputy(staff.olga, by=by(staff.fei), **from_now)
    row = approvals.name_deputy(staff.oscar, by=by(staff.fei), **from_now)
    with pytest.raises(NotAllowed, match="You asked for this yourself"):
        approvals.approve(asked, by=by(staff.olga))
    assert approvals.approve(asked, by=by(staff.oscar)).decided_by == "oscar for fei"

    of_fei = asks(lambda: refund(paid, PHP(6_500_00), staff.fei), staff.fei)
    with pytest.raises(NotAllowed):  # the principal asked: the deputy has no other right than theirs
        approvals.approve(of_fei, by=by(staff.oscar))
    approvals.end_deputy(row, by=by(staff.oscar))
    third = asks(lambda: refund(paid, PHP(5_500_00), staff.olga), staff.olga)
    with pytest.raises(NotAllowed):
        approvals.approve(third, by=by(staff.oscar))
    approvals.name_deputy(staff.oscar, by=by(staff.fei), **from_now)
    story_clock.move(timedelta(hours=10))
    with pytest.raises(NotAllowed):
        approvals.approve(third, by=by(staff.oscar))


def test_nobody_is_their_own_deputy_nor_for_ever(staff: Staff) -> None:
    at = clock.now()
    for deputy, ends in ((staff.fei, at + timedelta(days=1)), (staff.oscar, at), (staff.oscar, at + timedelta(93))):
        with pytest.raises(InvalidInput):
            approvals.name_deputy(deputy, starts_at=at, ends_at=ends, by=by(staff.fei))


def test_in_an_emergency_it_is_done_at_once_and_reviewed_by_another(
    paid: Payment, staff: Staff, acquirer: Acquirer, buyer: Customer
) -> None:
    wish = asks(lambda: refund(paid, PHP(6_000_00), staff.fei), staff.fei)
    with pytest.raises(InvalidInput, match="what the emergency is"):
        approvals.break_glass(wish, by=by(staff.fei), note=" ")
    with pytest.raises(NotAllowed):
        approvals.break_glass(wish, by=by(staff.finn), note="not mine")
    done = approvals.break_glass(wish, by=by(staff.fei), note="the buyer stands at the counter")
    assert (done.status, done.needs_review) == ("DONE", True)
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    incident = Incident.objects.get(kind=approvals.APPROVAL_BROKEN_GLASS)
    assert incident.is_open
    with pytest.raises(NotAllowed, match="You did this yourself"):
        approvals.review(done, by=by(staff.fei), is_right=True, note="")
    reviewed = approvals.review(done, by=by(staff.finn), is_right=True, note="I called the buyer")
    incident.refresh_from_db()
    assert (reviewed.needs_review, reviewed.reviewed_by, incident.is_open) == (False, "finn", False)
    with pytest.raises(Conflict):
        approvals.review(done, by=by(staff.amihan), is_right=False, note="")


def test_an_emergency_that_was_none_stays_an_incident(paid: Payment, staff: Staff) -> None:
    wish = asks(lambda: refund(paid, PHP(6_000_00), staff.fei), staff.fei)
    done = approvals.break_glass(wish, by=by(staff.fei), note="hurry")
    approvals.review(done, by=by(staff.amihan), is_right=False, note="no hurry at all")
    assert list(Incident.objects.filter(closed_at=None).values_list("kind", flat=True)) == ["APPROVAL_FOUND_WRONG"]


def test_an_operator_breaks_no_glass(asked: Approval, staff: Staff, acquirer: Acquirer) -> None:
    with pytest.raises(NotAllowed, match="You may not do this on your own"):
        approvals.break_glass(asked, by=by(staff.olga), note="hurry")
    assert acquirer.calls("refund") == []


def test_the_worker_says_what_it_did(asked: Approval, shop: Shop, story_clock: StoryClock) -> None:
    story_clock.move(timedelta(hours=73))
    assert f"request {asked.number}: Expired" in work.run_all_due()
