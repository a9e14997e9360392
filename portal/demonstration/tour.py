"""The whole story without a person: each step is done, checked, and told in a line or two.

Everybody is invented; every call is signed and crosses a socket between two processes. A step that does not end as it
should ends the tour with a sentence; at the end the portal is compared with the sandbox's own books.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta

from authorizations.errors import WalletNotActive
from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments import operations as paying
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import clock
from portal.acquirer.wallets import name_of
from portal.actor import Actor
from portal.clock import ACQUIRER_ZONE
from portal.demonstration import agreement
from portal.demonstration.customers import PHONE, Customer, StoryBroken
from portal.demonstration.timekeeping import Time
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl
from reconciliation import operations as reconciling
from reconciliation import queries as reports
from reconciliation.models import Batch, Discrepancy, Reason, ReportFile, Resolution, SettlementRow, SummaryRow
from reconciliation.reading import gather
from reconciliation.row_types import SETTLED

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in UTC+8."""
BY = Actor.command("tour")
Say = Callable[[str, str], None]
"""(title of a step or nothing, a line about it)."""

_LATE_SECONDS = 90
"""The notification comes after the portal has asked, so that it is the asking that heals."""
_SHORT_BY = 50_00
_REPORTED_AT = timedelta(hours=8, minutes=30)
"""After midnight, when the other acquirer's reports of a day are there."""
_KINDS = ("transactionItems", "settlementItems", "settlementSummary")
"""In this order: what is settled refers to what happened."""
_CLEARING = frozenset({"transactionItems", "feeItems", "summary"})


class Tour:
    """One tour, against an account that nothing has happened on yet."""

    def __init__(self, control: SandboxControl, account: AcquirerAccount, say: Say) -> None:
        self._control, self._account, self._say = control, account, say
        self._time = Time(control)
        self._taken_before = {user["id"]: len(control.taken_from(user["id"])) for user in control.users()}
        self._ana = self._customer("ana", "GCASH")
        self._paolo = self._customer("paolo", "GCASH")
        self._budi = self._customer("budi", "DANA")
        self._somchai = self._customer("somchai", "DIRECT_DEBIT_SIAMCOMMERCIALBANK")
        self._meiling = self._customer("meiling", "ALIPAY_HK")

    def _customer(self, user: str, wallet: str) -> Customer:
        return Customer(self._control, self._account, user, wallet)

    def play(self) -> list[str]:
        """Play every step. Returns what portal and sandbox say differently in the end. Raises StoryBroken."""
        self._bind()
        paid = self._pay()
        self._lose_an_answer()
        self._refuse()
        self._refund_a_part(paid)
        self._cancel()
        self._give_back_what_cannot_be_cancelled()
        self._revoke_in_the_wallet()
        day = self._close_the_day(paid)
        planted = self._import(day)
        self._explain(planted)
        return self._compare()

    # The steps.

    def _bind(self) -> None:
        wallet = self._ana.binds()
        _expect(wallet.status == WalletStatus.ACTIVE, f"{wallet} is {wallet.status} after binding.")
        code = wallet.authorizations.get().auth_state
        self._say("Bind", f"Ana agrees in {name_of(wallet.wallet)}: {wallet.login_label}, wallet {wallet.public_id}.")
        self._say("", f"Her code was used once, for authState {code}; the token stays in the portal.")

    def _pay(self) -> Payment:
        payment = self._buys(self._ana, "KAPE-PASS")
        _expect(payment.order.status == OrderStatus.PAID, f"Order {payment.order} is {payment.order.status}.")
        self._say("Pay", f"Order {payment.order}: {payment.amount} debited by {payment}.")
        return payment

    def _lose_an_answer(self) -> None:
        self._control.fault("answer_lost", api="pay")
        self._control.fault("notification_late", notification="notifyPayment", seconds=_LATE_SECONDS)
        order = self._ana.orders([("CUP", 2)])
        payment = self._ana.pays(order)
        _expect(payment.status == PaymentStatus.PROCESSING, f"{payment} is {payment.status} without an answer.")
        self._say("Lost answer", f"Order {order}: {payment.amount} moves, then the line drops.")
        self._time.pass_for(minutes=5)
        payment.refresh_from_db()
        _expect(payment.status == PaymentStatus.SUCCEEDED, f"{payment} did not heal: {payment.status}.")
        self._expect_taken(self._ana, 2)
        messenger = Messenger(payment.changes.latest("pk").heard_from).label
        self._say("", f"{payment} is unknown until {messenger} brings the result: debited once.")

    def _refuse(self) -> None:
        self._paolo.binds()
        payment = self._buys(self._paolo, "CLASS", expected=PaymentStatus.FAILED)
        _expect(payment.order.status == OrderStatus.INIT, f"Order {payment.order} is {payment.order.status}.")
        self._expect_taken(self._paolo, 0)
        self._say("Refusal", f"Order {payment.order}: {payment.amount} is more than Paolo has ({payment.result_code}).")
        self._say("", "Nothing was debited, and the order may be paid another way.")

    def _refund_a_part(self, payment: Payment) -> None:
        part = Money(100_00, "PHP")
        refund = paying.refund(payment, part, by=BY, reason_code=ReasonCode.BUYER_REQUEST)
        self._time.settle()
        refund.refresh_from_db()
        _expect(refund.status == RefundStatus.SUCCEEDED, f"Refund {refund} is {refund.status}.")
        payment.refresh_from_db()
        self._say("Refund", f"{refund}: {part} of {payment.amount} goes back; {payment.refundable} can still follow.")

    def _cancel(self) -> None:
        self._budi.binds()
        payment = self._buys(self._budi, "MUG")
        back = paying.give_money_back(payment, by=BY, reason_code=ReasonCode.OUT_OF_STOCK)
        payment.refresh_from_db()
        _expect(isinstance(back, Cancel) and back.status == CancelStatus.CONFIRMED, f"{back} is {back.status}.")
        _expect(payment.status == PaymentStatus.CANCELLED, f"{payment} is {payment.status}.")
        self._say(
            "Cancel",
            f"Order {payment.order}: {payment.amount} paid with {name_of('DANA')} is cancelled the same day.",
        )
        self._say("", "Budi has everything back, and payment and cancel will settle to nothing.")

    def _give_back_what_cannot_be_cancelled(self) -> None:
        self._somchai.binds()
        payment = self._buys(self._somchai, "BEANS-250")
        back = paying.give_money_back(payment, by=BY, reason_code=ReasonCode.DAMAGED)
        _expect(isinstance(back, Refund) and back.status == RefundStatus.PROCESSING, f"{back} is {back.status}.")
        self._say(
            "Give back", f"Order {payment.order}: a bank in Thailand cannot cancel, so {payment.amount} is refunded."
        )
        self._time.pass_for(minutes=2)
        back.refresh_from_db()
        _expect(back.status == RefundStatus.SUCCEEDED, f"Refund {back} is {back.status}.")
        self._say("", f"The bank takes its time; {back} is done half a minute later.")

    def _revoke_in_the_wallet(self) -> None:
        wallet = self._meiling.binds()
        payment = self._buys(self._meiling, "COLD-BREW")
        self._meiling.revokes_in_the_wallet("not needed any more")
        self._time.settle()
        wallet.refresh_from_db()
        _expect(wallet.status == WalletStatus.REVOKED, f"{wallet} is {wallet.status} after its user ended it.")
        self._say("Revoke", f"Mei Ling pays {payment.amount}, then ends the agreement in her {name_of(wallet.wallet)}.")
        self._expect_no_charge(wallet)
        self._say("", f"The portal was told. Wallet {wallet.public_id} is charged no more; nothing was even sent.")

    def _close_the_day(self, paid: Payment) -> str:
        day = clock.acquirer_day(clock.now())
        self._control.plant("amount_short", request_id=paid.payment_request_id, by=_SHORT_BY)
        midnight = datetime.combine(clock.now().astimezone(ACQUIRER_ZONE), time.min, ACQUIRER_ZONE) + timedelta(days=1)
        self._time.pass_until(midnight + timedelta(minutes=30))
        files = self._files(day)
        _expect(len(files) == len(_KINDS), f"The acquirer wrote {len(files)} reports for {day}.")
        self._say("Day close", f"Midnight in UTC+8. The acquirer settles, and writes {files[0]},")
        self._say("", f"{' and '.join(files[1:])}.")
        return day

    def _files(self, day: str) -> list[str]:
        names = {file["kind"]: file["name"] for file in self._control.reports() if file["day"] == day}
        return [names[kind] for kind in _KINDS if kind in names]

    def _import(self, day: str) -> Discrepancy:
        for name in self._files(day):
            content = self._control.report(day, name).encode()
            outcome = reconciling.import_report(name, content, by=BY, account=self._account)
            _expect(outcome.result is reconciling.Result.IMPORTED, f"{name}: {outcome.sentence}")
            self._say("Import" if name.startswith(_KINDS[0]) else "", outcome.sentence)
        found = list(reports.open_discrepancies())
        _expect(len(found) == 1, f"{len(found)} discrepancies are open: {'; '.join(one.sentence for one in found)}")
        return found[0]

    def _explain(self, planted: Discrepancy) -> None:
        _expect(planted.reason == Reason.AMOUNT_DIFFERS, f"It is a discrepancy of another kind: {planted.sentence}")
        file = planted.file
        if file is None:
            raise StoryBroken("It is of no file.")
        self._tell_law("Discrepancy", file)
        self._say("", planted.sentence)
        reconciling.close(
            planted, by=BY, resolution=Resolution.CREDITED, note="Confirmed by telephone; comes with the next batch."
        )
        self._tell_law("Explained", file)
        _expect(not reports.open_discrepancies().exists(), "It is still open.")

    def _tell_law(self, title: str, file: ReportFile) -> None:
        for law in reports.law(file):
            self._say(
                title, f"reported {law.reported} = matched {law.matched} + explained {law.explained} + open {law.open}"
            )

    def _compare(self) -> list[str]:
        return [*self._differences(), *self._settlement()]

    def _differences(self) -> list[str]:
        """What the two say differently of everything but settlement."""
        ours = {"wallet_account__account": self._account}
        below = {f"payment__{path}": account for path, account in ours.items()}
        self._say(
            "Compare",
            f"{Order.objects.filter(account=self._account).count()} orders, {Payment.objects.filter(**ours).count()} "
            f"payments, {Refund.objects.filter(**below).count()} refunds, {Cancel.objects.filter(**below).count()} "
            f"cancel, {WalletAccount.objects.filter(account=self._account).count()} wallets, "
            f"{Batch.objects.filter(account=self._account).count()} batch.",
        )
        return agreement.differences(self._control, self._account)

    def _settlement(self) -> list[str]:
        """What the reports say was paid out, with what was planted added back, is what the books paid out."""
        books = self._control.ledger_balances()
        account, pending = f"settled:{self._account.client_id}", f"pending:{self._account.client_id}"
        found = [
            f"{Money(value, currency)} is still to be settled." for currency, value in books[pending].items() if value
        ]
        for batch in Batch.objects.filter(account=self._account):
            reported = sum(law.reported.value for law in reports.law_of_batch(batch))
            missing = -sum(Discrepancy.objects.filter(row__batch=batch).values_list("value", flat=True))
            paid_out = books[account].get(batch.currency, 0)
            if reported + missing != paid_out:
                found.append(
                    f"Batch {batch}: {Money(reported, batch.currency)} reported and "
                    f"{Money(missing, batch.currency)} missing, but {Money(paid_out, batch.currency)} paid out."
                )
        return found

    # What steps have in common.

    def _buys(self, customer: Customer, sku: str, *, expected: PaymentStatus = PaymentStatus.SUCCEEDED) -> Payment:
        payment = customer.pays(customer.orders([(sku, 1)]))
        self._time.settle()
        payment.refresh_from_db()
        payment.order.refresh_from_db()
        _expect(payment.status == expected, f"{payment} is {payment.status} ({payment.result_code}).")
        return payment

    def _expect_taken(self, customer: Customer, times: int) -> None:
        taken = self._control.taken_from(customer.user)[self._taken_before[customer.user] :]
        _expect(len(taken) == times, f"{customer.user} was debited {len(taken)} times: {taken}.")

    def _expect_no_charge(self, wallet: WalletAccount) -> None:
        order = self._meiling.orders([("CUP", 1)])
        before = len(self._control.payments())
        try:
            paying.pay(order, wallet, by=BY, terminal=PHONE)
        except WalletNotActive:
            _expect(len(self._control.payments()) == before, "A revoked wallet was charged.")
            return
        raise StoryBroken(f"Order {order} was charged to a revoked wallet.")


class SecondTour(Tour):
    """The same story through the account at the other acquirer: other keys, other words, and the same portal.

    A wallet asks here before its user ends an agreement, and a refund is repeated until it is final.
    """

    def play(self) -> list[str]:
        """Play every step. Returns what portal and sandbox say differently in the end. Raises StoryBroken."""
        self._say("Again", f"The same through {self._account}: another acquirer, and another protocol.")
        self._bind()
        paid = self._pay()
        self._lose_an_answer()
        self._refuse()
        self._refund_a_part(paid)
        self._repeat_a_refund(paid)
        self._cancel()
        self._revoke_in_the_wallet()
        self._expect_asked()
        cleared = self._import_cleared(self._close_the_cycle())
        settled = self._import_settled()
        return [*self._differences(), *self._compared_with_what_is_kept(cleared), *settled]

    def _close_the_cycle(self) -> str:
        """The day on which the clearing of today is reported."""
        day = datetime.combine(clock.now().astimezone(ACQUIRER_ZONE), time.min, ACQUIRER_ZONE) + timedelta(days=1)
        self._time.pass_until(day + _REPORTED_AT)
        self._say("Day close", "At eight in the morning the acquirer writes what it cleared, the fees, and a summary.")
        return f"{day:%Y%m%d}"

    def _import_cleared(self, day: str) -> dict[str, int]:
        """What was cleared of each payment and refund: minor units of the settlement currency."""
        self._import_all(day, _CLEARING)
        for batch in Batch.objects.filter(account=self._account):
            _expect(batch.details is not None and batch.summary is not None, f"Batch {batch} is not whole.")
            for law in reports.law_of_batch(batch):
                said = f"reported {law.reported} = matched {law.matched} + explained {law.explained}"
                self._say("", f"Batch {batch}: {said}")
        rows = SettlementRow.objects.filter(file__account=self._account)
        return {row.transaction_request_id: row.gross_value or 0 for row in rows}

    def _import_settled(self) -> list[str]:
        """What is paid for the clearing is what it comes to, and what the other side's books paid out."""
        day = datetime.combine(clock.now().astimezone(ACQUIRER_ZONE), time.min, ACQUIRER_ZONE) + timedelta(days=1)
        self._time.pass_until(day + _REPORTED_AT)
        self._say("Settlement", "A day later the clearing is paid.")
        self._import_all(f"{day:%Y%m%d}", {"settlement"})
        balances = self._control.ledger_balances()[f"settled:{self._account.client_id}"]
        found = []
        for currency, paid_out in balances.items():
            rows = SummaryRow.objects.filter(file__account=self._account, summary_type=SETTLED, currency=currency)
            told = sum(rows.values_list("settlement_value", flat=True))
            if told != paid_out:
                found.append(f"{Money(told, currency)} are settled here, but {Money(paid_out, currency)} are paid out.")
        return found

    def _import_all(self, day: str, kinds: Collection[str]) -> None:
        """Import what the acquirer wrote on a day, all of which must reconcile."""
        files = [
            (file["name"], self._control.report(day, file["name"], file["client_id"]).encode())
            for file in sorted(self._control.reports(), key=lambda file: str(file["name"]))
            if (file["client_id"], file["day"]) == (self._account.client_id, day) and file["kind"] in kinds
        ]
        _expect(bool(files), f"The acquirer wrote nothing on {day}.")
        title = "Import"
        for delivery in gather(files):
            if delivery.refusal is not None:
                raise StoryBroken(f"{delivery.name}: {delivery.refusal.message}")
            outcome = reconciling.import_report(delivery.name, delivery.content, by=BY, account=self._account)
            _expect(outcome.result is reconciling.Result.IMPORTED, f"{delivery.name}: {outcome.sentence}")
            if outcome.rows:
                self._say(title, outcome.sentence)
                title = ""
        found = reports.open_discrepancies().filter(file__account=self._account)
        _expect(not found.exists(), f"Open: {'; '.join(one.sentence for one in found)}")

    def _compared_with_what_is_kept(self, cleared: dict[str, int]) -> list[str]:
        ours = {
            payment.payment_request_id: payment.gross_settlement_value or payment.amount_value
            for payment in Payment.objects.filter(wallet_account__account=self._account, status=PaymentStatus.SUCCEEDED)
        }
        ours |= {
            refund.refund_request_id: -(refund.gross_settlement_value or refund.amount_value)
            for refund in Refund.objects.filter(
                payment__wallet_account__account=self._account, status=RefundStatus.SUCCEEDED
            )
        }
        return [
            f"{request_id} is worth {ours.get(request_id)} here, and {cleared.get(request_id)} in the clearing report."
            for request_id in sorted({*ours, *cleared})
            if ours.get(request_id) != cleared.get(request_id)
        ]

    def _repeat_a_refund(self, payment: Payment) -> None:
        part = Money(50_00, "PHP")
        self._control.fault("refund_stays_processing", seconds=_LATE_SECONDS)
        refund = paying.refund(payment, part, by=BY, reason_code=ReasonCode.BUYER_REQUEST)
        _expect(refund.status == RefundStatus.PROCESSING, f"Refund {refund} is {refund.status} at once.")
        self._time.pass_for(minutes=10)
        refund.refresh_from_db()
        _expect(refund.status == RefundStatus.SUCCEEDED, f"Refund {refund} did not heal: {refund.status}.")
        self._say("", f"{refund}: {part} more takes its time: the same request is repeated until it is final.")

    def _expect_asked(self) -> None:
        asked = self._control.notifications(kind="consultUnbinding", client_id=self._account.client_id)
        _expect(len(asked) == 1, f"The wallet asked {len(asked)} times before it ended the agreement.")
        _expect(asked[0]["status"] == "ACKNOWLEDGED", f"Its question is {asked[0]['status']}.")
        self._say("", "The wallet had asked first whether it may, and the portal's signed answer was: yes.")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StoryBroken(otherwise)
