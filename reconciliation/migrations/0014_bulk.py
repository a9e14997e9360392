"""Room for reports of millions of rows: bytes in pieces, cells without their names, and fewer indexes."""

import django.db.models.deletion
import portal.encryption
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_bulk_refunds"),
        ("reconciliation", "0013_bulk_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", portal.encryption.EncryptedBinaryField()),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.AlterField("reportfile", "byte_size", models.PositiveBigIntegerField()),
        migrations.AlterField("reportpart", "byte_size", models.PositiveBigIntegerField()),
        migrations.AlterField(
            model_name="settlementrow",
            name="raw",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.RenameField(model_name="settlementrow", old_name="raw", new_name="printed"),
        migrations.AddField(
            model_name="reportfile",
            name="columns",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name="match",
            name="cancel",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlement_matches",
                to="payments.cancel",
            ),
        ),
        migrations.AlterField(
            model_name="match",
            name="refund",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlement_matches",
                to="payments.refund",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rows",
                to="reconciliation.batch",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="file",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rows",
                to="reconciliation.reportfile",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="original_transaction_request_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="superseded_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="supersedes",
                to="reconciliation.settlementrow",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="transaction_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="settlementrow",
            name="transaction_request_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(
                condition=models.Q(("refund__isnull", False)), fields=["refund"], name="match_of_refund"
            ),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(
                condition=models.Q(("cancel__isnull", False)), fields=["cancel"], name="match_of_cancel"
            ),
        ),
        migrations.AddIndex(
            model_name="settlementrow",
            index=models.Index(fields=["transaction_id"], name="row_transaction", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddIndex(
            model_name="settlementrow",
            index=models.Index(
                fields=["transaction_request_id"], name="row_request", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="settlementrow",
            index=models.Index(
                fields=["original_transaction_request_id"], name="row_original", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="settlementrow",
            index=models.Index(
                condition=models.Q(("superseded_by__isnull", False)), fields=["superseded_by"], name="row_superseded"
            ),
        ),
        migrations.AddField(
            model_name="reportpiece",
            name="file",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pieces",
                to="reconciliation.reportfile",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportpiece",
            constraint=models.UniqueConstraint(fields=("file", "number"), name="report_piece_once"),
        ),
    ]
