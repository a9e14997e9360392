"""Importing settlement details of any size as they flow: portion by portion, never all of them in memory.

First every row is written where it will stay. Plain ones (``plain``) are decided on at once, by what our books say of a
few thousand ids at a time; all others are written as open and undecided. Then these are decided on, a payment at a time
with whatever else speaks of it, by the one judgement there is (``judging``). Each portion is a transaction of its own
with everything that must be known to go on after it, so whoever comes next goes on there. Nothing of it counts before
the end, as with every import.

Decision: how the file prints its amounts is told by its first rows, and proved by all of them at the end; should they
say otherwise, it begins again with what they say. Passed over: reading the whole file twice, which costs a quarter of
the import and would find the same.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from authorizations.models import WalletAccount
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import copying
from reconciliation.books import Ids, open_books
from reconciliation.contracts import Contracts
from reconciliation.copying import among, day, given
from reconciliation.errors import ForeignMerchant
from reconciliation.layouts import ReportKind
from reconciliation.lines import (
    Answers,
    Conventions,
    FeeVotes,
    Line,
    decide_unit,
    identity_of,
    refuse_other_batch,
    refuse_too_large,
    refuse_too_large_sum,
    sign_fees,
    understand_details,
    understand_row,
)
from reconciliation.models import (
    CELL_END,
    AmountUnit,
    FeeContract,
    FeeParts,
    FeeSign,
    FileStatus,
    Match,
    ReportFile,
    Role,
    RowState,
    SettlementRow,
)
from reconciliation.plain import Candidate, Ours, is_as_agreed, is_plain, reader
from reconciliation.reading import Reading, Record
from reconciliation.reading.flow import Flow

SAMPLE = 2_000
"""Rows that tell how the file prints its amounts."""
PORTION = 10_000
"""Rows written in one transaction."""

ROW_COLUMNS = (
    "id", "file_id", "batch_id", "part", "line_number", "identity", "occurrence", "printed_type", "transaction_type",
    "printed_status", "transaction_id", "original_transaction_id", "transaction_request_id",
    "original_transaction_request_id", "reference_transaction_id", "payment_method_type", "transaction_value",
    "transaction_currency", "quote_currency_pair", "quote_price", "converted_value", "gross_value", "settlement_value",
    "settlement_currency", "fees", "fees_value", "coupon_value", "printed", "state", "currency", "reported_value",
    "matched_value", "explained_value", "open_value",
)  # fmt: skip
_IDENTITY, _OCCURRENCE = ROW_COLUMNS.index("identity"), ROW_COLUMNS.index("occurrence")
MATCH_COLUMNS = (
    "row_id", "is_settlement", "role", "payment_id", "refund_id", "cancel_id", "value", "currency", "is_by_hand",
)  # fmt: skip


class Otherwise(Exception):
    """All rows together say something else than the first ones about how the file prints its amounts."""

    def __init__(self, conventions: Conventions) -> None:
        super().__init__(conventions.fee_basis)
        self.conventions = conventions


@dataclass
class Written:
    """What is known of the rows that are written: kept with the file in the transaction that writes them."""

    conventions: dict[str, Any]
    rows: int = 0
    last_line: int = 1
    sums: dict[str, list[int]] = field(default_factory=dict)
    """By the PSP they print: number and net."""
    reported: int = 0
    votes: dict[str, Any] = field(default_factory=dict)
    agreed: dict[str, int] = field(default_factory=dict)
    """Plain rows whose fee is what was agreed on, by wallet and currency."""
    drifts: list[dict[str, Any]] | None = None
    """What most of them have in common, once all are written; None until somebody has looked."""


def conventions_of_first(flow: Flow, account: AcquirerAccount, answers: Answers) -> tuple[Conventions, list[Line]]:
    """How the file prints its amounts, told by its first rows. Raises UnitUnclear and FeesUnclear."""
    records = tuple(record_of(flow, number, cells) for number, cells in islice(flow.rows(), SAMPLE))
    sample = Reading(flow.layout, flow.header, flow.change, records, ())
    ours = {}
    if not any("." in record.raw.get(column, "") for record in records for column in flow.layout.amount_columns):
        ours = open_books(account, flow.layout.kind, [Ids.of_record(record) for record in records]).amounts()
    conventions = decide_unit(sample, ours, answers)
    details = understand_details(sample, conventions, usual_currency=account.settlement_currency, answers=answers)
    return details.conventions, details.lines


def record_of(flow: Flow, number: int, cells: Sequence[str]) -> Record:
    """A line as the careful way reads it."""
    words = flow.layout.words
    by_word = {words[name]: cell for name, cell in zip(flow.header, cells, strict=True) if name in words}
    raw = {name: cell for name, cell in zip(flow.header, cells, strict=True) if cell and name in flow.shown}
    return Record(0, number, by_word, raw, flow.layout)


class Prepared(NamedTuple):
    """A portion that only has to be written."""

    rows: list[tuple[copying.Value, ...]]
    matches: list[tuple[copying.Value, ...]]
    written: dict[str, Any]
    """What is known of the rows once it is."""

    def store(self) -> None:
        """Write it, inside a transaction. Raises IntegrityError."""
        copying.write(SettlementRow, ROW_COLUMNS, self.rows)
        copying.write(Match, MATCH_COLUMNS, self.matches)


@dataclass
class Sorted:
    """A portion: what is plain in it, and whose; and what is not."""

    plain: list[tuple[Candidate, Ours]]
    lines: list[Line]
    nets: dict[str, list[int]]
    """By the PSP they print: number and net of all its rows."""


class Sorter:
    """Reads the rows of one file portion by portion, and tells the plain ones from the others. Writes nothing.

    ``file`` is None where the file is kept nowhere; ``key_of`` gives the key of a batch by the PSP that a row prints.
    """

    def __init__(
        self,
        account: AcquirerAccount,
        file: ReportFile | None,
        flow: Flow,
        written: Written,
        key_of: Callable[[str, Line], int],
    ) -> None:
        self._account, self._file, self._flow = account, file, flow
        self.written, self._key_of = written, key_of
        self.conventions = _conventions_from(written.conventions)
        self.votes = FeeVotes(**_votes_from(written.votes))
        self._contracts = Contracts.of(one.terms() for one in FeeContract.objects.filter(account=account))
        self.has_contracts = bool(self._contracts.terms)
        self._taken = Taken()
        self.batches: dict[str, int] = {}
        self.currency = ""
        self._is_told = ReportFile.objects.filter(
            account=account, kind=ReportKind.TRANSACTIONS, status=FileStatus.IMPORTED
        ).exists()
        self._first: Line | None = None
        self._unusual = Perhaps()
        """Identities of undecided rows: a row like one of them is not the first of its kind, and so not plain."""

    def begin(self, first: Sequence[Line]) -> None:
        """Know the batch by the first line."""
        if first:
            self._first = first[0]
            self._know_batch(first[0])
        currency = self._first.settlement_currency if self._first is not None else ""
        self._read = reader(
            self._flow.header,
            self._flow.layout,
            self.conventions,
            merchant_id=self._account.customer_id,
            batch_id=self._first.batch_id if self._first is not None else "",
            currency=currency,
            batches=self.batches,
        )
        self.currency = currency

    def portions(self) -> Iterator[list[tuple[int, list[str]]]]:
        """The lines that are not written yet. Raises ReportRefused."""
        rows = self._flow.rows()
        for _ in islice(rows, self.written.rows):
            pass
        while portion := list(islice(rows, PORTION)):
            yield portion

    def sort(self, portion: Sequence[tuple[int, list[str]]]) -> Sorted:
        """Decide on what can be decided on. Raises ReportUnreadable and ForeignMerchant."""
        candidates: list[Candidate] = []
        rest: list[tuple[int, list[str]]] = []
        for number, cells in portion:
            found = self._read(number, cells)
            if found is None:
                rest.append((number, cells))
            else:
                candidates.append(found)
        plain: list[tuple[Candidate, Ours]] = []
        nets: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        agreed: Counter[str] = Counter()
        ours, told = self._look_up(candidates)
        lines = self._understand(rest, nets)
        rest = []
        currency, taken, has_contracts = self.currency, self._taken, self.has_contracts
        psp_of = {pk: psp for psp, pk in self.batches.items()}
        closed = 0
        odd = self._unusual.among([row.identity for row in candidates])
        for row in candidates:
            known = ours[row.role].get(row.name)
            is_agreed, terms = True, None
            if known is not None and has_contracts:
                is_agreed, terms = is_as_agreed(row, known, self._contracts, currency)
            if (
                known is None
                or row.identity in odd
                or not is_plain(row, known, currency)
                or (told and not _same_fees(told.get((row.row_type, row.request_id)), row, currency))
                or not is_agreed
                or not taken.take(row.role, known.key)
            ):
                odd.add(row.identity)
                self._unusual.add(row.identity)
                rest.append((row.line, row.cells))
                continue
            if terms is not None:
                agreed[terms.key] += 1
            closed += row.fees_value != 0
            counted = nets[psp_of[row.batch_pk]]
            counted[0] += 1
            counted[1] += row.net
            plain.append((row, known))
        self.votes.closed(closed, self.conventions.fee_sign)
        lines = sorted([*lines, *self._understand(rest, nets)], key=lambda line: line.number)
        self._count(portion, nets, agreed)
        return Sorted(plain, lines, nets)

    def prove(self, answers: Answers) -> None:
        """At the end: whether all rows print as the first ones told. Raises Otherwise, and FeesUnclear."""
        proved = replace(self.conventions)
        self.votes.decide(ReportKind.SETTLEMENT, proved, answers)
        if (proved.fee_sign, proved.fee_parts) != (self.conventions.fee_sign, self.conventions.fee_parts):
            raise Otherwise(proved)
        self.conventions = proved

    def _know_batch(self, line: Line) -> None:
        if line.psp not in self.batches:
            self.batches[line.psp] = self._key_of(line.psp, line)

    def _understand(self, rest: Sequence[tuple[int, list[str]]], nets: dict[str, list[int]]) -> list[Line]:
        lines: list[Line] = []
        expected = self._account.customer_id
        for number, cells in rest:
            record = record_of(self._flow, number, cells)
            found = record.cells.get("merchant_id")
            if expected and found is not None and found != expected:
                raise ForeignMerchant(
                    line=number, found=found[:64] or "without an id", account=self._account.name, expected=expected
                )
            line = understand_row(
                record, ReportKind.SETTLEMENT, self.conventions.unit, self._account.settlement_currency
            )
            if self._first is None:
                self._first = line
            refuse_other_batch(line, self._first.batch_id, self._first.settlement_currency)
            self._know_batch(line)
            self.votes.add(line)
            sign_fees(line, self.conventions)
            refuse_too_large(line)
            line.identity = identity_of(line)
            self._unusual.add(line.identity)
            counted = nets[line.psp]
            counted[0] += 1
            counted[1] += line.net or 0
            lines.append(line)
        return lines

    def _count(self, portion: Sequence[Any], nets: dict[str, list[int]], agreed: "Counter[str]") -> None:
        written = self.written
        written.rows += len(portion)
        written.last_line = portion[-1][0]
        for psp, (count, net) in nets.items():
            kept = written.sums.setdefault(psp, [0, 0])
            kept[0] += count
            kept[1] += net
            written.reported += abs(net)
        refuse_too_large_sum(written.last_line, written.reported)
        for key, count in agreed.items():
            written.agreed[key] = written.agreed.get(key, 0) + count
        written.votes = asdict(self.votes)

    def _look_up(
        self, candidates: Sequence[Candidate]
    ) -> tuple[dict[Role, dict[str, Ours]], dict[tuple[str, str], Money]]:
        names: dict[Role, list[str]] = defaultdict(list)
        for row in candidates:
            names[row.role].append(row.name)
        ours = {role: _ours(role, self._account.pk, found) for role, found in names.items()}
        contested = self._contested({one.payment_pk for found in ours.values() for one in found.values()})
        if contested:
            for role, found in ours.items():
                ours[role] = {name: one for name, one in found.items() if not _is_contested(role, one, contested)}
        told: dict[tuple[str, str], Money] = {}
        if self._is_told:
            rows = SettlementRow.objects.filter(
                file__account=self._account,
                file__kind=ReportKind.TRANSACTIONS,
                file__status=FileStatus.IMPORTED,
                superseded_by=None,
                fees_value__isnull=False,
                transaction_request_id__in=[row.request_id for row in candidates if row.request_id],
            ).values_list("transaction_type", "transaction_request_id", "fees_value", "settlement_currency")
            told = {(kind, name): Money(value or 0, code) for kind, name, value, code in rows}
        return ours, told

    def _contested(self, payments: set[int]) -> dict[int, list[tuple[str, int | None, int | None]]]:
        """What other settlements say of these payments, where it may bear on a row of this one."""
        found: dict[int, list[tuple[str, int | None, int | None]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT m.payment_id, m.role, m.refund_id, m.cancel_id FROM reconciliation_match m"  # noqa: S608 - as above
                " JOIN reconciliation_settlementrow r ON r.id = m.row_id"
                f" WHERE m.is_settlement AND {among('m.payment_id', 'bigint')} AND r.file_id <> %s",
                [given(payments), self._file.pk if self._file is not None else 0],
            )
            for payment, *said in cursor.fetchall():
                found[payment].append(tuple(said))
        return found


class Writer(Sorter):
    """Makes what is to be written of the rows of one file, portion by portion."""

    def __init__(self, file: ReportFile, flow: Flow, written: Written, key_of: Callable[[str, Line], int]) -> None:
        super().__init__(file.account, file, flow, written, key_of)
        self._kept = file
        self._under_way: dict[str, int] = {}
        """Identities of the last portion, which may be on its way to the database still, and their occurrences."""
        self._shown = [place for place, name in enumerate(flow.header) if name in flow.shown]

    def begin(self, first: Sequence[Line]) -> None:
        """Know the batch by the first line, and what an earlier attempt has matched."""
        super().begin(first)
        if not self.written.rows:
            return
        own = Match.objects.filter(row__file=self._kept, role__in=(Role.PAYMENT, Role.REFUND, Role.CANCEL))
        for role, *keys in own.values_list("role", "payment_id", "refund_id", "cancel_id").iterator():
            key = keys[(Role.PAYMENT, Role.REFUND, Role.CANCEL).index(Role(role))]
            self._taken.take(Role(role), key or 0)
        for (identity,) in self._kept.rows.filter(state=RowState.OPEN).values_list("identity").iterator():
            self._unusual.add(identity)

    def prepare(self, portion: Sequence[tuple[int, list[str]]]) -> Prepared:
        """Decide on what can be decided on. Raises ReportUnreadable and ForeignMerchant. Writes nothing."""
        found = self.sort(portion)
        keys = iter(copying.fresh_keys(SettlementRow, len(portion)))
        rows: list[tuple[copying.Value, ...]] = []
        matches: list[tuple[copying.Value, ...]] = []
        file_pk, currency = self._kept.pk, self.currency
        shown = self._shown if len(self._shown) != len(self._flow.header) else None
        for row, known in found.plain:
            key, net = next(keys), row.net
            cells = row.cells if shown is None else [row.cells[place] for place in shown]
            fees = "{}"
            if row.fees:
                fees = "{" + ", ".join([f'"{word}": {value}' for word, value in row.fees.items()]) + "}"
            rows.append((
                key, file_pk, row.batch_pk, 0, row.line, row.identity, 1, row.printed_type, row.row_type, "",
                row.transaction_id, row.original_id, row.request_id, row.original_request_id, row.reference_id,
                row.wallet, row.amount, row.currency, row.pair, row.price, row.converted, row.gross, net, currency,
                fees, row.fees_value, 0, CELL_END.join(cells), "MATCHED", currency, net, net, 0, 0,
            ))  # fmt: skip
            matches.append((
                key, "1", row.role.value, known.payment_pk, known.key if row.role is Role.REFUND else None,
                known.key if row.role is Role.CANCEL else None, net, currency, "0",
            ))  # fmt: skip
        lines = found.lines
        self._number_occurrences(lines, {str(row[_IDENTITY]) for row in rows} if lines else set())
        rows += [self._undecided(next(keys), line) for line in lines]
        self._under_way = {str(row[_IDENTITY]): int(row[_OCCURRENCE] or 0) for row in rows}
        return Prepared(rows, matches, asdict(self.written))

    def _number_occurrences(self, lines: Sequence[Line], plain: set[str]) -> None:
        """A plain row is the first of its kind, in this portion or an earlier one; of the others there may be some."""
        seen: Counter[str] = Counter()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT identity, max(occurrence) FROM reconciliation_settlementrow"  # noqa: S608 - no text from outside
                f" WHERE {among('batch_id', 'bigint')} AND {among('identity')} AND file_id = %s GROUP BY identity",
                [given(self.batches.values()), given({line.identity for line in lines}), self._kept.pk],
            )
            seen.update(dict(cursor.fetchall()))
        for line in lines:
            known = seen[line.identity], self._under_way.get(line.identity, 0), int(line.identity in plain)
            seen[line.identity] = max(known) + 1
            line.occurrence = seen[line.identity]

    def _undecided(self, key: int, line: Line) -> tuple[copying.Value, ...]:
        amount, net = line.amount, line.reported.value
        return (
            key, self._kept.pk, self.batches[line.psp], 0, line.number, line.identity, line.occurrence,
            line.printed_type, line.row_type, line.status, line.transaction_id, line.original_id, line.request_id,
            line.original_request_id, line.reference_id, line.wallet, None if amount is None else amount.value,
            "" if amount is None else amount.currency, line.pair, line.price, line.converted, line.gross, line.net,
            line.settlement_currency, json.dumps(line.fees), line.fees_sum, line.coupon,
            CELL_END.join([line.raw.get(name, "") for name in self._kept.columns]), "OPEN", line.reported.currency,
            net, 0, 0, net,
        )  # fmt: skip


def _is_contested(role: Role, one: Ours, contested: dict[int, list[tuple[str, int | None, int | None]]]) -> bool:
    """Whether another settlement has it, or has a row about its payment that may be decided on otherwise now."""
    for said, refund, cancel in contested.get(one.payment_pk, ()):
        if said in {Role.DUPLICATE, Role.DISAGREES}:
            return True
        key = {Role.PAYMENT: one.payment_pk, Role.REFUND: refund, Role.CANCEL: cancel}[role]
        if said == role and key == one.key:
            return True
    return False


def _same_fees(told: Money | None, row: Candidate, currency: str) -> bool:
    return told is None or told.currency != currency or told.value == row.fees_value


def _conventions_from(kept: dict[str, Any]) -> Conventions:
    return Conventions(
        AmountUnit(kept["unit"]),
        kept["unit_basis"],
        FeeSign(kept["fee_sign"]),
        kept["fee_basis"],
        FeeParts(kept["fee_parts"]),
        kept["fees_are_read"],
    )


def _votes_from(kept: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no numbers as keys."""
    by_sign = {name: {int(sign): count for sign, count in kept[name].items()} for name in ("beside", "inside") if kept}
    return {**kept, **by_sign}


# Our books, a portion at a time.


def _ours(role: Role, account: int, names: list[str]) -> dict[str, Ours]:
    """What these candidates name, by its name and by one query. The tables are those of ``payments``."""
    payment, wallet = Payment._meta.db_table, WalletAccount._meta.db_table
    parameters: list[str | int]
    if role is Role.PAYMENT:
        statement = (
            "SELECT p.payment_request_id, p.id, p.id, p.amount_value, p.currency, p.status,"  # noqa: S608 - no text from outside
            f" {day('p.paid_at')}, p.gross_settlement_value, p.gross_settlement_currency"
            f" FROM {payment} p JOIN {wallet} w ON w.id = p.wallet_account_id"
            f" WHERE w.account_id = %s AND {among('p.payment_request_id')}"
        )
        parameters = [account, given(names)]
    elif role is Role.REFUND:
        statement = (
            "SELECT r.refund_request_id, r.id, r.payment_id, r.amount_value, r.currency, r.status,"  # noqa: S608 - as above
            f" {day('r.refunded_at')}, r.gross_settlement_value, r.gross_settlement_currency"
            f" FROM {Refund._meta.db_table} r JOIN {payment} p ON p.id = r.payment_id"
            f" JOIN {wallet} w ON w.id = p.wallet_account_id WHERE w.account_id = %s AND {among('r.refund_request_id')}"
        )
        parameters = [account, given(names)]
    else:
        statement = (
            "SELECT p.payment_request_id, c.id, p.id, c.amount_value, p.currency, c.status, NULL, NULL, ''"  # noqa: S608 - as above
            f" FROM {Cancel._meta.db_table} c JOIN {payment} p ON p.id = c.payment_id"
            f" JOIN {wallet} w ON w.id = p.wallet_account_id"
            f" WHERE w.account_id = %s AND {among('p.payment_request_id')} AND c.status <> %s"
        )
        parameters = [account, given(names), CancelStatus.REFUSED]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = {row[0]: Ours._make(row[1:]) for row in cursor.fetchall()}
    if connection.vendor == "sqlite":
        for name, one in found.items():
            if one.happened_on is not None:
                found[name] = one._replace(happened_on=date.fromisoformat(str(one.happened_on)))
    return found


class Taken:
    """What of ours the file has settled so far, a bit each: ten million take a few megabytes."""

    _PAGE = 1 << 15

    def __init__(self) -> None:
        self._pages: dict[tuple[Role, int], bytearray] = {}

    def take(self, role: Role, key: int) -> bool:
        """Take it. False where it is taken."""
        number, place = divmod(key, self._PAGE)
        page = self._pages.get((role, number))
        if page is None:
            page = self._pages[role, number] = bytearray(self._PAGE >> 3)
        bit = 1 << (place & 7)
        if page[place >> 3] & bit:
            return False
        page[place >> 3] |= bit
        return True


class Perhaps:
    """A set of digests that may claim one too many, and never one too few, in some megabytes whatever is in it."""

    _FEW = 100_000
    _BITS = 1 << 26

    def __init__(self) -> None:
        self._few: set[str] = set()
        self._bits = bytearray()

    def add(self, digest: str) -> None:
        """Put it in."""
        if len(self._few) < self._FEW:
            self._few.add(digest)
        elif not self._bits:
            self._bits = bytearray(self._BITS >> 3)
        if self._bits:
            place = int(digest[:8], 16) % self._BITS
            self._bits[place >> 3] |= 1 << (place & 7)

    def among(self, digests: Sequence[str]) -> set[str]:
        """Those of them that are in it."""
        found = self._few.intersection(digests)
        if self._bits:
            found.update(digest for digest in digests if self._has_bit(digest))
        return found

    def _has_bit(self, digest: str) -> bool:
        place = int(digest[:8], 16) % self._BITS
        return bool(self._bits[place >> 3] & (1 << (place & 7)))
