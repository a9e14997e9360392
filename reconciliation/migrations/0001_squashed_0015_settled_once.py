"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import django.db.models.deletion
import django.db.models.expressions
import portal.clock
import portal.encryption
import portal.tables
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("reconciliation", "0001_initial"),
        ("reconciliation", "0002_batch_net"),
        ("reconciliation", "0003_list_indexes"),
        ("reconciliation", "0004_editions"),
        ("reconciliation", "0005_discrepancy_work"),
        ("reconciliation", "0006_periods"),
        ("reconciliation", "0007_bank_credits"),
        ("reconciliation", "0008_missing"),
        ("reconciliation", "0009_fee_contracts"),
        ("reconciliation", "0010_disagreeing_matches"),
        ("reconciliation", "0011_calendars"),
        ("reconciliation", "0012_report_sources"),
        ("reconciliation", "0013_bulk_decisions"),
        ("reconciliation", "0014_bulk"),
        ("reconciliation", "0015_settled_once"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("payments", "0001_squashed_0010_customs_ids_found"),
        ("portal", "0001_squashed_0013_keyed_fingerprints"),
    ]

    operations = [
        portal.tables.CreateModels(
            models=[
                migrations.CreateModel(
                    name="ReportFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                        ("actor_kind", models.CharField(editable=False, max_length=20)),
                        ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="report_files",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("sha256", models.CharField(max_length=64)),
                        ("byte_size", models.PositiveBigIntegerField()),
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
                                choices=[("MAJOR", "major units (14.50)"), ("MINOR", "minor units (1450)")],
                                max_length=8,
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
                        ("fee_drifts", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                        ("errand", models.JSONField(default=dict)),
                        ("stage", models.CharField(blank=True, max_length=16)),
                        ("rows_done", models.PositiveIntegerField(default=0)),
                        ("begun_at", models.DateTimeField(blank=True, null=True)),
                        ("tried_at", models.DateTimeField(default=portal.clock.now)),
                        ("imported_at", models.DateTimeField(blank=True, null=True)),
                        ("imported_by", models.CharField(blank=True, max_length=170)),
                        ("columns", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
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
                    name="ReportPart",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "file",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="parts",
                                to="reconciliation.reportfile",
                            ),
                        ),
                        ("number", models.PositiveSmallIntegerField()),
                        ("name", models.CharField(max_length=200)),
                        ("sha256", models.CharField(db_index=True, max_length=64)),
                        ("byte_size", models.PositiveBigIntegerField()),
                        ("row_count", models.PositiveIntegerField()),
                        ("encoding", models.CharField(max_length=8)),
                    ],
                    options={
                        "ordering": ("number",),
                        "constraints": [models.UniqueConstraint(fields=("file", "number"), name="report_part_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="ReportTotal",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "file",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="totals",
                                to="reconciliation.reportfile",
                            ),
                        ),
                        ("currency", models.CharField(max_length=3)),
                        ("row_count", models.PositiveIntegerField()),
                        ("reported_value", models.BigIntegerField()),
                    ],
                    options={
                        "ordering": ("currency",),
                        "constraints": [models.UniqueConstraint(fields=("file", "currency"), name="report_total_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Batch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="batches",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("psp", models.CharField(blank=True, max_length=64, verbose_name="PSP")),
                        ("currency", models.CharField(max_length=3)),
                        ("batch_id", models.CharField(db_index=True, max_length=64)),
                        ("initiated_on", models.DateField()),
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
                        ("row_count", models.PositiveIntegerField(default=0)),
                        ("net_value", models.BigIntegerField(blank=True, null=True)),
                        ("needs_booking", models.BooleanField(db_default=True, default=True)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                    ],
                    options={
                        "verbose_name": "settlement batch",
                        "verbose_name_plural": "settlement batches",
                        "ordering": ("-initiated_on", "-pk"),
                        "indexes": [
                            models.Index(fields=["account", "initiated_on"], name="batch_by_day"),
                            models.Index(
                                condition=models.Q(("needs_booking", True)),
                                fields=["account", "initiated_on"],
                                name="batch_to_book",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("account", "psp", "currency", "batch_id"), name="batch_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SettlementRow",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("MATCHED", "Matched"), ("EXPLAINED", "Explained"), ("OPEN", "Open")],
                                max_length=12,
                            ),
                        ),
                        ("currency", models.CharField(max_length=3, verbose_name="reported currency")),
                        ("reported_value", models.BigIntegerField()),
                        ("matched_value", models.BigIntegerField(default=0)),
                        ("explained_value", models.BigIntegerField(default=0)),
                        ("open_value", models.BigIntegerField(default=0)),
                        (
                            "file",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="rows",
                                to="reconciliation.reportfile",
                            ),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="rows",
                                to="reconciliation.batch",
                            ),
                        ),
                        ("part", models.PositiveSmallIntegerField(default=0)),
                        ("line_number", models.PositiveIntegerField()),
                        ("identity", models.CharField(max_length=32)),
                        ("occurrence", models.PositiveIntegerField(default=1)),
                        ("printed_type", models.CharField(max_length=64)),
                        ("transaction_type", models.CharField(max_length=64)),
                        ("printed_status", models.CharField(blank=True, max_length=64)),
                        ("transaction_id", models.CharField(blank=True, max_length=64)),
                        ("original_transaction_id", models.CharField(blank=True, max_length=64)),
                        ("transaction_request_id", models.CharField(blank=True, max_length=64)),
                        ("original_transaction_request_id", models.CharField(blank=True, max_length=64)),
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
                        (
                            "superseded_by",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="supersedes",
                                to="reconciliation.settlementrow",
                            ),
                        ),
                        ("printed", models.TextField(blank=True, default="")),
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
                            models.Index(
                                fields=["transaction_id"], name="row_transaction", opclasses=["varchar_pattern_ops"]
                            ),
                            models.Index(
                                fields=["transaction_request_id"], name="row_request", opclasses=["varchar_pattern_ops"]
                            ),
                            models.Index(
                                fields=["original_transaction_request_id"],
                                name="row_original",
                                opclasses=["varchar_pattern_ops"],
                            ),
                            models.Index(
                                condition=models.Q(("superseded_by__isnull", False)),
                                fields=["superseded_by"],
                                name="row_superseded",
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
                    name="SummaryRow",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("MATCHED", "Matched"), ("EXPLAINED", "Explained"), ("OPEN", "Open")],
                                max_length=12,
                            ),
                        ),
                        ("currency", models.CharField(max_length=3, verbose_name="reported currency")),
                        ("reported_value", models.BigIntegerField()),
                        ("matched_value", models.BigIntegerField(default=0)),
                        ("explained_value", models.BigIntegerField(default=0)),
                        ("open_value", models.BigIntegerField(default=0)),
                        (
                            "file",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="summary_rows",
                                to="reconciliation.reportfile",
                            ),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="summary_rows",
                                to="reconciliation.batch",
                            ),
                        ),
                        ("part", models.PositiveSmallIntegerField(default=0)),
                        ("line_number", models.PositiveIntegerField()),
                        ("printed_type", models.CharField(max_length=64)),
                        ("summary_type", models.CharField(max_length=64)),
                        ("count", models.PositiveIntegerField()),
                        ("settlement_value", models.BigIntegerField()),
                        ("fees", models.JSONField(default=dict)),
                        ("raw", models.JSONField(default=dict)),
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
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Match",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="settlement_matches",
                                to="payments.refund",
                            ),
                        ),
                        (
                            "cancel",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="settlement_matches",
                                to="payments.cancel",
                            ),
                        ),
                        ("value", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        ("is_by_hand", models.BooleanField(db_default=False, default=False)),
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
                                        [
                                            "PAYMENT",
                                            "REFUND",
                                            "CANCEL",
                                            "DISPUTE",
                                            "REVERSAL",
                                            "DUPLICATE",
                                            "DISAGREES",
                                        ],
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
                                    models.Q(("role", "REFUND"), _negated=True),
                                    ("refund__isnull", False),
                                    _connector="OR",
                                ),
                                name="refund_match_has_refund",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("role", "CANCEL"), _negated=True),
                                    ("cancel__isnull", False),
                                    _connector="OR",
                                ),
                                name="cancel_match_has_cancel",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("is_by_hand", False),
                                    models.Q(("is_settlement", True), ("role__in", ("PAYMENT", "REFUND", "CANCEL"))),
                                    _connector="OR",
                                ),
                                name="by_hand_settles",
                            ),
                        ],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_settlement", True), ("role", "DISAGREES")),
                                fields=["payment"],
                                name="match_disagrees",
                            ),
                            models.Index(
                                condition=models.Q(("refund__isnull", False)), fields=["refund"], name="match_of_refund"
                            ),
                            models.Index(
                                condition=models.Q(("cancel__isnull", False)), fields=["cancel"], name="match_of_cancel"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Explanation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
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
                                        [
                                            "FEE",
                                            "RESERVE",
                                            "DISPUTE",
                                            "ROUNDING",
                                            "CORRECTION",
                                            "NOT_SUCCESSFUL",
                                            "LATER_COPY",
                                        ],
                                    )
                                ),
                                name="explanation_kind_known",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Discrepancy",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "file",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="discrepancies",
                                to="reconciliation.reportfile",
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "payment",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="payments.payment",
                            ),
                        ),
                        (
                            "refund",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="payments.refund",
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
                                    ("UNMATCHED", "Unmatched by hand"),
                                    ("MISSING", "Missing in settlement"),
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
                                    ("WRITTEN_OFF", "Written off as a loss or a gain"),
                                    ("MATCHED", "Matched by hand"),
                                    ("HEALED", "Settled by itself"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=400)),
                        ("raised_at", models.DateTimeField(blank=True, null=True)),
                        ("case_reference", models.CharField(blank=True, db_default="", default="", max_length=64)),
                    ],
                    options={
                        "verbose_name_plural": "discrepancies",
                        "ordering": ("opened_at", "pk"),
                        "permissions": (
                            ("act_close_discrepancy", "Can close discrepancies with a reason, and open them again"),
                            ("act_take_discrepancy", "Can take and assign discrepancies, and check them again"),
                            ("act_match_discrepancy", "Can match rows by hand, and unmatch them"),
                            ("act_write_off_discrepancy", "Can write discrepancies off"),
                            ("act_raise_discrepancy", "Can raise discrepancies to the acquirer"),
                        ),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("closed_at__isnull", True)),
                                fields=["opened_at", "id"],
                                name="discrepancy_queue",
                            ),
                            models.Index(fields=["file", "closed_at"], name="discrepancy_of_file"),
                            models.Index(fields=["-opened_at", "-id"], name="discrepancy_newest"),
                            models.Index(
                                condition=models.Q(("closed_at__isnull", True), ("reason", "MISSING")),
                                fields=["account", "currency"],
                                name="discrepancy_missing",
                            ),
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
                                            "UNMATCHED",
                                            "MISSING",
                                        ],
                                    )
                                ),
                                name="discrepancy_reason_known",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("payment__isnull", False)),
                                fields=("payment",),
                                name="payment_missing_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("refund__isnull", False)),
                                fields=("refund",),
                                name="refund_missing_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("account__isnull", False),
                                        ("file__isnull", True),
                                        ("reason", "MISSING"),
                                        ("row__isnull", True),
                                        ("summary_row__isnull", True),
                                        ("value", 0),
                                        models.Q(
                                            models.Q(("payment__isnull", False), ("refund__isnull", True)),
                                            models.Q(("payment__isnull", True), ("refund__isnull", False)),
                                            _connector="OR",
                                        ),
                                    ),
                                    models.Q(
                                        models.Q(("reason", "MISSING"), _negated=True),
                                        ("account__isnull", True),
                                        ("file__isnull", False),
                                        ("payment__isnull", True),
                                        ("refund__isnull", True),
                                    ),
                                    _connector="OR",
                                ),
                                name="missing_is_of_no_file",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("row__isnull", True), ("summary_row__isnull", True), _connector="OR"
                                ),
                                name="discrepancy_of_one_line",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("row__isnull", False),
                                    ("summary_row__isnull", False),
                                    ("value", 0),
                                    _connector="OR",
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
                migrations.CreateModel(
                    name="BankCredit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("actor_kind", models.CharField(editable=False, max_length=20)),
                        ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="bank_credits",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("currency", models.CharField(max_length=3, verbose_name="settlement currency")),
                        ("value", models.BigIntegerField()),
                        ("value_date", models.DateField()),
                        ("reference", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("text", models.CharField(blank=True, max_length=2000)),
                        (
                            "source",
                            models.CharField(
                                choices=[("HAND", "Entered by hand"), ("CSV", "Bank's CSV"), ("CAMT053", "CAMT.053")],
                                max_length=8,
                            ),
                        ),
                        ("file_name", models.CharField(blank=True, max_length=200)),
                        ("file_sha256", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("line", models.PositiveIntegerField(blank=True, null=True)),
                        ("identity", models.CharField(max_length=32)),
                        ("occurrence", models.PositiveIntegerField(default=1)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("OPEN", "Not matched"),
                                    ("MATCHED", "Matched"),
                                    ("SET_ASIDE", "Set aside"),
                                    ("DEBIT", "Debit"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="bank_credits",
                                to="reconciliation.batch",
                            ),
                        ),
                        (
                            "basis",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("NAMED", "The bank's text names the batch"),
                                    ("DAY", "Only this batch has the amount at that time"),
                                    ("HAND", "A person said so"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("matched_at", models.DateTimeField(blank=True, null=True)),
                        ("matched_by", models.CharField(blank=True, max_length=170)),
                        ("is_held", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                    ],
                    options={
                        "verbose_name": "bank credit",
                        "ordering": ("-value_date", "-pk"),
                        "permissions": (
                            ("act_enter_bank_credit", "Can enter bank credits by hand"),
                            ("act_import_statement", "Can import bank statements"),
                            ("act_match_bank_credit", "Can match bank credits, unmatch them and set them aside"),
                            (
                                "act_name_bank_difference",
                                "Can name the cause of a difference at the bank, and take it back",
                            ),
                        ),
                        "indexes": [
                            models.Index(fields=["-value_date", "-id"], name="bank_credit_newest"),
                            models.Index(
                                condition=models.Q(("status", "OPEN")),
                                fields=["account", "currency", "value"],
                                name="bank_credit_open",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("account", "identity", "occurrence"), name="bank_credit_once"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("file_sha256__gt", "")),
                                fields=("account", "file_sha256", "line"),
                                name="bank_line_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["OPEN", "MATCHED", "SET_ASIDE", "DEBIT"])),
                                name="bank_credit_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("source__in", ["HAND", "CSV", "CAMT053"])),
                                name="bank_credit_source_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "DEBIT"), ("value__lt", 0)),
                                    models.Q(models.Q(("status", "DEBIT"), _negated=True), ("value__gt", 0)),
                                    _connector="OR",
                                ),
                                name="bank_debit_is_negative",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("basis__in", ["NAMED", "DAY", "HAND"]),
                                        ("batch__isnull", False),
                                        ("matched_at__isnull", False),
                                        ("status", "MATCHED"),
                                    ),
                                    models.Q(
                                        models.Q(("status", "MATCHED"), _negated=True),
                                        ("basis", ""),
                                        ("batch__isnull", True),
                                        ("matched_at__isnull", True),
                                    ),
                                    _connector="OR",
                                ),
                                name="bank_match_knows_why",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("source", "HAND"),
                                    models.Q(("file_sha256__gt", ""), ("line__isnull", False)),
                                    _connector="OR",
                                ),
                                name="bank_import_knows_its_line",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BankDifference",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("actor_kind", models.CharField(editable=False, max_length=20)),
                        ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                        (
                            "batch",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="bank_differences",
                                to="reconciliation.batch",
                            ),
                        ),
                        (
                            "cause",
                            models.CharField(
                                choices=[
                                    ("BANK_CHARGE", "Bank charge"),
                                    ("FX", "Exchange by the bank"),
                                    ("ROUNDING", "Rounding"),
                                    ("OTHER", "Other (see note)"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("currency", models.CharField(max_length=3)),
                        ("value", models.BigIntegerField()),
                        ("note", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                    ],
                    options={
                        "ordering": ("created_at", "pk"),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("cause__in", ["BANK_CHARGE", "FX", "ROUNDING", "OTHER"])),
                                name="bank_cause_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("value", 0), _negated=True), name="bank_difference_is_one"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("cause", "OTHER"), _negated=True),
                                    models.Q(("note", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="other_cause_has_a_note",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="SettlementWatch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                        (
                            "account",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("through", models.DateTimeField()),
                    ],
                    options={
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="AwaitedReport",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("currency", models.CharField(max_length=3)),
                        ("day", models.DateField()),
                        ("payment_count", models.PositiveIntegerField()),
                        ("refund_count", models.PositiveIntegerField()),
                    ],
                    options={
                        "ordering": ("day", "pk"),
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "currency", "day"), name="awaited_report_once")
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="FeeContract",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="fee_contracts",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("wallet", models.CharField(max_length=32)),
                        ("currency", models.CharField(max_length=3, verbose_name="settlement currency")),
                        ("rate", models.PositiveIntegerField()),
                        ("fixed_value", models.BigIntegerField(default=0)),
                        ("valid_from", models.DateField()),
                        ("drift_percent", models.PositiveSmallIntegerField(default=50)),
                    ],
                    options={
                        "ordering": ("account_id", "wallet", "currency", "-valid_from"),
                        "permissions": (("act_fee_contract", "Can set what payments cost by contract"),),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("account", "wallet", "currency", "valid_from"), name="fee_contract_once_a_day"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("rate__lte", 10000)), name="fee_rate_at_most_all"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("fixed_value__gte", 0)), name="fixed_fee_not_below_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("drift_percent__gte", 1), ("drift_percent__lte", 100)),
                                name="drift_is_a_share",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Period",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="periods",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("month", models.DateField()),
                        (
                            "status",
                            models.CharField(
                                choices=[("OPEN", "Open"), ("LOCKED", "Closed")], default="OPEN", max_length=8
                            ),
                        ),
                        ("locked_at", models.DateTimeField(blank=True, null=True)),
                        ("locked_by", models.CharField(blank=True, max_length=170)),
                        ("reason_code", models.CharField(blank=True, max_length=32)),
                        ("note", models.CharField(blank=True, max_length=256)),
                    ],
                    options={
                        "verbose_name": "accounting month",
                        "ordering": ("-month", "-pk"),
                        "permissions": (("act_lock_period", "Can close accounting months"),),
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "month"), name="period_once"),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["OPEN", "LOCKED"])), name="period_status_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("locked_at__isnull", True), ("status", "OPEN")),
                                    models.Q(("locked_at__isnull", False), ("status", "LOCKED")),
                                    _connector="OR",
                                ),
                                name="locked_knows_when",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Posting",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "period",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="postings",
                                to="reconciliation.period",
                            ),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="postings",
                                to="reconciliation.batch",
                            ),
                        ),
                        (
                            "ledger",
                            models.CharField(
                                choices=[
                                    ("BANK", "Bank"),
                                    ("IN_TRANSIT", "In transit to the bank"),
                                    ("BANK_CHARGES", "Bank charges"),
                                    ("CLEARING", "Clearing"),
                                    ("FEES", "Fees"),
                                    ("COUPONS", "Coupons not settled"),
                                    ("FX", "Exchange gain or loss"),
                                    ("ROUNDING", "Rounding"),
                                    ("RESERVE", "Reserve and collateral"),
                                    ("DISPUTES", "Disputes"),
                                    ("CORRECTIONS", "Corrections of the acquirer"),
                                    ("ACQUIRER", "Due from the acquirer"),
                                    ("OTHER_CHANNELS", "Other sales channels"),
                                    ("DIFFERENCES", "Differences accepted"),
                                    ("WRITTEN_OFF", "Written off"),
                                    ("SUSPENSE", "Open discrepancies"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("currency", models.CharField(max_length=3)),
                        ("value", models.BigIntegerField()),
                        ("is_adjusting", models.BooleanField()),
                    ],
                    options={
                        "ordering": ("period", "batch", "ledger"),
                        "constraints": [
                            models.UniqueConstraint(fields=("period", "batch", "ledger"), name="posting_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "ledger__in",
                                        [
                                            "BANK",
                                            "IN_TRANSIT",
                                            "BANK_CHARGES",
                                            "CLEARING",
                                            "FEES",
                                            "COUPONS",
                                            "FX",
                                            "ROUNDING",
                                            "RESERVE",
                                            "DISPUTES",
                                            "CORRECTIONS",
                                            "ACQUIRER",
                                            "OTHER_CHANNELS",
                                            "DIFFERENCES",
                                            "WRITTEN_OFF",
                                            "SUSPENSE",
                                        ],
                                    )
                                ),
                                name="posting_ledger_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("value", 0), _negated=True), name="posting_moves_something"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="SettlementCalendar",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("weekend", models.PositiveSmallIntegerField(default=96)),
                        (
                            "account",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="settlement_calendar",
                                to="portal.acquireraccount",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "settlement calendar",
                        "ordering": ("pk",),
                        "permissions": (("act_settlement_calendar", "Can edit settlement calendars"),),
                        "indexes": [],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("weekend__lt", 127)), name="week_has_a_working_day"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CalendarDay",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("day", models.DateField()),
                        ("is_working", models.BooleanField()),
                        ("name", models.CharField(blank=True, max_length=60)),
                        (
                            "calendar",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="days",
                                to="reconciliation.settlementcalendar",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("day",),
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [models.UniqueConstraint(fields=("calendar", "day"), name="calendar_day_once")],
                    },
                ),
                migrations.CreateModel(
                    name="ReportSource",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                        ("host", models.CharField(max_length=253)),
                        ("port", models.PositiveIntegerField(default=22)),
                        ("username", models.CharField(max_length=64)),
                        ("directory", models.CharField(default="/", max_length=300)),
                        ("password", portal.encryption.EncryptedTextField(blank=True, editable=False)),
                        ("private_key", portal.encryption.EncryptedTextField(blank=True, editable=False)),
                        ("host_key", models.CharField(blank=True, editable=False, max_length=2000)),
                        ("offered_host_key", models.CharField(blank=True, editable=False, max_length=2000)),
                        ("every_minutes", models.PositiveSmallIntegerField(default=30)),
                        ("imports_at_once", models.BooleanField(default=True)),
                        ("is_enabled", models.BooleanField(default=True)),
                        ("looked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("answered_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "failed_step",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("REACH", "Reach the server"),
                                    ("HOST_KEY", "Know it by its host key"),
                                    ("SIGN_IN", "Sign in"),
                                    ("DIRECTORY", "List the directory"),
                                    ("READ", "Read the files"),
                                ],
                                editable=False,
                                max_length=12,
                            ),
                        ),
                        ("problem", models.CharField(blank=True, editable=False, max_length=500)),
                        ("passed_over", models.PositiveIntegerField(default=0, editable=False)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="report_sources",
                                to="portal.acquireraccount",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "report source",
                        "ordering": ("pk",),
                        "permissions": (
                            ("act_edit_source", "Can say where reports are fetched from"),
                            ("act_look_at_source", "Can fetch reports now and test the connection"),
                        ),
                        "indexes": [],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("account", "host", "port", "username", "directory"), name="report_source_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("port__gte", 1), ("port__lte", 65535)), name="source_port_is_one"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("every_minutes__gte", 5), ("every_minutes__lte", 1440)),
                                name="source_looks_every_day",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SourceFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("path", models.CharField(max_length=500)),
                        ("size", models.BigIntegerField()),
                        ("modified", models.BigIntegerField()),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        (
                            "state",
                            models.CharField(
                                choices=[("GROWING", "Awaited"), ("FETCHED", "Fetched"), ("REFUSED", "Refused")],
                                default="GROWING",
                                max_length=8,
                            ),
                        ),
                        ("sentence", models.CharField(blank=True, max_length=1000)),
                        ("is_to_import", models.BooleanField(default=False)),
                        ("seen_at", models.DateTimeField(default=portal.clock.now)),
                        ("fetched_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "reports",
                            models.ManyToManyField(
                                blank=True, related_name="source_files", to="reconciliation.reportfile"
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="files",
                                to="reconciliation.reportsource",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "fetched file",
                        "ordering": ("-pk",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "GROWING"), ("is_to_import", True), _connector="OR"),
                                fields=["source", "id"],
                                name="source_file_pending",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("source", "path", "size", "modified"), name="source_file_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["GROWING", "FETCHED", "REFUSED"])),
                                name="source_file_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state", "GROWING"), ("fetched_at__isnull", False), _connector="OR"
                                ),
                                name="fetched_knows_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkDecision",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                        ("actor_kind", models.CharField(editable=False, max_length=20)),
                        ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                        ("act", models.CharField(max_length=60)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("TRIED", "Tried, not carried out"),
                                    ("RUNNING", "Being carried out"),
                                    ("DONE", "Carried out"),
                                    ("DISCARDED", "Discarded"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("sheet_name", models.CharField(blank=True, max_length=200)),
                        ("passed_over", models.PositiveIntegerField(default=0)),
                        ("reason_code", models.CharField(blank=True, max_length=32)),
                        ("note", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "decided_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "bulk decision",
                        "ordering": ("-pk",),
                        "permissions": (("act_decide_by_sheet", "Can decide discrepancies by a spreadsheet"),),
                        "indexes": [],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["TRIED", "RUNNING", "DONE", "DISCARDED"])),
                                name="bulk_decision_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "DONE"), _negated=True),
                                    ("finished_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="bulk_decision_done_knows_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkDecisionLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveIntegerField()),
                        ("label", models.CharField(max_length=100)),
                        ("version", models.CharField(blank=True, max_length=12)),
                        (
                            "act",
                            models.CharField(
                                blank=True,
                                choices=[("ASSIGN", "Assign"), ("ACCEPT", "Accept"), ("WRITE_OFF", "Write off")],
                                max_length=10,
                            ),
                        ),
                        ("reason_code", models.CharField(blank=True, max_length=32)),
                        ("note", models.CharField(blank=True, max_length=256)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("WAITING", "Not yet"),
                                    ("DONE", "Done"),
                                    ("ASKED", "Waits for a second person"),
                                    ("REFUSED", "Refused"),
                                ],
                                default="WAITING",
                                max_length=8,
                            ),
                        ),
                        ("sentence", models.CharField(blank=True, max_length=400)),
                        (
                            "bulk",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="lines",
                                to="reconciliation.bulkdecision",
                            ),
                        ),
                        (
                            "discrepancy",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="bulk_lines",
                                to="reconciliation.discrepancy",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "decision",
                        "ordering": ("bulk", "position"),
                        "indexes": [],
                        "constraints": [
                            models.UniqueConstraint(fields=("bulk", "position"), name="decision_line_once"),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["WAITING", "DONE", "ASKED", "REFUSED"])),
                                name="decision_line_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status__in", ("WAITING", "DONE", "ASKED")), _negated=True),
                                    ("act__in", ["ASSIGN", "ACCEPT", "WRITE_OFF"]),
                                    _connector="OR",
                                ),
                                name="decision_line_knows_what",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReportPiece",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        ("content", portal.encryption.EncryptedBinaryField()),
                        (
                            "file",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="pieces",
                                to="reconciliation.reportfile",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("number",),
                        "indexes": [],
                        "constraints": [models.UniqueConstraint(fields=("file", "number"), name="report_piece_once")],
                    },
                ),
            ],
        ),
    ]
