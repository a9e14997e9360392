"""Binding, refreshing and ending one buyer's wallets, with every answer in any order, late, doubled, contradicting."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from authorizations import operations
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger, WalletStatus
from portal import clock, gateways
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import Advice, ConsultResult, Outcome, RevokeResult, Secret, TokenResult
from portal.actor import Actor
from portal.errors import PortalError
from portal.models import AcquirerAccount, Incident
from tests.conftest import START
from tests.factories import AcquirerAccountFactory, AuthorizationFactory, BuyerFactory
from tests.properties.effort import tried
from tests.properties.machines import SilentLine, assert_history
from tests.story import StoryClock

WEB = Terminal(terminal_type=TerminalType.WEB)
SOMEBODY = Actor.command("property")
outcomes = some.sampled_from(list(Outcome))
which = some.integers(0, 9)
tokens = some.sampled_from(["one", "two", "three", "four"])
codes = some.sampled_from(["a", "b", "c"])
advice = some.sampled_from([Advice.NOTHING, Advice.REAUTHORIZE])
_CLOCK: StoryClock
_ACCOUNT: AcquirerAccount


class OneBuyer(RuleBasedStateMachine):
    """Everything that may happen to the wallets of one buyer, and of another one beside."""

    def __init__(self) -> None:
        super().__init__()
        _CLOCK.restart(START)
        self.buyers: list[Buyer] = [BuyerFactory(account=_ACCOUNT), BuyerFactory(account=_ACCOUNT)]
        self.mark = clock.fresh_id("")

    def secret(self, text: str) -> Secret:
        return Secret(f"{text}-{self.mark}")

    def attempts(self) -> list[Authorization]:
        return list(Authorization.objects.filter(buyer__in=self.buyers).order_by("pk"))

    def wallets(self) -> list[WalletAccount]:
        return list(WalletAccount.objects.filter(buyer__in=self.buyers).order_by("pk"))

    def one(self, rows: list[Any], number: int) -> Any:
        return rows[number % len(rows)]

    @initialize(already=some.sampled_from(["nothing", "bound", "bound", "revoking"]))
    def begin_somewhere(self, already: str) -> None:
        """Begin somewhere on the way: from the start alone few short histories come far."""
        if already == "nothing":
            return
        self.be_offered(0)
        token = self.tokens(Outcome.SUCCESS, "one", refreshes=True, days=30)
        operations.record_token(self.attempts()[0], token, heard_from=Messenger.NOTIFICATION)
        if already == "revoking":
            self.revoke(0)

    @rule(buyer=some.integers(0, 1))
    def begin(self, buyer: int) -> None:
        """Nobody answers consult, so the attempt fails; a code may come for it all the same."""
        operations.begin(self.buyers[buyer], "GCASH", terminal=WEB, redirect_url="https://x.example", by=SOMEBODY)

    @rule(buyer=some.integers(0, 1))
    def be_offered(self, buyer: int) -> None:
        AuthorizationFactory(account=_ACCOUNT, buyer=self.buyers[buyer], due_at=clock.now() + timedelta(minutes=30))

    @precondition(lambda self: self.attempts())
    @rule(number=which, outcome=outcomes)
    def hear_of_consult(self, number: int, outcome: Outcome) -> None:
        result = ConsultResult(outcome=outcome, normal_url="https://wallet.example/agree")
        operations.record_consult(self.one(self.attempts(), number), result)

    @precondition(lambda self: self.attempts())
    @rule(number=which, code=codes, is_sent=some.booleans())
    def bring_a_code(self, number: int, code: str, is_sent: bool) -> None:
        attempt, secret = self.one(self.attempts(), number), self.secret(code)
        with suppress(PortalError):
            if is_sent:
                operations.redeem(attempt, secret, heard_from=Messenger.REDIRECT)
            else:
                operations.receive_code(attempt, secret, heard_from=Messenger.REDIRECT, exchange_after=timedelta(0))

    @precondition(lambda self: self.attempts())
    @rule(number=which, outcome=outcomes, token=tokens, refreshes=some.booleans(), days=some.sampled_from([1, 365]))
    def hear_of_a_token(self, number: int, outcome: Outcome, token: str, refreshes: bool, days: int) -> None:
        with suppress(PortalError):
            operations.record_token(
                self.one(self.attempts(), number), self.tokens(outcome, token, refreshes, days),
                heard_from=Messenger.NOTIFICATION,
            )  # fmt: skip

    def tokens(self, outcome: Outcome, token: str, refreshes: bool, days: int) -> TokenResult:
        if outcome is not Outcome.SUCCESS:
            return TokenResult(outcome=outcome, code="X")
        return TokenResult(
            outcome=outcome,
            access_token=self.secret(token),
            access_token_expires_at=clock.now() + timedelta(days=days),
            refresh_token=self.secret(f"r-{token}") if refreshes else None,
        )

    @precondition(lambda self: self.attempts())
    @rule(number=which, error=some.sampled_from(["6001", "6002", "7001", "7002", "x"]))
    def fail(self, number: int, error: str) -> None:
        operations.report_failure(self.one(self.attempts(), number), error, by=SOMEBODY)

    @precondition(lambda self: self.attempts())
    @rule(number=which)
    def lapse(self, number: int) -> None:
        operations.lapse(self.one(self.attempts(), number))

    @precondition(lambda self: self.wallets())
    @rule(number=which)
    def revoke(self, number: int) -> None:
        with suppress(PortalError):
            operations.revoke(self.one(self.wallets(), number), by=SOMEBODY)

    @precondition(lambda self: self.wallets())
    @rule(number=which, outcome=outcomes, is_dead=some.booleans())
    def hear_of_a_revoke(self, number: int, outcome: Outcome, is_dead: bool) -> None:
        operations.record_revoke(self.one(self.wallets(), number), RevokeResult(outcome=outcome, already_dead=is_dead))

    @precondition(lambda self: self.wallets())
    @rule(number=which)
    def refresh(self, number: int) -> None:
        operations.refresh(self.one(self.wallets(), number))

    @precondition(lambda self: self.wallets())
    @rule(number=which, outcome=outcomes, advice=advice, rotates=some.booleans(), data=some.data())
    def hear_of_a_refresh(
        self, number: int, outcome: Outcome, advice: Advice, rotates: bool, data: some.DataObject
    ) -> None:
        wallet = self.one(self.wallets(), number)
        result = TokenResult(outcome=outcome, code="X", advice=advice)
        if outcome is Outcome.SUCCESS:
            result = self.tokens(outcome, clock.fresh_id("T"), rotates, data.draw(some.sampled_from([1, 365])))
        operations.record_refresh(wallet, result)

    @precondition(lambda self: self.wallets())
    @rule(number=which, is_present=some.booleans())
    def pay_was_refused_for_the_token(self, number: int, is_present: bool) -> None:
        wallet = self.one(self.wallets(), number)
        operations.token_refused(wallet, wallet.access_token_index if is_present else "another")

    @precondition(lambda self: self.wallets())
    @rule(number=which)
    def end_in_the_wallet(self, number: int) -> None:
        wallet = self.one(self.wallets(), number)
        operations.wallet_ended(wallet, reason="no longer needed", heard_from=Messenger.NOTIFICATION)

    @precondition(lambda self: self.wallets())
    @rule(number=which)
    def expire(self, number: int) -> None:
        operations.expire(self.one(self.wallets(), number))

    @rule(seconds=some.sampled_from([1, 130, 3600, 200_000]))
    def time_passes(self, seconds: int) -> None:
        _CLOCK.move(timedelta(seconds=seconds))

    # What holds, whatever happened.

    @invariant()
    def every_history_is_of_the_table(self) -> None:
        for wallet in self.wallets():
            assert_history(wallet, WalletStatus.ACTIVE)

    @invariant()
    def one_wallet_is_active_and_it_has_a_token(self) -> None:
        for buyer in self.buyers:
            active = WalletAccount.objects.filter(buyer=buyer, status=WalletStatus.ACTIVE)
            assert active.count() <= 1
            assert all(wallet.access_token for wallet in active)
        for wallet in self.wallets():
            if wallet.status == WalletStatus.REVOKED:
                assert (wallet.access_token, wallet.refresh_token) == ("", "")
                assert wallet.ended_at is not None

    @invariant()
    def a_code_and_a_token_belong_to_one(self) -> None:
        attempts = self.attempts()
        used = [attempt.auth_code_index for attempt in attempts if attempt.auth_code_index]
        assert len(used) == len(set(used))
        for attempt in attempts:
            assert (attempt.status == AuthorizationStatus.BOUND) == (attempt.wallet_account_id is not None)
            if attempt.wallet_account is not None:
                assert attempt.wallet_account.buyer_id == attempt.buyer_id
        held = [(wallet.access_token, wallet.buyer_id) for wallet in self.wallets() if wallet.access_token]
        assert len({token for token, _ in held}) == len(set(held))

    @invariant()
    def nothing_secret_outlives_its_use(self) -> None:
        for attempt in self.attempts():
            if attempt.status == AuthorizationStatus.BOUND:
                assert (attempt.auth_code, attempt.auth_url, attempt.links) == ("", "", "")

    @invariant()
    def somebody_will_look_at_all_that_is_unknown(self) -> None:
        for attempt in self.attempts():
            is_open = attempt.status in (AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED)
            if is_open or attempt.status == AuthorizationStatus.CODE_RECEIVED:
                assert attempt.due_at is not None, (attempt, attempt.status)
        for wallet in self.wallets():
            if wallet.status == WalletStatus.REVOKING and wallet.due_at is None:
                assert Incident.objects.filter(subject_id=str(wallet.pk), kind="REVOKE_REFUSED").exists()


@pytest.fixture
def _silence(transactional_db: None, story_clock: StoryClock) -> Iterator[None]:
    global _CLOCK, _ACCOUNT
    _CLOCK, _ACCOUNT = story_clock, AcquirerAccountFactory()
    with gateways.speaking_over(SilentLine()):
        yield


@pytest.mark.timeout(600)  # a failure is told by its smallest history, and finding that takes a while
@pytest.mark.usefixtures("_silence")
def test_whatever_is_heard_in_whatever_order_a_wallet_is_one_buyers() -> None:
    machine: Any = OneBuyer
    run_state_machine_as_test(machine, settings=tried(10, steps=16))
