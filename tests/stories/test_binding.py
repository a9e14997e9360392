"""Binding: one code, one token, by whichever door and in whichever order the news comes."""

from datetime import timedelta

import pytest

from authorizations import operations as binding
from authorizations.errors import AuthStateMismatch, WalletNotActive, WalletNotContracted
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger, WalletStatus
from payments.states import PaymentStatus
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.models import Exchange, Incident
from tests.story import PHP, Acquirer, Customer, Shop

STAFF = Actor.command("story")


def begins(buyer: Customer, wallet: str = "GCASH") -> Authorization:
    buyer.owns(wallet)
    attempt = buyer.begins(wallet)
    assert isinstance(attempt, Authorization)
    assert attempt.status == AuthorizationStatus.OFFERED
    return attempt


def test_binding_that_goes_well(buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds("GCASH")
    assert wallet.status == WalletStatus.ACTIVE
    assert "*" in wallet.login_label
    assert buyer.begins("GCASH") == wallet  # bound already: nobody is asked again
    shop.clock_moves(minutes=10)  # the notification brings the same code
    assert WalletAccount.objects.count() == 1


def test_the_code_by_notification_alone_binds(buyer: Customer, shop: Shop) -> None:
    attempt = begins(buyer)
    buyer.agrees(attempt)  # and the callback is lost
    shop.clock_moves(minutes=1)
    attempt.refresh_from_db()
    assert attempt.status == AuthorizationStatus.BOUND
    assert attempt.changes.get(target="CODE_RECEIVED").heard_from == Messenger.NOTIFICATION


def test_the_code_by_every_door_at_once_is_used_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    attempt = begins(buyer)
    code, _ = buyer.agrees(attempt)
    acquirer.tick()
    for door in (Messenger.REDIRECT, Messenger.BUYER, Messenger.BUYER):
        binding.redeem(attempt, Secret(code), heard_from=door)
    shop.clock_moves(minutes=5)
    assert WalletAccount.objects.get().status == WalletStatus.ACTIVE
    assert len(acquirer.calls("applyToken")) == 1


def test_a_code_of_another_attempt_is_refused(buyer: Customer, shop: Shop) -> None:
    stranger = shop.customer("ben")
    theirs, mine = begins(stranger), begins(buyer)
    code, _ = stranger.agrees(theirs)
    binding.redeem(theirs, Secret(code), heard_from=Messenger.BUYER)
    with pytest.raises(AuthStateMismatch):
        binding.redeem(mine, Secret(code), heard_from=Messenger.BUYER)
    assert not WalletAccount.objects.filter(buyer=buyer.row).exists()


def test_a_lost_answer_to_applytoken_ends_as_authorize_again(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    attempt = begins(buyer)
    code, _ = buyer.agrees(attempt)
    acquirer.will("answer_lost", api="applyToken")
    binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    assert attempt.status == AuthorizationStatus.CODE_RECEIVED

    shop.clock_moves(minutes=30)
    attempt.refresh_from_db()
    assert (attempt.status, attempt.result_code) == (AuthorizationStatus.FAILED, "INVALID_AUTHCODE")
    assert "Authorize again; nothing was charged" in attempt.changes.last().note
    assert buyer.binds("GCASH").status == WalletStatus.ACTIVE  # a new attempt works


def test_an_unknown_answer_to_applytoken_is_repeated_with_the_same_code(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    attempt = begins(buyer)
    code, _ = buyer.agrees(attempt)
    acquirer.will("answer_code", api="applyToken", code="AUTH_IN_PROCESS", calls=2)
    binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    shop.clock_moves(minutes=2)
    attempt.refresh_from_db()
    assert (attempt.status, attempt.codes_sent) == (AuthorizationStatus.BOUND, 3)


def test_a_refusal_and_a_late_change_of_mind(buyer: Customer, shop: Shop) -> None:
    attempt = begins(buyer)
    binding.report_failure(attempt, "6001", by=buyer.by)
    assert attempt.status == AuthorizationStatus.CANCELLED
    buyer.agrees(attempt)  # the app said cancelled, the wallet says agreed
    shop.clock_moves(minutes=1)
    attempt.refresh_from_db()
    assert attempt.status == AuthorizationStatus.BOUND


def test_unknown_moves_nothing_and_silence_lapses(buyer: Customer, shop: Shop) -> None:
    attempt = begins(buyer)
    binding.report_failure(attempt, "7001", by=buyer.by)
    assert attempt.status == AuthorizationStatus.OFFERED
    shop.clock_moves(minutes=31)
    attempt.refresh_from_db()
    assert attempt.status == AuthorizationStatus.EXPIRED


def test_a_wallet_without_contract_is_refused_before_the_wire(buyer: Customer, shop: Shop) -> None:
    with pytest.raises(WalletNotContracted):
        buyer.begins("MAYA")
    assert Authorization.objects.count() == Exchange.objects.count() == 0


def test_a_failed_consult_needs_a_new_auth_state(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("answer_lost", api="consult")
    first = buyer.begins("GCASH")
    assert isinstance(first, Authorization)
    assert first.status == AuthorizationStatus.FAILED
    second = buyer.begins("GCASH")
    assert isinstance(second, Authorization)
    assert second.auth_state != first.auth_state


def test_revoking_from_our_side(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds("GCASH")
    binding.revoke(wallet, by=buyer.by)
    assert (wallet.status, wallet.access_token) == (WalletStatus.REVOKED, "")
    shop.clock_moves(minutes=1)  # TOKEN_CANCELED follows
    wallet.refresh_from_db()
    assert [change.target for change in wallet.changes.all()] == ["REVOKING", "REVOKED"]
    with pytest.raises(WalletNotActive):
        shop.charges(shop.sells("Pass", PHP(10_00), to=buyer), wallet)


def test_revoking_in_the_wallet_ends_in_the_same_state(buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds("TNG")
    buyer.revokes_in_the_wallet("TNG")
    shop.comes_to_rest()
    wallet.refresh_from_db()
    assert (wallet.status, wallet.access_token) == (WalletStatus.REVOKED, "")


def test_a_lost_revoke_is_repeated_and_the_wallet_not_debited_meanwhile(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("answer_lost", api="revoke")
    binding.revoke(wallet, by=buyer.by)
    assert wallet.status == WalletStatus.REVOKING
    with pytest.raises(WalletNotActive):
        shop.charges(shop.sells("Pass", PHP(10_00), to=buyer), wallet)
    shop.clock_moves(minutes=1)
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED


def test_a_refused_revoke_is_an_incident_and_never_debited_again(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("answer_code", api="revoke", code="SYSTEM_ERROR")
    binding.revoke(wallet, by=buyer.by)
    assert wallet.status == WalletStatus.REVOKING
    assert Incident.objects.get().kind == "REVOKE_REFUSED"
    acquirer.heals()
    binding.revoke(wallet, by=STAFF, reason_code="BUYER_REQUEST")
    assert wallet.status == WalletStatus.REVOKED
    assert Incident.objects.get().closed_at is not None


def test_tokens_are_refreshed_ten_days_before_they_die(buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds("GCASH")
    assert wallet.access_token_expires_at is not None
    old_token, expires_at = wallet.access_token, wallet.access_token_expires_at
    shop.clock_moves_to(expires_at - timedelta(days=10, hours=1))
    wallet.refresh_from_db()
    assert wallet.access_token == old_token
    shop.clock_moves_to(expires_at - timedelta(days=9))
    wallet.refresh_from_db()
    assert wallet.access_token != old_token
    assert wallet.access_token_expires_at > expires_at
    assert shop.charges(shop.sells("Pass", PHP(10_00), to=buyer)).status == PaymentStatus.SUCCEEDED


def test_a_lost_refresh_answer_is_repeated_within_the_minutes_wallets_allow(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    assert wallet.access_token_expires_at is not None
    acquirer.will("answer_lost", api="applyToken")
    shop.clock_moves_to(wallet.access_token_expires_at - timedelta(days=9))
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.ACTIVE
    assert shop.charges(shop.sells("Pass", PHP(10_00), to=buyer)).status == PaymentStatus.SUCCEEDED


def test_a_dead_token_at_pay_is_refreshed_once_and_then_needs_the_buyer(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN", calls=2)

    assert shop.charges(shop.sells("Pass", PHP(10_00), to=buyer)).status == PaymentStatus.FAILED
    old_token = wallet.access_token
    shop.clock_moves(minutes=1)
    wallet.refresh_from_db()
    assert (wallet.status, wallet.access_token != old_token) == (WalletStatus.ACTIVE, True)

    assert shop.charges(shop.sells("Pass", PHP(10_00), to=buyer)).status == PaymentStatus.FAILED
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.NEEDS_AUTHORIZATION
    acquirer.heals()
    assert buyer.binds("GCASH").pk != wallet.pk
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REPLACED
    assert acquirer.took_from(buyer) == []


def test_a_newer_binding_replaces_the_older(buyer: Customer, shop: Shop) -> None:
    attempts = [begins(buyer), begins(buyer)]
    for attempt in attempts:
        code, _ = buyer.agrees(attempt)
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    assert [w.status for w in WalletAccount.objects.order_by("pk")] == [WalletStatus.REPLACED, WalletStatus.ACTIVE]
