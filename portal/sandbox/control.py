"""The sandbox's control calls as Python verbs, for tests, the tour and the demo, over HTTP.

``Engine`` has the same verbs for those who share its process.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests

from portal.money import Money

_TIMEOUT_SECONDS = 30


class ControlFailed(Exception):
    """The sandbox refused a control call; the sentence is its own."""


class SandboxControl:
    """Every control call of a sandbox at ``base_url``."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        response = self._session.request(
            method,
            f"{self.base_url}/control{path}",
            json=(body or {}) if method == "POST" else None,
            params={name: value for name, value in query.items() if value is not None},
            timeout=_TIMEOUT_SECONDS,
        )
        answer = response.json()
        if response.status_code != 200:
            raise ControlFailed(answer.get("detail", f"HTTP {response.status_code}"))
        return answer

    # The clock.

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromisoformat(self._call("GET", "/clock")["now"])

    def move_clock(self, **span: float) -> datetime:
        """Move the clock by seconds, minutes, hours, days; then do what became due."""
        now = datetime.fromisoformat(self._call("POST", "/clock/move", dict(span))["now"])
        self.tick()
        return now

    def set_clock(self, to: datetime) -> datetime:
        """Move the clock to a moment that is not in its past; then do what became due."""
        now = datetime.fromisoformat(self._call("POST", "/clock/set", {"to": to.isoformat()})["now"])
        self.tick()
        return now

    def freeze_clock(self, at: datetime | None = None) -> datetime:
        """Let the clock stand still."""
        body = {"at": at.isoformat()} if at is not None else {}
        return datetime.fromisoformat(self._call("POST", "/clock/freeze", body)["now"])

    def unfreeze_clock(self) -> datetime:
        """Let the clock run on."""
        return datetime.fromisoformat(self._call("POST", "/clock/unfreeze")["now"])

    def run_clock_with_the_system(self) -> datetime:
        """Drop every offset of the clock."""
        return datetime.fromisoformat(self._call("POST", "/clock/system")["now"])

    def next_due(self) -> datetime | None:
        """When something will next be due, as far as is known."""
        due = self._call("GET", "/clock")["next_due"]
        return datetime.fromisoformat(due) if due else None

    def tick(self) -> int:
        """Do everything that is due now, notifications included; how many things were done."""
        done: int = self._call("POST", "/tick")["done"]
        return done

    # Faults and settings.

    def fault(self, word: str, **options: Any) -> int:
        """Let something go wrong; the fault's id. ``calls=`` or ``minutes=`` say how long (one call if neither)."""
        number: int = self._call("POST", "/faults", {"fault": word, **options})["id"]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force."""
        found: list[dict[str, Any]] = self._call("GET", "/faults")["faults"]
        return found

    def clear_faults(self, number: int | None = None) -> int:
        """End one fault or all; how many ended."""
        cleared: int = self._call("DELETE", "/faults" if number is None else f"/faults/{number}")["cleared"]
        return cleared

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The settings, after changing those named."""
        shown: dict[str, Any] = self._call("POST", "/settings", changes) if changes else self._call("GET", "/settings")
        return shown

    # Merchants and users.

    def register_merchant(self, **wish: Any) -> dict[str, Any]:
        """Add or change a merchant: client_id, public_key, key_version, notify_urls, wallets, …"""
        merchant: dict[str, Any] = self._call("POST", "/merchants", wish)
        return merchant

    def notify_urls(self, *, client_id: str | None = None, **urls: str) -> dict[str, Any]:
        """Set the dashboard's notification URLs: authorization=, payment=, refund=."""
        wish: dict[str, Any] = {"notify_urls": urls}
        if client_id is not None:
            wish["client_id"] = client_id
        return self.register_merchant(**wish)

    def webhook_secret(self, secret: str) -> None:
        """Let the shop's own backend know the secret that webhooks are signed with."""
        self._call("POST", "/webhook-secret", {"secret": secret})

    def merchants(self) -> list[dict[str, Any]]:
        """Every merchant."""
        return self._list("merchants")

    def users(self) -> list[dict[str, Any]]:
        """Everybody, with their accounts."""
        return self._list("users")

    def add_user(self, user: str, name: str) -> None:
        """Let a person exist."""
        self._call("POST", "/users", {"id": user, "name": name})

    def set_balance(self, user: str, wallet: str, value: int) -> Money:
        """Make an account hold exactly ``value`` minor units, opening it if need be."""
        return _money(self._call("POST", "/balances", {"user": user, "wallet": wallet, "value": value}))

    def balance(self, user: str, wallet: str) -> Money:
        """What an account holds. Raises ControlFailed."""
        for person in self.users():
            for account in person["accounts"]:
                if (person["id"], account["wallet"]) == (user, wallet):
                    return Money(account["balance"], account["currency"])
        raise ControlFailed(f"There is no user {user!r} in the wallet {wallet!r}.")

    def set_account_status(self, user: str, wallet: str, status: str) -> None:
        """ACTIVE, FROZEN, GONE, UNIDENTIFIED or RESTRICTED."""
        self._call("POST", "/accounts", {"user": user, "wallet": wallet, "status": status})

    def taken_from(self, user: str) -> list[Money]:
        """Every debit the user has had, oldest first."""
        return [_money(one) for one in self._call("GET", f"/users/{user}/taken")["taken"]]

    def given_back_to(self, user: str) -> list[Money]:
        """Every refund and cancel the user has had back, oldest first."""
        return [_money(one) for one in self._call("GET", f"/users/{user}/taken")["given_back"]]

    # Authorizations.

    def agree(self, url: str, user: str, *, wallet: str = "", lose_callback: bool = False) -> dict[str, Any]:
        """The user agrees: authCode, authState, returnUrl (None when the callback is lost).

        ``wallet``: the one picked, where the URL names none and the user has several.
        """
        body = {"url": url, "user": user, "wallet": wallet, "lose_callback": lose_callback}
        decision: dict[str, Any] = self._call("POST", "/authorizations/agree", body)
        return decision

    def refuse(self, url: str) -> dict[str, Any]:
        """The user refuses: authState, returnUrl; authCode is None."""
        decision: dict[str, Any] = self._call("POST", "/authorizations/refuse", {"url": url})
        return decision

    def login_code(self, wallet: str, user: str) -> str:
        """A login code, as my.getAuthCode gives it."""
        code: str = self._call("POST", "/login-codes", {"wallet": wallet, "user": user})["authCode"]
        return code

    def revoke_in_the_wallet(self, user: str, wallet: str, reason: str = "", client_id: str | None = None) -> int:
        """The user ends authorizations inside the wallet; how many ended."""
        body = {"user": user, "wallet": wallet, "reason": reason, "client_id": client_id}
        revoked: int = self._call("POST", "/tokens/revoke", body)["revoked"]
        return revoked

    # The sandbox's own truth.

    def _list(self, name: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"/{name}", **query)[name]
        return found

    def payments(self, **where: Any) -> list[dict[str, Any]]:
        """Payments, newest first; narrowed by payment_request_id=, status=, user_id=, …"""
        return self._list("payments", **where)

    def refunds(self, **where: Any) -> list[dict[str, Any]]:
        """Refunds, newest first."""
        return self._list("refunds", **where)

    def transactions(self, **where: Any) -> list[dict[str, Any]]:
        """Movements of money with their rate and fee, newest first."""
        return self._list("transactions", **where)

    def tokens(self, **where: Any) -> list[dict[str, Any]]:
        """Tokens, newest first; masked, with their SHA-256."""
        return self._list("tokens", **where)

    def declarations(self, **where: Any) -> list[dict[str, Any]]:
        """Customs declarations, newest first."""
        return self._list("declarations", **where)

    def calls(self, **where: Any) -> list[dict[str, Any]]:
        """Calls received, newest first, masked."""
        return self._list("calls", **where)

    def notifications(self, **where: Any) -> list[dict[str, Any]]:
        """Notifications with their attempts, newest first."""
        return self._list("notifications", **where)

    def resend_notification(self, number: int) -> None:
        """Make a notification due now."""
        self._call("POST", f"/notifications/{number}/resend")

    def drop_notification(self, number: int) -> None:
        """Never send a notification (again)."""
        self._call("POST", f"/notifications/{number}/drop")

    def finish_payment(self, payment: str, code: str = "SUCCESS") -> str:
        """Tell a payment in process (by either id) how to end; its status."""
        status: str = self._call("POST", f"/payments/{quote(payment, safe='')}/finish", {"code": code})["status"]
        return status

    def finish_refund(self, refund: str, code: str = "SUCCESS") -> str:
        """Tell a refund in process (by either id) how to end; its status."""
        status: str = self._call("POST", f"/refunds/{quote(refund, safe='')}/finish", {"code": code})["status"]
        return status

    def ledger(self, **where: Any) -> list[dict[str, Any]]:
        """Entries of the books, newest first; narrowed by reference=, account=, kind=."""
        found: list[dict[str, Any]] = self._call("GET", "/ledger", **where)["entries"]
        return found

    def ledger_balances(self) -> dict[str, dict[str, int]]:
        """What every account of the books holds. Raises ControlFailed when they do not balance."""
        answer = self._call("GET", "/ledger/balances")
        if answer["complaints"]:
            raise ControlFailed(" ".join(answer["complaints"]))
        balances: dict[str, dict[str, int]] = answer["balances"]
        return balances

    # Day close and reports.

    def close_day(self, day: str | None = None, edition: str | None = None) -> list[dict[str, Any]]:
        """Settle a day (``YYYYMMDD``, today if none is named); the files written: day, name, kind, client_id.

        Printed as an earlier ``edition`` (E1, E2, E3) where one is named.
        """
        wish = {name: value for name, value in (("day", day), ("edition", edition)) if value}
        files: list[dict[str, Any]] = self._call("POST", "/day-close", wish)["files"]
        return files

    def reports(self) -> list[dict[str, Any]]:
        """Every report written, newest day first."""
        return self._list("reports")

    def report(self, day: str, name: str, client_id: str | None = None) -> str:
        """The text of a report."""
        content: str = self._call("GET", f"/reports/{day}/{name}", client_id=client_id)["content"]
        return content

    def plant(self, kind: str, **options: Any) -> None:
        """Let the next settlement report be wrong.

        fee_differs, amount_short, missing_row, unknown_row or duplicated_row; ``request_id=`` aims it, and
        ``client_id=`` keeps it for one merchant.
        """
        self._call("POST", "/plant", {"kind": kind, **options})

    def reset(self) -> None:
        """Forget everything but keys and settings."""
        self._call("POST", "/reset")


def _money(amount: dict[str, Any]) -> Money:
    return Money(amount["value"], amount["currency"])
