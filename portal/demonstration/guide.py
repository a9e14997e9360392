"""What a visitor is told once the demo runs: where to look, whom to sign in as, what to try."""

from dataclasses import asdict, dataclass, field

from django.conf import settings

from portal import roles
from portal.demonstration.folder import DemoFolder
from portal.demonstration.history import Figures
from portal.demonstration.installation import Login

_MAY = {
    roles.ADMINISTRATOR: "everything, people and accounts included",
    roles.OPERATOR: "give money back, settle incidents, try messages again",
    roles.SUPPORT: "look things up, ask the acquirer, end an agreement",
    roles.FINANCE: "import reports, explain discrepancies, refund",
    roles.AUDITOR: "see everything, change nothing",
    roles.DEVELOPER: "see the wire, make test calls and merchant keys",
}
_COUNTED = (
    ("orders", "order"),
    ("payments", "payment"),
    ("refunds", "refund"),
    ("cancels", "cancel"),
    ("wallets", "wallet"),
    ("open_discrepancies", "open discrepancy"),
    ("open_incidents", "open incident"),
)
_RULE = "─" * 78


@dataclass
class Guide:
    """The text, from what is known of the demo."""

    folder: DemoFolder
    portal_url: str
    sandbox_url: str
    logins: list[Login] = field(default_factory=list)
    """With passwords, on the first run only."""
    merchant_key: str = ""
    figures: Figures | None = None

    def text(self, *, seconds: float) -> str:
        """All of it; ``seconds`` is how long it took to come so far."""
        return "\n".join(
            [_RULE, *self._places(), "", self.people(), "", *self._to_try(), _RULE, self._ending(seconds), ""]
        )

    def _places(self) -> list[str]:
        lines = [
            f"The desk           {self.portal_url}/admin/",
            f"The mini program   {self.sandbox_url}/miniprogram/",
            f"The sandbox        {self.sandbox_url}/   (wallets, ledger, faults, reports)",
            f"The API            {self.portal_url}/api/v1/docs/",
        ]
        if self.figures is not None:
            made = asdict(self.figures)
            lines += ["", ", ".join(_counted(made[name], word) for name, word in _COUNTED) + "."]
        return lines

    def people(self) -> str:
        """Whom to sign in as: with passwords on the first run, with the way to new ones later."""
        if not self.logins:
            prefix = "" if self.folder.path == settings.BASE_DIR / "var" else f"PORTAL_DATA={self.folder.path} "
            lines = [
                "The passwords were shown when the demo was made, and only their hashes are kept. A new one:",
                f"  {prefix}python manage.py changepassword operator",
                "or let --reset make everything anew.",
            ]
        else:
            lines = ["Sign in as   password (shown this once)   who may"]
            lines += [f"  {login.username:<10} {login.password:<28} {_MAY[login.role]}" for login in self.logins]
            lines += ["", f"Merchant key (shown this once)  {self.merchant_key}"]
        return "\n".join(lines)

    def _to_try(self) -> list[str]:
        newest = sorted(path.name for path in self.folder.reports.glob("*") if path.is_dir())[-1:]
        reports = self.folder.reports / "".join(newest)
        return [
            "Five things to try",
            "  1  Mini program, as Ana in GCash. She ended her agreement in the wallet; the portal found out when it",
            "     next debited her. Add GCash again, buy a flat white, press Pay, and find the order on the desk.",
            "  2  As operator: the results of a payment and a refund are unknown. Ask now, or let the refund end in",
            "     the sandbox (Payments), and it settles here by itself. The worker asks, too, ever more slowly.",
            "  3  As operator: open a payment of today, Give the money back. The page says what will happen.",
            "  4  As finance: a settlement row is short; explain it. Then upload the newest reports, transactionItems",
            "     first: a fee differs.",
            f"     {reports}",
            "  5  In the sandbox (Faults) let the next pay answer be lost, then pay in the mini program. It heals",
            "     while you watch, and nobody is debited twice.",
        ]

    def _ending(self, seconds: float) -> str:
        return f"Up after {seconds:.0f} seconds. Stop with Ctrl-C. What sandbox, worker and web say:"


def _counted(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
