"""Every acquirer there is, at the real sandbox over the loopback; a new one joins by one entry in ``CONNECTED``."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import (
    Acquirer,
    ConsultRequest,
    Credentials,
    Merchant,
    PaymentRequest,
    RefundRequest,
    Terminal,
    TerminalType,
)
from portal.acquirer.adapters import ADAPTERS
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import InboundMessage, Outcome, PaymentResult, Secret, TokenResult, UnbindingQuestion
from portal.money import Money
from portal.sandbox.control import SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from portal.sandbox.server import Sandbox
from tests.acquirer.peer import Heard, Peer, Reply, listening

TERMINAL = Terminal(terminal_type=TerminalType.WEB, client_ip="203.0.113.9")
PRICE = Money(499_00, "PHP")
PART = Money(100_00, "PHP")


def _antom(sandbox: Sandbox) -> Credentials:
    theirs = sandbox.connection
    return Credentials(
        gateway_url=theirs.gateway_url,
        client_id=theirs.client_id,
        key_version="1",
        private_key_pem=Secret(theirs.merchant_private_key),
        acquirer_keys={"1": theirs.acquirer_public_key},
    )


def _alipayplus(sandbox: Sandbox) -> Credentials:
    theirs = sandbox.connection.alipayplus
    return Credentials(
        gateway_url=sandbox.connection.gateway_url,
        client_id=FIRST_PARTNER,
        key_version="1",
        private_key_pem=Secret(theirs["merchant_private_key"]),
        acquirer_keys={"1": theirs["acquirer_public_key"]},
        merchant=Merchant(
            reference="M001",
            legal_name="Kape & Co Trading Inc.",
            display_name="Kape",
            category_code="5814",
            region="PH",
            city="Manila",
        ),
    )


CONNECTED: Mapping[str, Callable[[Sandbox], Credentials]] = {"ANTOM": _antom, "alipayplus": _alipayplus}
"""How each adapter is connected to its sandbox, by ``AcquirerAccount.adapter``."""


@dataclass
class Side:
    """One acquirer as an account speaks to it, and the other side's controls."""

    name: str
    credentials: Credentials
    control: SandboxControl
    acquirer: Acquirer

    def speaking_as(self, **changed: Any) -> Acquirer:
        """The same adapter with other credentials."""
        return ADAPTERS[self.name].speak(replace(self.credentials, **changed))

    def consult(self, wallet: str = "GCASH") -> Any:
        return self.acquirer.consult(
            ConsultRequest(
                auth_state=clock.fresh_id("A"),
                wallet=wallet,
                redirect_url="https://shop.example/return",
                notify_url="",
                terminal=TERMINAL,
            )
        )

    def agrees(self, user: str = "ana", wallet: str = "GCASH") -> Secret:
        """The buyer agrees in the wallet; the code."""
        offered = self.consult(wallet)
        assert offered.outcome is Outcome.SUCCESS, offered
        return Secret(self.control.agree(offered.url_for(is_app=False), user, wallet=wallet)["authCode"])

    def binds(self, user: str = "ana", wallet: str = "GCASH") -> TokenResult:
        token = self.acquirer.apply_token(wallet=wallet, auth_code=self.agrees(user, wallet))
        assert token.outcome is Outcome.SUCCESS, token
        return token

    def payment(self, token: TokenResult, amount: Money = PRICE, **changed: Any) -> PaymentRequest:
        assert token.access_token is not None
        given: dict[str, Any] = {
            "payment_request_id": clock.fresh_id("P"),
            "amount": amount,
            "wallet": "GCASH",
            "access_token": token.access_token,
            "order_reference": clock.fresh_id("O"),
            "order_description": "Monthly plan",
            "settlement_currency": "USD",
            "expires_at": clock.now() + timedelta(seconds=50),
            "notify_url": "",
            "terminal": TERMINAL,
            "buyer_reference": "buyer-1",
        }
        return PaymentRequest(**given | changed)

    def refund(self, paid: PaymentResult, amount: Money = PART) -> RefundRequest:
        return RefundRequest(
            refund_request_id=clock.fresh_id("R"),
            payment_id=paid.payment_id,
            amount=amount,
            reason="item returned",
            notify_url="",
        )

    def paid(self) -> tuple[PaymentRequest, PaymentResult]:
        """A payment that succeeded."""
        request = self.payment(self.binds())
        result = self.acquirer.pay(request)
        assert result.outcome is Outcome.SUCCESS, result
        return request, result


@pytest.fixture(params=sorted(ADAPTERS))
def side(request: pytest.FixtureRequest, sandbox: Sandbox) -> Side:
    name = str(request.param)
    credentials = CONNECTED[name](sandbox)
    return Side(name, credentials, SandboxControl(sandbox.url), ADAPTERS[name].speak(credentials))


class Mailbox:
    """Where the other side's messages arrive. They are read and answered as the portal's door does."""

    def __init__(self, peer: Peer, side: Side) -> None:
        self._peer, self._side = peer, side
        self.allows: bool | None = True
        self.refused: list[str] = []
        self.read: list[InboundMessage] = []
        self.heard = peer.heard
        peer.will(self._answer)
        urls = {kind: f"{peer.url}/notify/shop/{kind}" for kind in ("authorization", "payment", "refund", "unbinding")}
        mine = dict(ADAPTERS[side.name].connecting.notifications)
        side.control.notify_urls(
            client_id=side.credentials.client_id, **{kind: url for kind, url in urls.items() if kind in mine}
        )

    def _answer(self, heard: Heard) -> Reply:
        acquirer = self._side.acquirer
        try:
            inbound = acquirer.read(path=heard.uri, headers=heard.headers, body=heard.body)
        except BadSignature as reason:
            self.refused.append(reason.code)
            answer = acquirer.acknowledge(path=heard.uri, now=clock.now(), accepted=False)
        else:
            self.read.append(inbound)
            allows = self.allows if isinstance(inbound.message, UnbindingQuestion) else None
            answer = acquirer.acknowledge(path=heard.uri, now=clock.now(), allows=allows)
        return Reply(answer.body, status=answer.status, client_id=None, is_signed=False, more_headers=answer.headers)

    def messages(self, kind: type) -> list[Any]:
        return [inbound.message for inbound in self.read if isinstance(inbound.message, kind)]


@pytest.fixture
def mailbox(side: Side) -> Iterator[Mailbox]:
    with listening() as peer:
        yield Mailbox(peer, side)
