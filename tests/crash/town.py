"""Who lives around the portal in these tests: an account at the sandbox, buyers with full purses, a server, staff.

Everything they do, they do over HTTP. Their purses are known, so that at the end every cent can be looked for.
"""

import re
import time
from html import unescape
from typing import Any

import requests
from django.contrib.auth.models import Group
from django.db.models import Model

from payments.models import Plan
from payments.operations.products import add_product
from payments.subscriptions.operations import add_plan
from payments.subscriptions.states import Interval
from portal import catalogue, merchant_keys, people
from portal.actor import Actor
from portal.gateways import adapter_of
from portal.models import AcquirerAccount, AcquirerKey, WebhookEndpoint
from portal.money import Money
from portal.roles import FINANCE, OPERATOR
from tests.crash.backend import Backend
from tests.crash.callers import PAUSE_SECONDS, Caller, Heard
from tests.crash.premises import Premises
from tests.factories import PASSWORD

PURSE = 9_000_000_00
WALLETS = {"GCASH": "PHP", "DANA": "IDR"}
DECLARED_WALLETS = {"ALIPAY_CN": "CNY"}
"""Where the acquirer speaks with customs."""
PRICES = {"PHP": 499_00, "IDR": 49_000_00, "CNY": 199_00}
DAILY, METERED, LATER = "daily", "metered", "later"
"""Plans: due at once and every day, the same at what the server posts, and due in a month."""
PLANS = (DAILY, METERED, LATER)
ZONE = "Asia/Manila"
MOST = {"value": "50000", "currency": "PHP"}
SKU = "pass"
BY = Actor.command("test")


class Town:
    """An acquirer account, and the people around it."""

    def __init__(self, premises: Premises, names: list[str], adapter: str = AcquirerAccount.Adapter.ANTOM) -> None:
        self.premises, self.control, self.names = premises, premises.control, names
        self.heard = Heard()
        self.backend: Backend | None = None
        self.account = _account(premises, adapter)
        key, text = merchant_keys.create(self.account, "shop server", by=BY)
        self.server = Caller(premises.url, self.heard, text)
        self.heard.secrets |= {text, key.digest, PASSWORD, premises.connection.merchant_private_key[60:120]}
        prices = {currency: Money(value, currency) for currency, value in PRICES.items()}
        product = add_product(self.account, SKU, "Monthly pass", description="", is_digital=True, prices=prices, by=BY)
        can_declare = adapter_of(self.account).capabilities.can_declare_customs
        self.wallets = {**WALLETS, **(DECLARED_WALLETS if can_declare else {})}
        for code, amount, trial_days in ((DAILY, 99_00, 0), (METERED, None, 0), (LATER, 99_00, 30)):
            plan = Plan(account=self.account, code=code, name=code.title(), product=product, currency="PHP", zone=ZONE)
            plan.amount_value, plan.trial_days, plan.interval, plan.charge_hour = amount, trial_days, Interval.DAY, 0
            add_plan(plan, by=BY)
        for name in names:
            self._fill(name)

    def _fill(self, name: str) -> None:
        self.control.add_user(name, name.title())
        for wallet in self.wallets:
            self.control.set_balance(name, wallet, PURSE)

    def listens(self) -> Backend:
        """Let the shop's own backend be told of everything from now on. Whoever calls this closes it."""
        self.backend = Backend()
        self.heard.secrets.add(self.backend.secret.partition("_")[2])
        WebhookEndpoint.objects.create(
            name="The shop", account=self.account, url=self.backend.url, secret=self.backend.secret
        )
        return self.backend

    def shopper(self, name: str, **options: Any) -> "Shopper":
        """Somebody who buys."""
        return Shopper(self, name, Caller(self.premises.url, self.heard, **options))

    def newcomer(self) -> "Shopper":
        """Somebody who was never here before, and has come in."""
        name = f"newcomer-{len(self.names)}"
        self.names.append(name)
        self._fill(name)
        shopper = self.shopper(name)
        shopper.comes_in()
        return shopper

    def staff(self, name: str) -> "Clerk":
        """Somebody at the desk, with a session of their own."""
        return Clerk(self, name)


def _account(premises: Premises, adapter: str) -> AcquirerAccount:
    line = premises.connection
    lines = {
        AcquirerAccount.Adapter.ANTOM: {
            "client_id": line.client_id,
            "merchant_private_key": line.merchant_private_key,
            "merchant_public_key": line.merchant_public_key,
            "acquirer_public_key": line.acquirer_public_key,
        },
        AcquirerAccount.Adapter.ALIPAYPLUS: line.alipayplus,
    }
    ours = lines[AcquirerAccount.Adapter(adapter)]
    account = AcquirerAccount.objects.create(
        name="Sandbox",
        slug="sandbox",
        adapter=adapter,
        gateway_url=premises.sandbox_url,
        client_id=ours["client_id"],
        private_key=ours["merchant_private_key"],
        public_key=ours["merchant_public_key"],
        settlement_currency="USD",
        notify_base_url=premises.url,
        app_id="3333010071465913",
        merchant_legal_name="Kape & Co Trading Inc.",
        # Antom takes one only where the contract has secondary merchants.
        merchant_reference="M001"
        if adapter_of(AcquirerAccount(adapter=adapter)).capabilities.needs_merchant_data
        else "",
    )
    catalogue.begin(account, {**WALLETS, **DECLARED_WALLETS})
    AcquirerKey.objects.create(account=account, version="1", public_key=ours["acquirer_public_key"])
    kinds = [kind for kind, _ in adapter_of(account).connecting.notifications]
    urls = {kind: f"{premises.url}/notify/sandbox/{kind}" for kind in kinds}
    premises.control.notify_urls(client_id=account.client_id, **urls)
    return account


class Shopper:
    """A buyer with a phone."""

    def __init__(self, town: Town, name: str, caller: Caller) -> None:
        self.town, self.name, self.caller = town, name, caller

    def comes_in(self) -> None:
        """Get a session from the shop's server, once."""
        if not self.caller.token:
            self.caller.token = self.town.server.post("sessions", {"customer": self.name}, key="")["token"]
            self.town.heard.secrets.add(self.caller.token)

    def begins(self, wallet: str) -> dict[str, Any]:
        """Press "add this wallet": an attempt, or the wallet when it is bound already."""
        wish = {"wallet": wallet, "terminal_type": "WAP", "os_type": "ANDROID"}
        begun: dict[str, Any] = self.caller.post("authorizations", wish, key="")
        return begun

    def agrees(self, begun: dict[str, Any]) -> dict[str, str]:
        """Agree in the wallet; the code as the mini program gets it."""
        decision = self.town.control.agree(begun["sign_str"], self.name, wallet=begun["wallet"])
        self.town.heard.secrets.add(decision["authCode"])
        return {"auth_code": decision["authCode"], "auth_state": decision["authState"]}

    def brings(self, begun: dict[str, Any], code: dict[str, str]) -> dict[str, Any]:
        """Bring the code."""
        brought: dict[str, Any] = self.caller.post(f"authorizations/{begun['id']}/code", code, key="")
        return brought

    def binds(self, wallet: str) -> str | None:
        """Bind a wallet, or find it bound; its id, or None where that did not come to an end (yet)."""
        begun = self.begins(wallet)
        if begun["status"] == "OFFERED":
            begun = self.brings(begun, self.agrees(begun))
        return begun["wallet_account"]["id"] if begun["wallet_account"] else None

    def orders(self, currency: str) -> str:
        """Order the pass; the order's number."""
        number: str = self.caller.post("orders", {"items": [{"sku": SKU, "quantity": 1}], "currency": currency})[
            "number"
        ]
        return number

    def pays(self, number: str, wallet_id: str, *, key: str | None = None) -> dict[str, Any]:
        """Press Pay."""
        wish = {"wallet_id": wallet_id, "terminal_type": "WAP", "os_type": "ANDROID"}
        answer: dict[str, Any] = self.caller.post(f"orders/{number}/pay", wish, key=key)
        return answer

    def subscribes(self, plan: str, wallet_id: str, *, key: str | None = None) -> str:
        """Agree to a plan; the subscription's number."""
        wish = {"plan": plan, "wallet_id": wallet_id, **({"most": MOST} if plan == METERED else {})}
        number: str = self.caller.post("subscriptions", wish, key=key)["id"]
        return number

    def buys(self, wallet: str = "GCASH") -> str:
        """Bind, order, pay; the order's number."""
        wallet_id = self.binds(wallet)
        assert wallet_id is not None
        number = self.orders(self.town.wallets[wallet])
        assert self.pays(number, wallet_id)["status"] == "PAID"
        return number


class Clerk:
    """A person at the desk: signs in, opens forms, presses buttons."""

    def __init__(self, town: Town, name: str) -> None:
        self._url, self._name = town.premises.url, name
        self._line = requests.Session()
        self._line.trust_env = False
        self.is_in = False
        roles = Group.objects.filter(name__in=(OPERATOR, FINANCE))
        people.add(name, PASSWORD, first_name=name.title(), last_name="Cruz", roles=list(roles), by=BY)

    def signs_in(self) -> None:
        """Through the page. Raises LookupError when the name is locked.

        An attempt counts as failed until it is known to be none: five that a kill cuts short lock a name for a while.
        """
        page = self._line.get(f"{self._url}/admin/login/", timeout=20)
        form = {
            "login": self._name,
            "password": PASSWORD,
            "csrfmiddlewaretoken": _hidden(page, "csrfmiddlewaretoken"),
        }
        page = self._line.post(f"{self._url}/admin/login/?next=/admin/", data=form, headers=self._from_here, timeout=20)
        page.raise_for_status()
        if "Too many attempts failed." in page.text:
            raise LookupError(_words(page.text)[:300])
        assert page.url == f"{self._url}/admin/", _words(page.text)[:300]
        self.is_in = True

    @property
    def _from_here(self) -> dict[str, str]:
        return {"Referer": self._url}

    def opens(self, row: Model, act: str) -> "Form":
        """Open the form of an act on a payment or the like. Raises LookupError when the act makes no sense now."""
        url = f"{self._url}/admin/payments/{row._meta.model_name}/{row.pk}/acts/{act}/"
        page = self._line.get(url, timeout=20)
        if 'name="once"' not in page.text:
            raise LookupError(_words(page.text))
        return Form(self, url, page)

    def presses(self, url: str, form: dict[str, str]) -> str:
        """Send a form; the words of the page it ends on."""
        page = self._line.post(url, data=form, headers=self._from_here, timeout=20)
        page.raise_for_status()
        return _words(page.text)


class Form:
    """A form as it was opened."""

    def __init__(self, clerk: Clerk, url: str, page: requests.Response) -> None:
        self._clerk, self._url = clerk, url
        self._hidden = {name: _hidden(page, name) for name in ("csrfmiddlewaretoken", "once", "saying")}
        amount = re.search(r'name="amount" value="([^"]*)"', page.text)
        self._amount = {"amount": amount[1].replace(",", "")} if amount else {}

    def is_sent(self, saying: str = "", **said: str) -> str:
        """Press the button; the words of the page it ends on."""
        pressed = {"saying": saying} if saying else {}
        return self._clerk.presses(self._url, self._hidden | self._amount | pressed | said)

    def is_sent_until_heard(self, saying: str = "", *, seconds: float = 60, **said: str) -> str:
        """Press the button, and the same button of the same page once more where no page came."""
        latest = time.monotonic() + seconds
        while True:
            try:
                return self.is_sent(saying, **said)
            except requests.RequestException:
                if time.monotonic() > latest:
                    raise
                time.sleep(PAUSE_SECONDS)


def _hidden(page: requests.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, f"{page.url} has no {name}: {_words(page.text)[:300]}"
    return unescape(found[1])


def _words(html: str) -> str:
    body = re.sub(r"<(script|style|svg|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()
