"""Report files, batches, rows, what became of every amount in them, and what the bank credited.

The law of a file: *reported = matched + explained + open*, per currency, over the signed amounts the file reports.
Settlement details report the net of every row; the summary reports its TOTAL; transaction details, whose nets are blank
until the day after, report the transaction amounts of what was successful. Every row obeys the law by a constraint; the
file obeys it because the sums over matches, explanations and discrepancies are compared with what was read before any
of them existed (``queries.prove``).

Amounts are integers in minor units. Signs are the merchant's: what comes in is positive, a charge is negative.
"""

import json

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value

from payments.models import Cancel, Payment, Refund
from portal import clock
from portal.actor import Actor, ActorKind
from portal.encryption import EncryptedBinaryField, EncryptedTextField
from portal.models import AcquirerAccount, ActorFields
from portal.models.due import Due
from portal.money import Money
from reconciliation.calendars import NAME_LENGTH, Calendar, free_days
from reconciliation.contracts import Terms
from reconciliation.layouts import Edition, ReportKind, title_of
from reconciliation.row_types import ExplanationKind


class FileStatus(models.TextChoices):
    """Where a file stands. Its rows count from the moment it is IMPORTED, all at once, and not a moment longer."""

    ARRIVED = "ARRIVED", "Being tried"
    """Kept; the worker will read it."""
    REFUSED = "REFUSED", "Refused"
    """Kept with the reason: a person may answer what it asks, or look at how it differs."""
    TRIED = "TRIED", "Tried, not imported"
    """Read and shown; it counts for nothing yet."""
    IMPORTING = "IMPORTING", "Being imported"
    """Its rows are being written, and count for nothing yet."""
    IMPORTED = "IMPORTED", "Imported"
    UNDOING = "UNDOING", "Being undone"
    """Its rows count for nothing any more, and are being taken away."""


AT_WORK = (FileStatus.IMPORTING, FileStatus.UNDOING)
"""One file of an account at a time: what is decided about a row depends on the rows that count."""


class AmountUnit(models.TextChoices):
    """In which unit a file prints amounts."""

    MAJOR = "MAJOR", "major units (14.50)"
    MINOR = "MINOR", "minor units (1450)"


class FeeSign(models.TextChoices):
    """How a file prints what we are charged. Both are in use, by different acquirers."""

    CHARGE_NEGATIVE = "CHARGE_NEGATIVE", "a charge is negative"
    CHARGE_POSITIVE = "CHARGE_POSITIVE", "a charge is positive"


class FeeParts(models.TextChoices):
    """Where tax, processing and dispute fees stand in E1 to E3, whose total may or may not hold them."""

    NONE = "NONE", "no such fees in the file"
    BESIDE = "BESIDE", "beside the total"
    INSIDE = "INSIDE", "inside the total"


class RowState(models.TextChoices):
    """What became of a row."""

    MATCHED = "MATCHED", "Matched"
    EXPLAINED = "EXPLAINED", "Explained"
    OPEN = "OPEN", "Open"


class Reason(models.TextChoices):
    """Why a person must look."""

    NOT_IN_OUR_BOOKS = "NOT_IN_OUR_BOOKS", "Not in our books"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS", "Amount differs"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS", "Currency differs"
    STATUS_DIFFERS = "STATUS_DIFFERS", "Status differs"
    TYPE_DIFFERS = "TYPE_DIFFERS", "Type differs"
    SIGN_DIFFERS = "SIGN_DIFFERS", "Sign differs"
    DUPLICATE = "DUPLICATE", "Settled twice"
    AMBIGUOUS = "AMBIGUOUS", "More than one candidate"
    DAY_DIFFERS = "DAY_DIFFERS", "Day differs"
    NET_DIFFERS = "NET_DIFFERS", "Row does not add up"
    FEE_DIFFERS = "FEE_DIFFERS", "Fee differs"
    FX_DIFFERS = "FX_DIFFERS", "Exchange rate differs"
    FEE_CURRENCY = "FEE_CURRENCY", "Fee in another currency"
    QUOTE_UNCLEAR = "QUOTE_UNCLEAR", "Exchange rate unclear"
    TOO_PRECISE = "TOO_PRECISE", "More decimals than the currency has"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN", "Currency unknown"
    UNKNOWN_TYPE = "UNKNOWN_TYPE", "Type unknown"
    UNEXPECTED_TYPE = "UNEXPECTED_TYPE", "Type not used here"
    UNKNOWN_STATUS = "UNKNOWN_STATUS", "Status word unknown"
    PAYMENT_REVERSAL = "PAYMENT_REVERSAL", "Payment reversal"
    REFUND_REVERSAL = "REFUND_REVERSAL", "Refund reversal"
    FEE_SIGN_UNCLEAR = "FEE_SIGN_UNCLEAR", "Sign of the fees unclear"
    DETAILS_AWAITED = "DETAILS_AWAITED", "Details not here yet"
    COUNT_DIFFERS = "COUNT_DIFFERS", "Number of rows differs"
    TOTAL_DIFFERS = "TOTAL_DIFFERS", "Types do not add up to TOTAL"
    TOTAL_MISSING = "TOTAL_MISSING", "No TOTAL line"
    NOT_IN_SUMMARY = "NOT_IN_SUMMARY", "Type not in the summary"
    UNMATCHED = "UNMATCHED", "Unmatched by hand"
    """A person took the match away; nothing but a person decides on the row from then on."""
    MISSING = "MISSING", "Missing in settlement"
    """Ours, and in no report though its time is over: the only one that is of no file."""


class Resolution(models.TextChoices):
    """How a discrepancy ended."""

    CONFIRMED = "CONFIRMED", "The acquirer confirmed its figure"
    OTHER_CHANNEL = "OTHER_CHANNEL", "Another sales channel of the same merchant id"
    TIMING = "TIMING", "Only a matter of days"
    CREDITED = "CREDITED", "The acquirer corrects it in a later batch"
    ACCEPTED = "ACCEPTED", "Accepted as a loss or a gain"
    """Of earlier days: what is a loss or a gain is written off by now."""
    OTHER = "OTHER", "Other (see note)"
    WRITTEN_OFF = "WRITTEN_OFF", "Written off as a loss or a gain"
    MATCHED = "MATCHED", "Matched by hand"
    """Its share counts as matched; what of the row is not agreed has a discrepancy of its own."""
    HEALED = "HEALED", "Settled by itself"
    """What was awaited came, or the row was checked again and agrees; never chosen by a person."""


class ReportFile(ActorFields, Due):
    """One report as it was delivered. The same bytes are one row per account, whatever they are called.

    A report in several parts is one file: the archive of its parts.
    """

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="report_files")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    byte_size = models.PositiveBigIntegerField()
    content = EncryptedBinaryField()
    """The bytes, so that nothing the rows leave out is lost; of a large file they stand in its pieces."""
    kind = models.CharField(max_length=16, choices=ReportKind.choices)
    edition = models.CharField(max_length=8, choices=Edition.choices)
    status = models.CharField(max_length=16, choices=FileStatus.choices)
    row_count = models.PositiveIntegerField(default=0)
    amount_unit = models.CharField(max_length=8, choices=AmountUnit.choices)
    amount_unit_basis = models.CharField(max_length=120)
    """What the unit was decided on."""
    fee_sign = models.CharField(max_length=16, choices=FeeSign.choices)
    fee_sign_basis = models.CharField(max_length=300)
    fee_parts = models.CharField(max_length=8, choices=FeeParts.choices, default=FeeParts.NONE)
    answers = models.JSONField(default=dict)
    """What a person said where the file could not tell: ``unit``, ``fee_sign``, ``fee_parts``."""
    unknown_columns = models.JSONField(default=list)
    """Columns no table of the acquirer names: kept in every row's raw, and announced."""
    columns = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    """Printed names of the cells that its rows keep, in their order."""
    absent_columns = models.JSONField(default=list)
    """Documented columns that are not there though nothing needs them; told where there are unknown ones."""
    report_day = models.CharField(max_length=8, blank=True)
    """``YYYYMMDD`` in UTC+8, of transaction details whose name says it, and of clearing details."""
    preview = models.JSONField(null=True, blank=True)
    """What trying it showed; emptied by the import, whose rows then speak for themselves."""
    forecast_at = models.DateTimeField(null=True, blank=True)
    """When that was found out. Whatever is imported or undone in the account makes the worker find it out again."""
    refusal_code = models.CharField(max_length=32, blank=True)
    refusal = models.CharField(max_length=1000, blank=True)
    differences = models.JSONField(default=list)
    """Of a copy that differs from the batch that is here: row by row, what was and what is now; the first of them."""
    fee_drifts = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    """Of settlement details: in which ways most rows of a wallet are charged otherwise than agreed on."""
    errand = models.JSONField(default=dict)
    """Who asked for what is being done to it, and why."""
    stage = models.CharField(max_length=16, blank=True)
    """What the worker does with it right now."""
    rows_done = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField(null=True, blank=True)
    """When this stage began: with ``rows_done`` it tells the rate."""
    tried_at = models.DateTimeField(default=clock.now)
    imported_at = models.DateTimeField(null=True, blank=True)
    imported_by = models.CharField(max_length=170, blank=True)

    class Meta:
        ordering = ("-tried_at", "-pk")
        verbose_name = "settlement file"
        permissions = (
            ("act_import_report", "Can try and import settlement files"),
            ("act_discard_report", "Can discard settlement files that were only tried"),
            ("act_undo_report", "Can undo the import of a settlement file"),
        )
        indexes = [
            models.Index(fields=("-tried_at", "-id"), name="report_file_newest"),
            models.Index(fields=("account", "report_day"), condition=~Q(report_day=""), name="report_file_of_day"),
        ]
        constraints = [
            models.UniqueConstraint(fields=("account", "sha256"), name="report_file_once"),
            models.CheckConstraint(condition=Q(kind__in=ReportKind.values), name="report_kind_known"),
            models.CheckConstraint(condition=Q(status__in=FileStatus.values), name="report_status_known"),
            models.CheckConstraint(
                condition=~Q(status=FileStatus.IMPORTED) | Q(imported_at__isnull=False), name="imported_knows_when"
            ),
            models.UniqueConstraint(
                fields=("account",), condition=Q(status__in=AT_WORK), name="one_file_of_an_account_at_work"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """What it is called, where people read of it."""
        return title_of(self.edition, self.kind)


class ReportPiece(models.Model):
    """Some of the bytes of a large file, packed: the whole would be too much for memory, and for one column."""

    file = models.ForeignKey(ReportFile, models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    content = EncryptedBinaryField()

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=("file", "number"), name="report_piece_once")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class ReportPart(models.Model):
    """One of the files a report came in: by its hash the same file is known again, alone or in an archive."""

    file = models.ForeignKey(ReportFile, models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    byte_size = models.PositiveBigIntegerField()
    row_count = models.PositiveIntegerField()
    encoding = models.CharField(max_length=8)

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=("file", "number"), name="report_part_once")]

    def __str__(self) -> str:
        return self.name


class ReportTotal(models.Model):
    """What a file reports in one currency, added up from its text before anything was matched."""

    file = models.ForeignKey(ReportFile, models.CASCADE, related_name="totals")
    currency = models.CharField(max_length=3)
    row_count = models.PositiveIntegerField()
    reported_value = models.BigIntegerField()

    class Meta:
        ordering = ("currency",)
        constraints = [models.UniqueConstraint(fields=("file", "currency"), name="report_total_once")]

    def __str__(self) -> str:
        return str(self.reported)

    @property
    def reported(self) -> Money:
        return Money(self.reported_value, self.currency)


class Batch(models.Model):
    """One settlement: what the acquirer pays in one go."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="batches")
    psp = models.CharField("PSP", max_length=64, blank=True)
    """Empty as long as every file of it is of an edition that does not name one."""
    currency = models.CharField(max_length=3)
    batch_id = models.CharField(max_length=64, db_index=True)
    """``settlementBatchId``; not always numeric."""
    initiated_on = models.DateField()
    """``settlementInitiatedDate``, the acquirer's day."""
    details = models.ForeignKey(ReportFile, models.PROTECT, null=True, blank=True, related_name="detailed_batches")
    """The settlement details it was read from: at most one file, so that no batch is added up twice."""
    summary = models.ForeignKey(ReportFile, models.PROTECT, null=True, blank=True, related_name="summed_batches")
    row_count = models.PositiveIntegerField(default=0)
    """Rows of its details."""
    net_value = models.BigIntegerField(null=True, blank=True)
    """What it pays: the sum of its details; until they are here, the summary's TOTAL."""
    needs_booking = models.BooleanField(default=True, db_default=True)
    """Whether its rows may come to something else than what closed months have booked of it."""
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-initiated_on", "-pk")
        verbose_name = "settlement batch"
        verbose_name_plural = "settlement batches"
        indexes = [
            models.Index(fields=("account", "initiated_on"), name="batch_by_day"),
            models.Index(fields=("account", "initiated_on"), condition=Q(needs_booking=True), name="batch_to_book"),
        ]
        constraints = [models.UniqueConstraint(fields=("account", "psp", "currency", "batch_id"), name="batch_once")]

    def __str__(self) -> str:
        return self.batch_id

    @property
    def net(self) -> Money | None:
        return None if self.net_value is None else Money(self.net_value, self.currency)


class Accounted(models.Model):
    """A line that reports an amount, all of which is matched, explained or open."""

    state = models.CharField(max_length=12, choices=RowState.choices)
    currency = models.CharField("reported currency", max_length=3)
    reported_value = models.BigIntegerField()
    """The line's share in what the file reports."""
    matched_value = models.BigIntegerField(default=0)
    explained_value = models.BigIntegerField(default=0)
    open_value = models.BigIntegerField(default=0)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(reported_value=F("matched_value") + F("explained_value") + F("open_value")),
                name="%(class)s_obeys_the_law",
            ),
            models.CheckConstraint(condition=Q(state__in=RowState.values), name="%(class)s_state_known"),
        ]

    @property
    def reported(self) -> Money:
        return Money(self.reported_value, self.currency)


CELL_END = "\x1f"
"""Between the printed cells of a row: a control character, which no cell of a report may have."""


class SettlementRow(Accounted):
    """One line of a details report, as printed and as understood."""

    file = models.ForeignKey(ReportFile, models.PROTECT, related_name="rows", db_index=False)
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, blank=True, related_name="rows", db_index=False)
    """None in transaction details."""
    part = models.PositiveSmallIntegerField(default=0)
    line_number = models.PositiveIntegerField()
    """In its part; counts from 1, the header included."""
    identity = models.CharField(max_length=32)
    """Digest over type, ids, amount and currency: what makes two rows the same."""
    occurrence = models.PositiveIntegerField(default=1)
    """Two equal rows in one file are possible: two equal reserve movements."""
    printed_type = models.CharField(max_length=64)
    transaction_type = models.CharField(max_length=64)
    """The printed type in its one spelling; an unknown type as printed."""
    printed_status = models.CharField(max_length=64, blank=True)
    transaction_id = models.CharField(max_length=64, blank=True)
    original_transaction_id = models.CharField(max_length=64, blank=True)
    """The acquirer's id of the payment it is about; in E0 to E3."""
    transaction_request_id = models.CharField(max_length=64, blank=True)
    original_transaction_request_id = models.CharField(max_length=64, blank=True)
    reference_transaction_id = models.CharField(max_length=64, blank=True)
    payment_method_type = models.CharField(max_length=64, blank=True)
    transaction_value = models.BigIntegerField(null=True, blank=True)
    """Signed as printed; None for rows without an order and where it has too many decimals."""
    transaction_currency = models.CharField(max_length=3, blank=True)
    quote_currency_pair = models.CharField(max_length=16, blank=True)
    quote_price = models.CharField(max_length=32, blank=True)
    """As printed: a decimal of any length."""
    converted_value = models.BigIntegerField(null=True, blank=True)
    gross_value = models.BigIntegerField(null=True, blank=True)
    """The transaction amount in the settlement currency, converted by us."""
    settlement_value = models.BigIntegerField(null=True, blank=True)
    """Net, signed; None where transaction details do not know it yet."""
    settlement_currency = models.CharField(max_length=3, blank=True)
    fees = models.JSONField(default=dict)
    """Minor units by fee column, a charge negative whatever the file prints."""
    fees_value = models.BigIntegerField(null=True, blank=True)
    """The sum of those that add up, in the settlement currency; None where the file has none yet."""
    coupon_value = models.BigIntegerField(default=0)
    """What a discount that is not settled to us takes off the gross."""
    printed = models.TextField(blank=True, default="")
    """Every printed cell, personal data left out, in the order of the file's ``columns``; see ``raw``."""
    superseded_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="supersedes", db_index=False
    )
    """A later copy of the same transaction details."""

    class Meta(Accounted.Meta):
        ordering = ("file_id", "part", "line_number")
        # As few as will do, because a report has a million rows: one index by each id serves equality and prefix.
        indexes = [
            models.Index(fields=("transaction_id",), opclasses=["varchar_pattern_ops"], name="row_transaction"),
            models.Index(fields=("transaction_request_id",), opclasses=["varchar_pattern_ops"], name="row_request"),
            models.Index(
                fields=("original_transaction_request_id",), opclasses=["varchar_pattern_ops"], name="row_original"
            ),
            models.Index(fields=("superseded_by",), condition=Q(superseded_by__isnull=False), name="row_superseded"),
            models.Index(fields=("-file", "line_number"), condition=Q(state=RowState.OPEN), name="row_open"),
            models.Index(fields=("-file", "line_number"), condition=Q(state=RowState.EXPLAINED), name="row_explained"),
        ]
        constraints = [
            *Accounted.Meta.constraints,
            # In the order of the list, which is read by it.
            models.UniqueConstraint(F("file").desc(), F("line_number"), F("part"), name="row_line_once"),
            models.UniqueConstraint(
                fields=("batch", "identity", "occurrence"), condition=Q(batch__isnull=False), name="row_once_per_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file}, line {self.line_number}"

    @property
    def raw(self) -> dict[str, str]:
        """Every printed cell that is not empty, by its column."""
        if self.printed.startswith("{"):  # of rows from before their file kept its columns
            kept: dict[str, str] = json.loads(self.printed)
            return kept
        cells = self.printed.split(CELL_END)
        return {name: cell for name, cell in zip(self.file.columns, cells, strict=False) if cell}

    @property
    def net(self) -> Money | None:
        return None if self.settlement_value is None else Money(self.settlement_value, self.settlement_currency)

    @property
    def transaction_amount(self) -> Money | None:
        if self.transaction_value is None:
            return None
        return Money(self.transaction_value, self.transaction_currency)

    @property
    def fees_total(self) -> Money | None:
        return None if self.fees_value is None else Money(self.fees_value, self.settlement_currency)


class SummaryRow(Accounted):
    """One line of a settlement summary: a type, and how the details of its batch agree with it.

    A TOTAL line's share in the law is what the types leave of it, which is zero when they add up.
    """

    file = models.ForeignKey(ReportFile, models.PROTECT, related_name="summary_rows")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="summary_rows")
    part = models.PositiveSmallIntegerField(default=0)
    line_number = models.PositiveIntegerField()
    printed_type = models.CharField(max_length=64)
    summary_type = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    settlement_value = models.BigIntegerField()
    fees = models.JSONField(default=dict)
    raw = models.JSONField(default=dict)

    class Meta(Accounted.Meta):
        ordering = ("file_id", "line_number")
        constraints = [
            *Accounted.Meta.constraints,
            models.UniqueConstraint(fields=("file", "part", "line_number"), name="summary_line_once"),
            models.UniqueConstraint(fields=("batch", "summary_type"), name="summary_type_once"),
        ]

    def __str__(self) -> str:
        return f"{self.file}, {self.summary_type}"

    @property
    def net(self) -> Money:
        return Money(self.settlement_value, self.currency)


class Role(models.TextChoices):
    """As what a row belongs to something of ours."""

    PAYMENT = "PAYMENT", "Payment"
    REFUND = "REFUND", "Refund"
    CANCEL = "CANCEL", "Cancel"
    DISPUTE = "DISPUTE", "Dispute"
    REVERSAL = "REVERSAL", "Reversal"
    DUPLICATE = "DUPLICATE", "Second row of the same"
    DISAGREES = "DISAGREES", "Known by its id, but it disagrees"


SETTLING = (Role.PAYMENT, Role.REFUND, Role.CANCEL)
"""The roles in which something of ours is settled: once each."""


class Match(models.Model):
    """A row belongs to this payment, or to this refund or cancel of it, and so much of its amount is agreed."""

    row = models.OneToOneField(SettlementRow, models.CASCADE, related_name="match")
    is_settlement = models.BooleanField()
    """From settlement details; a match from transaction details settles nothing."""
    role = models.CharField(max_length=12, choices=Role.choices)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="settlement_matches")
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, blank=True, related_name="settlement_matches", db_index=False
    )
    cancel = models.ForeignKey(
        Cancel, models.PROTECT, null=True, blank=True, related_name="settlement_matches", db_index=False
    )
    value = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_by_hand = models.BooleanField(default=False, db_default=False)
    """A person said so, and no import and no check says otherwise."""

    class Meta:
        verbose_name_plural = "matches"
        indexes = [
            models.Index(
                fields=("payment",), condition=Q(is_settlement=True, role=Role.DISAGREES), name="match_disagrees"
            ),
            models.Index(fields=("refund",), condition=Q(refund__isnull=False), name="match_of_refund"),
            models.Index(fields=("cancel",), condition=Q(cancel__isnull=False), name="match_of_cancel"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("payment",), condition=Q(is_settlement=True, role=Role.PAYMENT), name="payment_settled_once"
            ),
            models.UniqueConstraint(
                fields=("refund",), condition=Q(is_settlement=True, role=Role.REFUND), name="refund_settled_once"
            ),
            models.UniqueConstraint(
                fields=("cancel",), condition=Q(is_settlement=True, role=Role.CANCEL), name="cancel_settled_once"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="match_role_known"),
            models.CheckConstraint(condition=Q(role__in=SETTLING) | Q(value=0), name="only_settling_has_value"),
            models.CheckConstraint(
                condition=~Q(role=Role.REFUND) | Q(refund__isnull=False), name="refund_match_has_refund"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.CANCEL) | Q(cancel__isnull=False), name="cancel_match_has_cancel"
            ),
            models.CheckConstraint(
                condition=Q(is_by_hand=False) | Q(is_settlement=True, role__in=SETTLING), name="by_hand_settles"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.row} → {self.refund or self.cancel or self.payment}"

    def settles(self) -> tuple[Role, int] | None:
        """What of ours it settles, by role and key; None where it settles nothing."""
        keys = {Role.PAYMENT: self.payment_id, Role.REFUND: self.refund_id, Role.CANCEL: self.cancel_id}
        key = keys.get(Role(self.role))
        return None if key is None or not self.is_settlement else (Role(self.role), key)


class Explanation(models.Model):
    """A part of a line that needs no person: a fee, a reserve movement, a rounding."""

    row = models.ForeignKey(SettlementRow, models.CASCADE, null=True, blank=True, related_name="explanations")
    summary_row = models.ForeignKey(SummaryRow, models.CASCADE, null=True, blank=True, related_name="explanations")
    kind = models.CharField(max_length=16, choices=ExplanationKind.choices)
    value = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(row__isnull=False, summary_row__isnull=True)
                | Q(row__isnull=True, summary_row__isnull=False),
                name="explanation_of_one_line",
            ),
            models.CheckConstraint(condition=Q(kind__in=ExplanationKind.values), name="explanation_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {Money(self.value, self.currency)}"


class Discrepancy(models.Model):
    """A difference that a person must explain. Closed with a reason, its share counts as explained.

    What is MISSING is of no file, but of an account, and about the payment or the refund that no report has.
    """

    file = models.ForeignKey(ReportFile, models.PROTECT, null=True, blank=True, related_name="discrepancies")
    account = models.ForeignKey(
        AcquirerAccount, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    """Of what is missing; of all else the file says it."""
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    row = models.ForeignKey(SettlementRow, models.PROTECT, null=True, blank=True, related_name="discrepancies")
    summary_row = models.ForeignKey(SummaryRow, models.PROTECT, null=True, blank=True, related_name="discrepancies")
    reason = models.CharField(max_length=24, choices=Reason.choices)
    sentence = models.CharField(max_length=400)
    """What differs, with both figures."""
    value = models.BigIntegerField(default=0)
    """Its share in what the file reports; zero where the amount is not in question."""
    currency = models.CharField(max_length=3)
    stake_value = models.BigIntegerField(default=0)
    """What may be lost or gained by it, signed as the merchant sees it."""
    stake_currency = models.CharField(max_length=3)
    is_urgent = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=clock.now)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="discrepancies"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=170, blank=True)
    resolution = models.CharField(max_length=16, choices=Resolution.choices, blank=True)
    note = models.CharField(max_length=400, blank=True)
    raised_at = models.DateTimeField(null=True, blank=True)
    """When it was last raised to the acquirer, if it was."""
    case_reference = models.CharField(max_length=64, blank=True, default="", db_default="")
    """What the acquirer calls the case."""

    class Meta:
        ordering = ("opened_at", "pk")
        verbose_name_plural = "discrepancies"
        permissions = (
            ("act_close_discrepancy", "Can close discrepancies with a reason, and open them again"),
            ("act_take_discrepancy", "Can take and assign discrepancies, and check them again"),
            ("act_match_discrepancy", "Can match rows by hand, and unmatch them"),
            ("act_write_off_discrepancy", "Can write discrepancies off"),
            ("act_raise_discrepancy", "Can raise discrepancies to the acquirer"),
        )
        indexes = [
            models.Index(fields=("opened_at", "id"), condition=Q(closed_at__isnull=True), name="discrepancy_queue"),
            models.Index(fields=("file", "closed_at"), name="discrepancy_of_file"),
            models.Index(
                fields=("file", "opened_at", "-id"),
                condition=Q(closed_at__isnull=True),
                name="discrepancy_open_of_file",
            ),
            models.Index(
                fields=("file",), condition=Q(closed_at__isnull=True, is_urgent=True), name="discrepancy_urgent"
            ),
            models.Index(fields=("-opened_at", "-id"), name="discrepancy_newest"),
            models.Index(
                fields=("account", "currency"),
                condition=Q(reason=Reason.MISSING, closed_at__isnull=True),
                name="discrepancy_missing",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=Reason.values), name="discrepancy_reason_known"),
            # Open or closed: one that heals and does not hold is opened again, and what a person said of it stands.
            models.UniqueConstraint(
                fields=("payment",), condition=Q(payment__isnull=False), name="payment_missing_once"
            ),
            models.UniqueConstraint(fields=("refund",), condition=Q(refund__isnull=False), name="refund_missing_once"),
            models.CheckConstraint(
                condition=(
                    Q(reason=Reason.MISSING, file__isnull=True, account__isnull=False)
                    & Q(row__isnull=True, summary_row__isnull=True, value=0)
                    & (Q(payment__isnull=False, refund__isnull=True) | Q(payment__isnull=True, refund__isnull=False))
                )
                | (
                    ~Q(reason=Reason.MISSING)
                    & Q(file__isnull=False, account__isnull=True, payment__isnull=True, refund__isnull=True)
                ),
                name="missing_is_of_no_file",
            ),
            models.CheckConstraint(
                condition=Q(row__isnull=True) | Q(summary_row__isnull=True), name="discrepancy_of_one_line"
            ),
            models.CheckConstraint(
                condition=Q(row__isnull=False) | Q(summary_row__isnull=False) | Q(value=0),
                name="share_belongs_to_a_line",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, resolution="") | (Q(closed_at__isnull=False) & ~Q(resolution="")),
                name="closed_knows_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} #{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a person."""
        return self.closed_at is None

    @property
    def whose(self) -> AcquirerAccount:
        """The account it is of."""
        found = self.file.account if self.file is not None else self.account
        assert found is not None  # noqa: S101 - the constraint
        return found

    @property
    def share(self) -> Money:
        return Money(self.value, self.currency)

    @property
    def stake(self) -> Money:
        return Money(self.stake_value, self.stake_currency)


class BulkStatus(models.TextChoices):
    """Where a decision on several discrepancies stands."""

    TRIED = "TRIED", "Tried, not carried out"
    """Read from a sheet; a person looks at it first."""
    RUNNING = "RUNNING", "Being carried out"
    DONE = "DONE", "Carried out"
    DISCARDED = "DISCARDED", "Discarded"


class BulkAct(models.TextChoices):
    """What is decided on one of them."""

    ASSIGN = "ASSIGN", "Assign"
    ACCEPT = "ACCEPT", "Accept"
    WRITE_OFF = "WRITE_OFF", "Write off"


class LineStatus(models.TextChoices):
    """What became of the decision on one of them."""

    WAITING = "WAITING", "Not yet"
    DONE = "DONE", "Done"
    ASKED = "ASKED", "Waits for a second person"
    REFUSED = "REFUSED", "Refused"


class BulkDecision(ActorFields, Due):
    """What one person decides on several discrepancies at once, with a line and a result for each."""

    act = models.CharField(max_length=60)
    """As the journal calls it."""
    status = models.CharField(max_length=10, choices=BulkStatus.choices)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    sheet_name = models.CharField(max_length=200, blank=True)
    """Of the spreadsheet it was read from; empty for what was ticked in the list."""
    passed_over = models.PositiveIntegerField(default=0)
    """Lines of the sheet without a decision."""
    reason_code = models.CharField(max_length=32, blank=True)
    note = models.CharField(max_length=256, blank=True)
    """For all of them; lines of a sheet have their own."""
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "bulk decision"
        permissions = (("act_decide_by_sheet", "Can decide discrepancies by a spreadsheet"),)
        constraints = [
            models.CheckConstraint(condition=Q(status__in=BulkStatus.values), name="bulk_decision_status_known"),
            models.CheckConstraint(
                condition=~Q(status=BulkStatus.DONE) | Q(finished_at__isnull=False),
                name="bulk_decision_done_knows_when",
            ),
        ]

    def __str__(self) -> str:
        return self.sheet_name or f"{self.act} #{self.pk}"

    @property
    def actor(self) -> Actor:
        """Whose act it is, whoever goes on with it."""
        key = self.decided_by_id if self.actor_kind == ActorKind.PERSON else None
        return Actor(ActorKind(self.actor_kind), self.actor_name, key)


class BulkDecisionLine(models.Model):
    """The decision on one discrepancy, and what became of it."""

    bulk = models.ForeignKey(BulkDecision, models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    """In the sheet, its first line counted; else in the list that was ticked."""
    discrepancy = models.ForeignKey(
        Discrepancy, models.DO_NOTHING, null=True, db_constraint=False, related_name="bulk_lines"
    )
    """May be gone: it goes with the import that is undone, and what was decided stays."""
    label = models.CharField(max_length=100)
    version = models.CharField(max_length=12, blank=True)
    """Of the discrepancy when the sheet was written: what has changed since is refused."""
    act = models.CharField(max_length=10, choices=BulkAct.choices, blank=True)
    reason_code = models.CharField(max_length=32, blank=True)
    note = models.CharField(max_length=256, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    """Whose it becomes."""
    status = models.CharField(max_length=8, choices=LineStatus.choices, default=LineStatus.WAITING)
    sentence = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("bulk", "position")
        verbose_name = "decision"
        constraints = [
            models.UniqueConstraint(fields=("bulk", "position"), name="decision_line_once"),
            models.CheckConstraint(condition=Q(status__in=LineStatus.values), name="decision_line_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=(LineStatus.WAITING, LineStatus.DONE, LineStatus.ASKED))
                | Q(act__in=BulkAct.values),
                name="decision_line_knows_what",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class CreditStatus(models.TextChoices):
    """Where an entry of our bank account stands."""

    OPEN = "OPEN", "Not matched"
    """A person says which batch it pays, or that it is none of the acquirer's."""
    MATCHED = "MATCHED", "Matched"
    SET_ASIDE = "SET_ASIDE", "Set aside"
    """A person said that it pays no batch."""
    DEBIT = "DEBIT", "Debit"
    """Taken from our bank account: shown, and matched with nothing."""


class CreditSource(models.TextChoices):
    """How an entry came here."""

    HAND = "HAND", "Entered by hand"
    CSV = "CSV", "Bank's CSV"
    CAMT053 = "CAMT053", "CAMT.053"


class MatchBasis(models.TextChoices):
    """On what a credit is taken for the payment of a batch, besides the amount."""

    NAMED = "NAMED", "The bank's text names the batch"
    DAY = "DAY", "Only this batch has the amount at that time"
    HAND = "HAND", "A person said so"


class BankCredit(ActorFields):
    """One entry of our bank account, as a statement lists it or a person has entered it, and what it pays.

    That is one batch, or a settlement of several clearing batches, whose shares say what of it belongs to each; a batch
    may be paid by several credits. The same entry in two statements is one row, and so is one that was entered by hand
    and stands in a statement later.
    """

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="bank_credits")
    currency = models.CharField("settlement currency", max_length=3)
    value = models.BigIntegerField()
    """What was credited; a debit is negative."""
    value_date = models.DateField()
    """The bank's day."""
    reference = models.CharField(max_length=64, blank=True, db_index=True)
    """What the bank calls the entry (``AcctSvcrRef``)."""
    text = models.CharField(max_length=2000, blank=True)
    """Whatever else the bank printed: end-to-end ids and remittance information."""
    source = models.CharField(max_length=8, choices=CreditSource.choices)
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    """Of the statement it stands in. One that was entered by hand gets it from the statement that lists it later."""
    line = models.PositiveIntegerField(null=True, blank=True)
    """Of a CSV its line, the header being 1; of a CAMT.053 the how-many-th entry."""
    identity = models.CharField(max_length=32)
    """Digest over currency, amount, value date and reference (without one: the text)."""
    occurrence = models.PositiveIntegerField(default=1)
    """Two equal entries in one statement are two."""
    status = models.CharField(max_length=12, choices=CreditStatus.choices)
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, blank=True, related_name="bank_credits")
    payout = models.ForeignKey(ReportFile, models.PROTECT, null=True, blank=True, related_name="bank_credits")
    """The settlement of several clearing batches that it pays with one transfer, in the place of one batch."""
    basis = models.CharField(max_length=8, choices=MatchBasis.choices, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True)
    matched_by = models.CharField(max_length=170, blank=True)
    is_held = models.BooleanField(default=False)
    """A person decided on it, and nothing but a person matches it from then on."""
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-value_date", "-pk")
        verbose_name = "bank credit"
        permissions = (
            ("act_enter_bank_credit", "Can enter bank credits by hand"),
            ("act_import_statement", "Can import bank statements"),
            ("act_match_bank_credit", "Can match bank credits, unmatch them and set them aside"),
            ("act_name_bank_difference", "Can name the cause of a difference at the bank, and take it back"),
        )
        indexes = [
            models.Index(fields=("-value_date", "-id"), name="bank_credit_newest"),
            models.Index(
                fields=("account", "currency", "value"), condition=Q(status=CreditStatus.OPEN), name="bank_credit_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=("account", "identity", "occurrence"), name="bank_credit_once"),
            models.UniqueConstraint(
                fields=("account", "file_sha256", "line"), condition=Q(file_sha256__gt=""), name="bank_line_once"
            ),
            models.CheckConstraint(condition=Q(status__in=CreditStatus.values), name="bank_credit_status_known"),
            models.CheckConstraint(condition=Q(source__in=CreditSource.values), name="bank_credit_source_known"),
            models.CheckConstraint(
                condition=Q(status=CreditStatus.DEBIT, value__lt=0) | (~Q(status=CreditStatus.DEBIT) & Q(value__gt=0)),
                name="bank_debit_is_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    Q(batch__isnull=False, payout__isnull=True) | Q(batch__isnull=True, payout__isnull=False),
                    status=CreditStatus.MATCHED,
                    matched_at__isnull=False,
                    basis__in=MatchBasis.values,
                )
                | (
                    ~Q(status=CreditStatus.MATCHED)
                    & Q(batch__isnull=True, payout__isnull=True, matched_at__isnull=True, basis="")
                ),
                name="bank_match_knows_why",
            ),
            models.CheckConstraint(
                condition=Q(source=CreditSource.HAND) | Q(file_sha256__gt="", line__isnull=False),
                name="bank_import_knows_its_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.value_date.isoformat()}"

    @property
    def amount(self) -> Money:
        return Money(self.value, self.currency)


class BankShare(models.Model):
    """What of a credit that pays a whole settlement belongs to one of its clearing batches; negative: it was netted."""

    credit = models.ForeignKey(BankCredit, models.CASCADE, related_name="shares")
    batch = models.OneToOneField(Batch, models.PROTECT, related_name="bank_share")
    """A clearing batch is settled once."""
    value = models.BigIntegerField()

    class Meta:
        ordering = ("credit_id", "pk")

    def __str__(self) -> str:
        return f"{self.amount} of {self.credit}"

    @property
    def amount(self) -> Money:
        return Money(self.value, self.credit.currency)


class BankCause(models.TextChoices):
    """Why the bank credited another amount than the acquirer paid."""

    BANK_CHARGE = "BANK_CHARGE", "Bank charge"
    FX = "FX", "Exchange by the bank"
    ROUNDING = "ROUNDING", "Rounding"
    OTHER = "OTHER", "Other (see note)"


class BankDifference(ActorFields):
    """A part of what a batch pays that the bank did not credit (or, negative, credited beyond it), with its cause."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="bank_differences")
    cause = models.CharField(max_length=12, choices=BankCause.choices)
    currency = models.CharField(max_length=3)
    value = models.BigIntegerField()
    note = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("created_at", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(cause__in=BankCause.values), name="bank_cause_known"),
            models.CheckConstraint(condition=~Q(value=0), name="bank_difference_is_one"),
            models.CheckConstraint(condition=~Q(cause=BankCause.OTHER) | ~Q(note=""), name="other_cause_has_a_note"),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()} {self.amount}"

    @property
    def amount(self) -> Money:
        return Money(self.value, self.currency)


COUNTING = Q(file__isnull=True) | Q(file__status=FileStatus.IMPORTED)
"""Which discrepancies count: those of files that do, and what is missing in all of them."""


class SettlementWatch(Due):
    """That somebody looks, once a day and after every import, whether an account settles what it should.

    The row is the job. It is made when an account is connected, or with its first report; nothing is written when
    something is paid.
    """

    account = models.OneToOneField(AcquirerAccount, models.PROTECT, related_name="+")
    since = models.DateTimeField()
    """What was made before is not expected: no report of ours can have it."""
    through = models.DateTimeField()
    """Whatever was made before is final, and settled, raised or not expected; only what is newer is looked through."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"settlement of {self.account}"


class SourceStep(models.TextChoices):
    """What a visit to a source does, in this order (``reconciliation.sftp.Step``)."""

    REACH = "REACH", "Reach the server"
    HOST_KEY = "HOST_KEY", "Know it by its host key"
    SIGN_IN = "SIGN_IN", "Sign in"
    DIRECTORY = "DIRECTORY", "List the directory"
    READ = "READ", "Read the files"


class SettlementCalendar(models.Model):
    """On which days an account's acquirer settles, as a person has taken it from the dashboard."""

    account = models.OneToOneField(AcquirerAccount, models.PROTECT, related_name="settlement_calendar")
    weekend = models.PositiveSmallIntegerField(default=0b1100000)
    """A bit for each weekday that is free, Monday the lowest."""

    class Meta:
        ordering = ("pk",)
        verbose_name = "settlement calendar"
        permissions = (("act_settlement_calendar", "Can edit settlement calendars"),)
        constraints = [
            models.CheckConstraint(condition=Q(weekend__lt=0b1111111), name="week_has_a_working_day"),
        ]

    def __str__(self) -> str:
        return str(self.account)

    def calendar(self) -> Calendar:
        """As days are counted by it."""
        listed = list(self.days.all())
        return Calendar(
            free_days(self.weekend),
            {one.day: one.name for one in listed if not one.is_working},
            {one.day: one.name for one in listed if one.is_working},
        )


class CalendarDay(models.Model):
    """A day that is not what its weekday says: a holiday, or a weekend day that is worked."""

    calendar = models.ForeignKey(SettlementCalendar, models.CASCADE, related_name="days")
    day = models.DateField()
    is_working = models.BooleanField()
    name = models.CharField(max_length=NAME_LENGTH, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("day",)
        constraints = [models.UniqueConstraint(fields=("calendar", "day"), name="calendar_day_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()


class ReportSource(Due):
    """An SFTP directory of an account that is looked at on a schedule. The row is the job."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="report_sources")
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64)
    directory = models.CharField(max_length=300, default="/")
    password = EncryptedTextField(blank=True, editable=False)
    private_key = EncryptedTextField(blank=True, editable=False)
    """In OpenSSH's form, its passphrase taken off; used instead of a password."""
    host_key = models.CharField(max_length=2000, blank=True, editable=False)
    """The server's public key as a person has confirmed it; empty: not yet, and nothing is told to the server."""
    offered_host_key = models.CharField(max_length=2000, blank=True, editable=False)
    """The key it showed that is not the confirmed one, for a person to compare."""
    every_minutes = models.PositiveSmallIntegerField(default=30)
    imports_at_once = models.BooleanField(default=True)
    """Whether a report that is recognised and asks nothing is imported; else every one waits for a person."""
    is_enabled = models.BooleanField(default=True)
    looked_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    """The last look that came to its end."""
    failed_step = models.CharField(max_length=12, choices=SourceStep.choices, blank=True, editable=False)
    problem = models.CharField(max_length=500, blank=True, editable=False)
    """Why the last look did not."""
    passed_over = models.PositiveIntegerField(default=0, editable=False)
    """Files of the last look whose names are not those of reports."""

    class Meta:
        ordering = ("pk",)
        verbose_name = "report source"
        permissions = (
            ("act_edit_source", "Can say where reports are fetched from"),
            ("act_look_at_source", "Can fetch reports now and test the connection"),
        )
        constraints = [
            models.UniqueConstraint(
                fields=("account", "host", "port", "username", "directory"), name="report_source_once"
            ),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65_535), name="source_port_is_one"),
            models.CheckConstraint(
                condition=Q(every_minutes__gte=5, every_minutes__lte=1_440), name="source_looks_every_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.username}@{self.host}{'' if self.port == 22 else f':{self.port}'}{self.directory}"


class SourceFileState(models.TextChoices):
    """Where a file of a source stands."""

    GROWING = "GROWING", "Awaited"
    """Seen; it is fetched once two looks have found it alike."""
    FETCHED = "FETCHED", "Fetched"
    """What became of it says the settlement file it was kept as."""
    REFUSED = "REFUSED", "Refused"
    """Fetched, and no report we take: a person looks why."""


class SourceFile(models.Model):
    """A file of a source as it was when it was seen: the same name with another size or time is another one."""

    source = models.ForeignKey(ReportSource, models.PROTECT, related_name="files")
    path = models.CharField(max_length=500)
    size = models.BigIntegerField()
    modified = models.BigIntegerField()
    """Seconds since 1970, by the server's clock."""
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=SourceFileState.choices, default=SourceFileState.GROWING)
    sentence = models.CharField(max_length=1000, blank=True)
    """What came of it, or why nothing did."""
    is_to_import = models.BooleanField(default=False)
    """The worker still tries what it was kept as; it is imported after that if it asks nothing."""
    reports = models.ManyToManyField(ReportFile, related_name="source_files", blank=True)
    seen_at = models.DateTimeField(default=clock.now)
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "fetched file"
        constraints = [
            models.UniqueConstraint(fields=("source", "path", "size", "modified"), name="source_file_once"),
            models.CheckConstraint(condition=Q(state__in=SourceFileState.values), name="source_file_state_known"),
            models.CheckConstraint(
                condition=Q(state=SourceFileState.GROWING) | Q(fetched_at__isnull=False), name="fetched_knows_when"
            ),
        ]
        indexes = [
            models.Index(
                fields=("source", "id"),
                condition=Q(state=SourceFileState.GROWING) | Q(is_to_import=True),
                name="source_file_pending",
            )
        ]

    def __str__(self) -> str:
        return self.path.rpartition("/")[2]


class AwaitedReport(models.Model):
    """A settlement that should be here and is not, with how many of ours wait for it. Counted anew with every look."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    day = models.DateField()
    """On which it was to be settled, the acquirer's day."""
    payment_count = models.PositiveIntegerField()
    refund_count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        ordering = ("day", "pk")
        constraints = [models.UniqueConstraint(fields=("account", "currency", "day"), name="awaited_report_once")]

    def __str__(self) -> str:
        return f"{self.currency}, {self.day}"


class FeeContract(models.Model):
    """What a wallet's payments cost by contract, from a day on. A new price is a new row; the older one holds before.

    ``reconciliation.contracts`` says how it is reckoned.
    """

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="fee_contracts")
    wallet = models.CharField(max_length=32)
    currency = models.CharField("settlement currency", max_length=3)
    rate = models.PositiveIntegerField()
    """Hundredths of a percent of the gross."""
    fixed_value = models.BigIntegerField(default=0)
    """On top, for each payment, in minor units of the settlement currency."""
    valid_from = models.DateField()
    """The acquirer's day of the payment."""
    drift_percent = models.PositiveSmallIntegerField(default=50)
    """Above this share of the wallet's rows in one report, the same difference is one incident."""

    class Meta:
        ordering = ("account_id", "wallet", "currency", "-valid_from")
        permissions = (("act_fee_contract", "Can set what payments cost by contract"),)
        constraints = [
            models.UniqueConstraint(
                fields=("account", "wallet", "currency", "valid_from"), name="fee_contract_once_a_day"
            ),
            models.CheckConstraint(condition=Q(rate__lte=10_000), name="fee_rate_at_most_all"),
            models.CheckConstraint(condition=Q(fixed_value__gte=0), name="fixed_fee_not_below_zero"),
            models.CheckConstraint(condition=Q(drift_percent__gte=1, drift_percent__lte=100), name="drift_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.wallet}, {self.currency}, {self.valid_from}"

    def terms(self) -> Terms:
        """As rows are held against it."""
        return Terms(
            self.pk, self.wallet, self.currency, self.rate, self.fixed_value, self.valid_from, self.drift_percent
        )


class PeriodStatus(models.TextChoices):
    """Whether a month's books are closed."""

    OPEN = "OPEN", "Open"
    LOCKED = "LOCKED", "Closed"


class Period(models.Model):
    """A month of an account's settlements, in the acquirer's days (UTC+8). Closed once, and never opened again.

    What comes to light later of a closed month is booked in the next one, by adjusting entries.
    """

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="periods")
    month = models.DateField()
    """Its first day."""
    status = models.CharField(max_length=8, choices=PeriodStatus.choices, default=PeriodStatus.OPEN)
    locked_at = models.DateTimeField(null=True, blank=True)
    locked_by = models.CharField(max_length=170, blank=True)
    reason_code = models.CharField(max_length=32, blank=True)
    note = models.CharField(max_length=256, blank=True)

    class Meta:
        ordering = ("-month", "-pk")
        verbose_name = "accounting month"
        permissions = (("act_lock_period", "Can close accounting months"),)
        constraints = [
            models.UniqueConstraint(fields=("account", "month"), name="period_once"),
            models.CheckConstraint(condition=Q(status__in=PeriodStatus.values), name="period_status_known"),
            models.CheckConstraint(
                condition=Q(status=PeriodStatus.OPEN, locked_at__isnull=True)
                | Q(status=PeriodStatus.LOCKED, locked_at__isnull=False),
                name="locked_knows_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"

    @property
    def is_open(self) -> bool:
        """Whether it is not closed yet."""
        return self.status == PeriodStatus.OPEN


class Ledger(models.TextChoices):
    """The accounts the settlement of a batch is booked on."""

    BANK = "BANK", "Bank"
    """What the bank has credited."""
    IN_TRANSIT = "IN_TRANSIT", "In transit to the bank"
    """What the acquirer pays, and neither a bank credit nor a named cause accounts for."""
    BANK_CHARGES = "BANK_CHARGES", "Bank charges"
    CLEARING = "CLEARING", "Clearing"
    """What buyers paid and got back, at the rate of the payment: cleared against the sales of the shop's own books."""
    FEES = "FEES", "Fees"
    COUPONS = "COUPONS", "Coupons not settled"
    FX = "FX", "Exchange gain or loss"
    ROUNDING = "ROUNDING", "Rounding"
    RESERVE = "RESERVE", "Reserve and collateral"
    DISPUTES = "DISPUTES", "Disputes"
    CORRECTIONS = "CORRECTIONS", "Corrections of the acquirer"
    ACQUIRER = "ACQUIRER", "Due from the acquirer"
    """Accepted because it comes, or is taken back, in a later batch."""
    OTHER_CHANNELS = "OTHER_CHANNELS", "Other sales channels"
    DIFFERENCES = "DIFFERENCES", "Differences accepted"
    WRITTEN_OFF = "WRITTEN_OFF", "Written off"
    SUSPENSE = "SUSPENSE", "Open discrepancies"


class Posting(models.Model):
    """One line of a closed month's journal: a debit is positive. Only ever added to; a batch's lines sum to nothing."""

    period = models.ForeignKey(Period, models.PROTECT, related_name="postings")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="postings")
    ledger = models.CharField(max_length=16, choices=Ledger.choices)
    currency = models.CharField(max_length=3)
    value = models.BigIntegerField()
    is_adjusting = models.BooleanField()
    """Of a batch of an earlier month, or one that was booked before."""

    class Meta:
        ordering = ("period", "batch", "ledger")
        constraints = [
            models.UniqueConstraint(fields=("period", "batch", "ledger"), name="posting_once"),
            models.CheckConstraint(condition=Q(ledger__in=Ledger.values), name="posting_ledger_known"),
            models.CheckConstraint(condition=~Q(value=0), name="posting_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_ledger_display()} {Money(self.value, self.currency)}"
