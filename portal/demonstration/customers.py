"""A customer of the invented shop: somebody with a wallet at the sandbox, who binds it, orders and pays."""

from collections.abc import Sequence

from authorizations import operations as binding
from authorizations import queries as wallets
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.operations.binding import AUTHORIZATION_PLACE, CANCELLED_BY_BUYER
from authorizations.operations.buyers import meet
from authorizations.operations.callbacks import redeem_callback
from authorizations.operations.logins import log_in
from authorizations.states import Messenger
from payments import operations as paying
from payments.models import Order, Payment
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import Secret
from portal.acquirer.wallets import currency_of, wallet_facts
from portal.actor import Actor
from portal.demonstration.installation import SERVER
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl

PHONE = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
SERVER_TERMINAL = Terminal(terminal_type=TerminalType.WEB)


class StoryBroken(Exception):
    """Something did not happen that the story is about; the sentence says what."""


class Customer:
    """A user of the sandbox in one wallet, as a buyer of the shop."""

    def __init__(self, control: SandboxControl, account: AcquirerAccount, user: str, wallet: str) -> None:
        self.user, self.wallet, self.currency = user, wallet, currency_of(wallet)
        self._control, self._account = control, account
        self._buyer: Buyer | None = None

    @property
    def buyer(self) -> Buyer:
        """The buyer's row. The first look logs in: by the wallet's mini program, or at the shop's own server."""
        if self._buyer is None:
            facts = wallet_facts(self.wallet)
            if facts is not None and facts.site_name:
                code = Secret(self._control.login_code(self.wallet, self.user))
                reference = log_in(self._account, facts, code)[0].buyer.reference
            else:
                reference = f"{self.user}@{self.wallet.lower().replace('_', '-')[:40]}"
                binding.open_session(self._account, reference, opened_by=SERVER)
            self._buyer = meet(self._account, reference)
        return self._buyer

    @property
    def known_as(self) -> tuple[str, str]:
        """Reference and wallet; the reference is empty for somebody who has not come in yet."""
        return self._buyer.reference if self._buyer is not None else "", self.wallet

    @property
    def by(self) -> Actor:
        return Actor.buyer(self.buyer.reference)

    @property
    def active_wallet(self) -> WalletAccount | None:
        """The wallet while it may be debited."""
        return wallets.active_wallet(self.buyer, self.wallet)

    def begins(self) -> Authorization:
        """Press "add this wallet". Raises StoryBroken when it is bound already."""
        attempt = binding.begin(
            self.buyer,
            self.wallet,
            terminal=PHONE,
            redirect_url=f"{self._account.notify_base_url}/return/{AUTHORIZATION_PLACE}",
            by=self.by,
        )
        if isinstance(attempt, Authorization):
            return attempt
        raise StoryBroken(f"{self.user} has bound {self.wallet} already")

    def binds(self) -> WalletAccount:
        """Agree in the wallet and bring the code home. Raises StoryBroken when that ends in no wallet."""
        attempt = self.begins()
        decision = self._control.agree(attempt.auth_url, self.user)
        attempt = redeem_callback(
            attempt, Secret(decision["authCode"]), decision["authState"], heard_from=Messenger.BUYER
        )
        if attempt.wallet_account is None:
            raise StoryBroken(f"{self.user} could not bind {self.wallet}: {attempt.status} {attempt.result_code}")
        return attempt.wallet_account

    def refuses(self) -> Authorization:
        """Begin, and say no in the wallet."""
        attempt = self.begins()
        self._control.refuse(attempt.auth_url)
        return binding.report_failure(attempt, CANCELLED_BY_BUYER, by=self.by)

    def revokes_in_the_wallet(self, reason: str) -> None:
        """End it in the wallet's own app. Whether the shop is told is the wallet's business."""
        self._control.revoke_in_the_wallet(self.user, self.wallet, reason)

    def orders(self, lines: Sequence[tuple[str, int]]) -> Order:
        """Order products at their price."""
        return paying.place_order(self.buyer, lines, self.currency, by=self.by)

    def is_billed(self, value: int, what: str, reference: str) -> Order:
        """Let the shop's server order at an amount it names, in minor units of the wallet's currency."""
        return paying.place_merchant_order(
            self.buyer,
            Money(value, self.currency),
            description=what,
            reference=reference,
            by=Actor.merchant_server(SERVER),
        )

    def pays(self, order: Order) -> Payment:
        """Press Pay. Raises StoryBroken without a wallet to debit."""
        return paying.pay(order, self._wallet_to_debit(), by=self.by, terminal=PHONE)

    def is_charged(self, order: Order) -> Payment:
        """Let the shop's server debit the order, with nobody at a phone."""
        by = Actor.merchant_server(SERVER)
        return paying.pay(order, self._wallet_to_debit(), by=by, terminal=SERVER_TERMINAL)

    def _wallet_to_debit(self) -> WalletAccount:
        wallet_account = self.active_wallet
        if wallet_account is None:
            raise StoryBroken(f"{self.user} has no {self.wallet} to debit")
        return wallet_account
