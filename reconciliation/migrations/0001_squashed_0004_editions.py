"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import django.db.models.deletion
import django.db.models.expressions
import portal.clock
import portal.encryption
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("reconciliation", "0001_initial"),
        ("reconciliation", "0002_batch_net"),
        ("reconciliation", "0003_list_indexes"),
        ("reconciliation", "0004_editions"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("payments", "0001_squashed_0007_bulk_refunds"),
        ("portal", "0001_squashed_0008_originals_and_news"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("actor_kind", models.CharField(editable=False, max_length=20)),
                ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                ("name", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("byte_size", models.PositiveIntegerField()),
                ("content", portal.encryption.EncryptedBinaryField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("TRANSACTIONS", "Transaction details"),
                            ("SETTLEMENT", "Settlement details"),
                            ("SUMMARY", "Settlement summary"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "edition",
                    models.CharField(
                        choices=[
                            ("E0-HK", "E0-HK, AlipayHK Auto Debit"),
                            ("E0", "E0, until about 2019"),
                            ("E1", "E1, 2018 to 2022"),
                            ("E2", "E2, 2022 and 2023"),
                            ("E3", "E3, 2023 to 2025"),
                            ("E4", "E4, the current one"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ARRIVED", "Being tried"),
                            ("REFUSED", "Refused"),
                            ("TRIED", "Tried, not imported"),
                            ("IMPORTING", "Being imported"),
                            ("IMPORTED", "Imported"),
                            ("UNDOING", "Being undone"),
                        ],
                        max_length=16,
                    ),
                ),
                ("row_count", models.PositiveIntegerField(default=0)),
                (
                    "amount_unit",
                    models.CharField(
                        choices=[("MAJOR", "major units (14.50)"), ("MINOR", "minor units (1450)")], max_length=8
                    ),
                ),
                ("amount_unit_basis", models.CharField(max_length=120)),
                (
                    "fee_sign",
                    models.CharField(
                        choices=[
                            ("CHARGE_NEGATIVE", "a charge is negative"),
                            ("CHARGE_POSITIVE", "a charge is positive"),
                        ],
                        max_length=16,
                    ),
                ),
                ("fee_sign_basis", models.CharField(max_length=300)),
                (
                    "fee_parts",
                    models.CharField(
                        choices=[
                            ("NONE", "no such fees in the file"),
                            ("BESIDE", "beside the total"),
                            ("INSIDE", "inside the total"),
                        ],
                        default="NONE",
                        max_length=8,
                    ),
                ),
                ("answers", models.JSONField(default=dict)),
                ("unknown_columns", models.JSONField(default=list)),
                ("absent_columns", models.JSONField(default=list)),
                ("report_day", models.CharField(blank=True, max_length=8)),
                ("preview", models.JSONField(blank=True, null=True)),
                ("forecast_at", models.DateTimeField(blank=True, null=True)),
                ("refusal_code", models.CharField(blank=True, max_length=32)),
                ("refusal", models.CharField(blank=True, max_length=1000)),
                ("differences", models.JSONField(default=list)),
                ("errand", models.JSONField(default=dict)),
                ("stage", models.CharField(blank=True, max_length=16)),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("begun_at", models.DateTimeField(blank=True, null=True)),
                ("tried_at", models.DateTimeField(default=portal.clock.now)),
                ("imported_at", models.DateTimeField(blank=True, null=True)),
                ("imported_by", models.CharField(blank=True, max_length=170)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="report_files",
                        to="portal.acquireraccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "settlement file",
                "ordering": ("-tried_at", "-pk"),
                "permissions": (
                    ("act_import_report", "Can try and import settlement files"),
                    ("act_discard_report", "Can discard settlement files that were only tried"),
                    ("act_undo_report", "Can undo the import of a settlement file"),
                ),
                "indexes": [models.Index(fields=["-tried_at", "-id"], name="report_file_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "sha256"), name="report_file_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["TRANSACTIONS", "SETTLEMENT", "SUMMARY"])),
                        name="report_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["ARRIVED", "REFUSED", "TRIED", "IMPORTING", "IMPORTED", "UNDOING"])
                        ),
                        name="report_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "IMPORTED"), _negated=True),
                            ("imported_at__isnull", False),
                            _connector="OR",
                        ),
                        name="imported_knows_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("IMPORTING", "UNDOING"))),
                        fields=("account",),
                        name="one_file_of_an_account_at_work",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("psp", models.CharField(blank=True, max_length=64, verbose_name="PSP")),
                ("currency", models.CharField(max_length=3)),
                ("batch_id", models.CharField(db_index=True, max_length=64)),
                ("initiated_on", models.DateField()),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("net_value", models.BigIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=portal.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="portal.acquireraccount"
                    ),
                ),
                (
                    "details",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="detailed_batches",
                        to="reconciliation.reportfile",
                    ),
                ),
                (
                    "summary",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="summed_batches",
                        to="reconciliation.reportfile",
                    ),
                ),
            ],
            options={
                "verbose_name": "settlement batch",
                "verbose_name_plural": "settlement batches",
                "ordering": ("-initiated_on", "-pk"),
                "constraints": [
                    models.UniqueConstraint(fields=("account", "psp", "currency", "batch_id"), name="batch_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                ("byte_size", models.PositiveIntegerField()),
                ("row_count", models.PositiveIntegerField()),
                ("encoding", models.CharField(max_length=8)),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="reconciliation.reportfile",
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
                "constraints": [models.UniqueConstraint(fields=("file", "number"), name="report_part_once")],
            },
        ),
        migrations.CreateModel(
            name="ReportTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("row_count", models.PositiveIntegerField()),
                ("reported_value", models.BigIntegerField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="totals",
                        to="reconciliation.reportfile",
                    ),
                ),
            ],
            options={
                "ordering": ("currency",),
                "constraints": [models.UniqueConstraint(fields=("file", "currency"), name="report_total_once")],
            },
        ),
        migrations.CreateModel(
            name="SettlementRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("MATCHED", "Matched"), ("EXPLAINED", "Explained"), ("OPEN", "Open")], max_length=12
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="reported currency")),
                ("reported_value", models.BigIntegerField()),
                ("matched_value", models.BigIntegerField(default=0)),
                ("explained_value", models.BigIntegerField(default=0)),
                ("open_value", models.BigIntegerField(default=0)),
                ("part", models.PositiveSmallIntegerField(default=0)),
                ("line_number", models.PositiveIntegerField()),
                ("identity", models.CharField(max_length=32)),
                ("occurrence", models.PositiveIntegerField(default=1)),
                ("printed_type", models.CharField(max_length=64)),
                ("transaction_type", models.CharField(max_length=64)),
                ("printed_status", models.CharField(blank=True, max_length=64)),
                ("transaction_id", models.CharField(blank=True, db_index=True, max_length=64)),
                ("original_transaction_id", models.CharField(blank=True, max_length=64)),
                ("transaction_request_id", models.CharField(blank=True, db_index=True, max_length=64)),
                ("original_transaction_request_id", models.CharField(blank=True, db_index=True, max_length=64)),
                ("reference_transaction_id", models.CharField(blank=True, max_length=64)),
                ("payment_method_type", models.CharField(blank=True, max_length=64)),
                ("transaction_value", models.BigIntegerField(blank=True, null=True)),
                ("transaction_currency", models.CharField(blank=True, max_length=3)),
                ("quote_currency_pair", models.CharField(blank=True, max_length=16)),
                ("quote_price", models.CharField(blank=True, max_length=32)),
                ("converted_value", models.BigIntegerField(blank=True, null=True)),
                ("gross_value", models.BigIntegerField(blank=True, null=True)),
                ("settlement_value", models.BigIntegerField(blank=True, null=True)),
                ("settlement_currency", models.CharField(blank=True, max_length=3)),
                ("fees", models.JSONField(default=dict)),
                ("fees_value", models.BigIntegerField(blank=True, null=True)),
                ("coupon_value", models.BigIntegerField(default=0)),
                ("raw", models.JSONField(default=dict)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="reconciliation.batch",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="reconciliation.reportfile"
                    ),
                ),
                (
                    "superseded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="supersedes",
                        to="reconciliation.settlementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("file_id", "part", "line_number"),
                "abstract": False,
                "indexes": [
                    models.Index(fields=["file", "state", "line_number"], name="row_by_state"),
                    models.Index(fields=["-file", "line_number"], name="row_as_printed"),
                    models.Index(
                        condition=models.Q(("state", "OPEN")), fields=["-file", "line_number"], name="row_open"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "reported_value",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("matched_value"), "+", models.F("explained_value")
                                    ),
                                    "+",
                                    models.F("open_value"),
                                ),
                            )
                        ),
                        name="settlementrow_obeys_the_law",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["MATCHED", "EXPLAINED", "OPEN"])),
                        name="settlementrow_state_known",
                    ),
                    models.UniqueConstraint(fields=("file", "part", "line_number"), name="row_line_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("batch__isnull", False)),
                        fields=("batch", "identity", "occurrence"),
                        name="row_once_per_batch",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_settlement", models.BooleanField()),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("PAYMENT", "Payment"),
                            ("REFUND", "Refund"),
                            ("CANCEL", "Cancel"),
                            ("DISPUTE", "Dispute"),
                            ("REVERSAL", "Reversal"),
                            ("DUPLICATE", "Second row of the same"),
                            ("DISAGREES", "Known by its id, but it disagrees"),
                        ],
                        max_length=12,
                    ),
                ),
                ("value", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "cancel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_matches",
                        to="payments.cancel",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_matches",
                        to="payments.payment",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_matches",
                        to="payments.refund",
                    ),
                ),
                (
                    "row",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="match",
                        to="reconciliation.settlementrow",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "matches",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_settlement", True), ("role", "PAYMENT")),
                        fields=("payment",),
                        name="payment_settled_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_settlement", True), ("role", "REFUND")),
                        fields=("refund",),
                        name="refund_settled_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_settlement", True), ("role", "CANCEL")),
                        fields=("cancel",),
                        name="cancel_settled_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                ["PAYMENT", "REFUND", "CANCEL", "DISPUTE", "REVERSAL", "DUPLICATE", "DISAGREES"],
                            )
                        ),
                        name="match_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ("PAYMENT", "REFUND", "CANCEL")), ("value", 0), _connector="OR"
                        ),
                        name="only_settling_has_value",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("role", "REFUND"), _negated=True), ("refund__isnull", False), _connector="OR"
                        ),
                        name="refund_match_has_refund",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("role", "CANCEL"), _negated=True), ("cancel__isnull", False), _connector="OR"
                        ),
                        name="cancel_match_has_cancel",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SummaryRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("MATCHED", "Matched"), ("EXPLAINED", "Explained"), ("OPEN", "Open")], max_length=12
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="reported currency")),
                ("reported_value", models.BigIntegerField()),
                ("matched_value", models.BigIntegerField(default=0)),
                ("explained_value", models.BigIntegerField(default=0)),
                ("open_value", models.BigIntegerField(default=0)),
                ("part", models.PositiveSmallIntegerField(default=0)),
                ("line_number", models.PositiveIntegerField()),
                ("printed_type", models.CharField(max_length=64)),
                ("summary_type", models.CharField(max_length=64)),
                ("count", models.PositiveIntegerField()),
                ("settlement_value", models.BigIntegerField()),
                ("fees", models.JSONField(default=dict)),
                ("raw", models.JSONField(default=dict)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="summary_rows",
                        to="reconciliation.batch",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="summary_rows",
                        to="reconciliation.reportfile",
                    ),
                ),
            ],
            options={
                "ordering": ("file_id", "line_number"),
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "reported_value",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("matched_value"), "+", models.F("explained_value")
                                    ),
                                    "+",
                                    models.F("open_value"),
                                ),
                            )
                        ),
                        name="summaryrow_obeys_the_law",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["MATCHED", "EXPLAINED", "OPEN"])),
                        name="summaryrow_state_known",
                    ),
                    models.UniqueConstraint(fields=("file", "part", "line_number"), name="summary_line_once"),
                    models.UniqueConstraint(fields=("batch", "summary_type"), name="summary_type_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Explanation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("FEE", "Settlement or adjustment fee"),
                            ("RESERVE", "Reserve or collateral"),
                            ("DISPUTE", "Dispute"),
                            ("ROUNDING", "Rounding"),
                            ("CORRECTION", "Correction line of the acquirer"),
                            ("NOT_SUCCESSFUL", "Not successful, so not counted"),
                            ("LATER_COPY", "Told by a fuller copy of the report"),
                        ],
                        max_length=16,
                    ),
                ),
                ("value", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "row",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="explanations",
                        to="reconciliation.settlementrow",
                    ),
                ),
                (
                    "summary_row",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="explanations",
                        to="reconciliation.summaryrow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("row__isnull", False), ("summary_row__isnull", True)),
                            models.Q(("row__isnull", True), ("summary_row__isnull", False)),
                            _connector="OR",
                        ),
                        name="explanation_of_one_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["FEE", "RESERVE", "DISPUTE", "ROUNDING", "CORRECTION", "NOT_SUCCESSFUL", "LATER_COPY"],
                            )
                        ),
                        name="explanation_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("NOT_IN_OUR_BOOKS", "Not in our books"),
                            ("AMOUNT_DIFFERS", "Amount differs"),
                            ("CURRENCY_DIFFERS", "Currency differs"),
                            ("STATUS_DIFFERS", "Status differs"),
                            ("TYPE_DIFFERS", "Type differs"),
                            ("SIGN_DIFFERS", "Sign differs"),
                            ("DUPLICATE", "Settled twice"),
                            ("AMBIGUOUS", "More than one candidate"),
                            ("DAY_DIFFERS", "Day differs"),
                            ("NET_DIFFERS", "Row does not add up"),
                            ("FEE_DIFFERS", "Fee differs"),
                            ("FX_DIFFERS", "Exchange rate differs"),
                            ("FEE_CURRENCY", "Fee in another currency"),
                            ("QUOTE_UNCLEAR", "Exchange rate unclear"),
                            ("TOO_PRECISE", "More decimals than the currency has"),
                            ("CURRENCY_UNKNOWN", "Currency unknown"),
                            ("UNKNOWN_TYPE", "Type unknown"),
                            ("UNEXPECTED_TYPE", "Type not used here"),
                            ("UNKNOWN_STATUS", "Status word unknown"),
                            ("PAYMENT_REVERSAL", "Payment reversal"),
                            ("REFUND_REVERSAL", "Refund reversal"),
                            ("FEE_SIGN_UNCLEAR", "Sign of the fees unclear"),
                            ("DETAILS_AWAITED", "Details not here yet"),
                            ("COUNT_DIFFERS", "Number of rows differs"),
                            ("TOTAL_DIFFERS", "Types do not add up to TOTAL"),
                            ("TOTAL_MISSING", "No TOTAL line"),
                            ("NOT_IN_SUMMARY", "Type not in the summary"),
                        ],
                        max_length=24,
                    ),
                ),
                ("sentence", models.CharField(max_length=400)),
                ("value", models.BigIntegerField(default=0)),
                ("currency", models.CharField(max_length=3)),
                ("stake_value", models.BigIntegerField(default=0)),
                ("stake_currency", models.CharField(max_length=3)),
                ("is_urgent", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(default=portal.clock.now)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_by", models.CharField(blank=True, max_length=170)),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("CONFIRMED", "The acquirer confirmed its figure"),
                            ("OTHER_CHANNEL", "Another sales channel of the same merchant id"),
                            ("TIMING", "Only a matter of days"),
                            ("CREDITED", "The acquirer corrects it in a later batch"),
                            ("ACCEPTED", "Accepted as a loss or a gain"),
                            ("OTHER", "Other (see note)"),
                            ("HEALED", "Settled by itself"),
                        ],
                        max_length=16,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=400)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="discrepancies",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="reconciliation.reportfile",
                    ),
                ),
                (
                    "row",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="reconciliation.settlementrow",
                    ),
                ),
                (
                    "summary_row",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="reconciliation.summaryrow",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "ordering": ("opened_at", "pk"),
                "permissions": (
                    ("act_close_discrepancy", "Can close discrepancies with a reason"),
                    ("act_take_discrepancy", "Can take discrepancies and check them again"),
                ),
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=["opened_at", "id"],
                        name="discrepancy_queue",
                    ),
                    models.Index(fields=["file", "closed_at"], name="discrepancy_of_file"),
                    models.Index(fields=["-opened_at", "-id"], name="discrepancy_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "reason__in",
                                [
                                    "NOT_IN_OUR_BOOKS",
                                    "AMOUNT_DIFFERS",
                                    "CURRENCY_DIFFERS",
                                    "STATUS_DIFFERS",
                                    "TYPE_DIFFERS",
                                    "SIGN_DIFFERS",
                                    "DUPLICATE",
                                    "AMBIGUOUS",
                                    "DAY_DIFFERS",
                                    "NET_DIFFERS",
                                    "FEE_DIFFERS",
                                    "FX_DIFFERS",
                                    "FEE_CURRENCY",
                                    "QUOTE_UNCLEAR",
                                    "TOO_PRECISE",
                                    "CURRENCY_UNKNOWN",
                                    "UNKNOWN_TYPE",
                                    "UNEXPECTED_TYPE",
                                    "UNKNOWN_STATUS",
                                    "PAYMENT_REVERSAL",
                                    "REFUND_REVERSAL",
                                    "FEE_SIGN_UNCLEAR",
                                    "DETAILS_AWAITED",
                                    "COUNT_DIFFERS",
                                    "TOTAL_DIFFERS",
                                    "TOTAL_MISSING",
                                    "NOT_IN_SUMMARY",
                                ],
                            )
                        ),
                        name="discrepancy_reason_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("row__isnull", True), ("summary_row__isnull", True), _connector="OR"),
                        name="discrepancy_of_one_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("row__isnull", False), ("summary_row__isnull", False), ("value", 0), _connector="OR"
                        ),
                        name="share_belongs_to_a_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("resolution", "")),
                            models.Q(("closed_at__isnull", False), models.Q(("resolution", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="closed_knows_why",
                    ),
                ],
            },
        ),
    ]
