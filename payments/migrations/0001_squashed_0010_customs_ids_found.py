"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import django.db.models.deletion
import payments.models.subscribing
import portal.clock
import portal.encryption
import portal.tables
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("payments", "0001_initial"),
        ("payments", "0002_cancel_is_refused_on_repeat_and_more"),
        ("payments", "0003_acts"),
        ("payments", "0004_money_kept"),
        ("payments", "0005_called_off"),
        ("payments", "0006_lists_and_figures"),
        ("payments", "0007_bulk_refunds"),
        ("payments", "0008_subscriptions"),
        ("payments", "0009_customs"),
        ("payments", "0010_customs_ids_found"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("authorizations", "0001_squashed_0008_consent"),
        ("portal", "0001_squashed_0013_keyed_fingerprints"),
    ]

    operations = [
        portal.tables.CreateModels(
            models=[
                migrations.CreateModel(
                    name="Product",
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
                                related_name="products",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("sku", models.CharField(max_length=64)),
                        ("name", models.CharField(max_length=120)),
                        ("description", models.CharField(blank=True, max_length=256)),
                        ("is_digital", models.BooleanField(default=True)),
                        ("is_active", models.BooleanField(default=True)),
                    ],
                    options={
                        "ordering": ("name",),
                        "permissions": [("act_edit_product", "Can add and edit products and prices")],
                        "constraints": [models.UniqueConstraint(fields=("account", "sku"), name="sku_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Price",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "product",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="prices",
                                to="payments.product",
                            ),
                        ),
                        ("currency", models.CharField(max_length=3)),
                        ("value", models.BigIntegerField()),
                    ],
                    options={
                        "ordering": ("currency",),
                        "constraints": [
                            models.UniqueConstraint(fields=("product", "currency"), name="one_price_per_currency"),
                            models.CheckConstraint(condition=models.Q(("value__gt", 0)), name="price_above_zero"),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Order",
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
                                related_name="orders",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("number", models.CharField(max_length=64, unique=True)),
                        (
                            "buyer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="orders",
                                to="authorizations.buyer",
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("INIT", "To be paid"),
                                    ("PAID", "Paid"),
                                    ("CANCELLED", "Cancelled"),
                                    ("REFUNDED", "Refunded"),
                                ],
                                default="INIT",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        ("description", models.CharField(max_length=256)),
                        ("reference", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("paid_at", models.DateTimeField(blank=True, null=True)),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [("act_withdraw", "Can withdraw unpaid orders")],
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="order_newest"),
                            models.Index(fields=["status", "-created_at"], name="order_by_status"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("amount_value__gt", 0)), name="order_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["INIT", "PAID", "CANCELLED", "REFUNDED"])),
                                name="order_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "PAID"), _negated=True),
                                    ("paid_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="paid_order_knows_when",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("reference", ""), _negated=True),
                                fields=("account", "reference"),
                                name="merchant_reference_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OrderChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "order",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="payments.order"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="OrderItem",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "order",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="items", to="payments.order"
                            ),
                        ),
                        (
                            "product",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="payments.product",
                            ),
                        ),
                        ("sku", models.CharField(max_length=64)),
                        ("name", models.CharField(max_length=120)),
                        ("unit_value", models.BigIntegerField()),
                        ("quantity", models.PositiveIntegerField()),
                        ("is_digital", models.BooleanField(default=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("unit_value__gt", 0)), name="item_price_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("quantity__gt", 0)), name="item_quantity_above_zero"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Payment",
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
                            "order",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payments",
                                to="payments.order",
                            ),
                        ),
                        (
                            "wallet_account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payments",
                                to="authorizations.walletaccount",
                            ),
                        ),
                        ("payment_request_id", models.CharField(max_length=64, unique=True)),
                        ("payment_id", models.CharField(blank=True, db_index=True, max_length=64)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("INITIATED", "Initiated"),
                                    ("PROCESSING", "Unknown"),
                                    ("SUCCEEDED", "Paid"),
                                    ("FAILED", "Failed"),
                                    ("CANCELLED", "Cancelled"),
                                    ("REVERSED", "Reversed"),
                                ],
                                default="INITIATED",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        ("returned_value", models.BigIntegerField(default=0)),
                        ("kept_returned_value", models.BigIntegerField(default=0)),
                        ("token_index", models.CharField(max_length=64)),
                        (
                            "terminal_type",
                            models.CharField(
                                choices=[("WEB", "WEB"), ("WAP", "WAP"), ("APP", "APP"), ("MINI_APP", "MINI_APP")],
                                max_length=16,
                            ),
                        ),
                        ("os_type", models.CharField(blank=True, max_length=16)),
                        ("client_ip", models.GenericIPAddressField(blank=True, null=True)),
                        ("settlement_currency", models.CharField(max_length=3)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("expires_at", models.DateTimeField()),
                        ("may_have_arrived", models.BooleanField(default=True)),
                        ("questions_asked", models.PositiveIntegerField(default=0)),
                        ("is_denied_by_inquiry", models.BooleanField(default=False)),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_message", models.CharField(blank=True, max_length=256)),
                        ("advice", models.CharField(blank=True, max_length=20)),
                        ("paid_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("gross_settlement_value", models.BigIntegerField(blank=True, null=True)),
                        ("gross_settlement_currency", models.CharField(blank=True, max_length=3)),
                        ("quote_currency_pair", models.CharField(blank=True, max_length=16)),
                        ("quote_price", models.DecimalField(blank=True, decimal_places=12, max_digits=24, null=True)),
                        ("customs_value", models.BigIntegerField(blank=True, null=True)),
                        ("declared_value", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [
                            ("act_ask", "Can ask the acquirer about payments, cancels and refunds"),
                            ("act_cancel", "Can cancel payments"),
                            ("act_refund", "Can refund payments"),
                            ("act_give_back", "Can give the money back"),
                        ],
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="payment_newest"),
                            models.Index(fields=["status", "-created_at"], name="payment_by_status"),
                            models.Index(
                                condition=models.Q(("returned_value__gt", 0)),
                                fields=["-created_at"],
                                name="payment_given_back",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status__in", ("INITIATED", "PROCESSING", "SUCCEEDED"))),
                                fields=("order",),
                                name="one_live_payment",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("amount_value__gt", 0)), name="payment_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        ["INITIATED", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLED", "REVERSED"],
                                    )
                                ),
                                name="payment_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("returned_value__gte", 0), ("returned_value__lte", models.F("amount_value"))
                                ),
                                name="returned_at_most_paid",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("kept_returned_value", 0),
                                    models.Q(
                                        ("kept_returned_value__gt", 0),
                                        ("kept_returned_value__lte", models.F("amount_value")),
                                        ("status__in", ("FAILED", "CANCELLED", "REVERSED")),
                                    ),
                                    _connector="OR",
                                ),
                                name="kept_returned_at_most_kept",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "SUCCEEDED"), _negated=True),
                                    ("paid_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="succeeded_knows_when",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("declared_value__gte", 0), ("declared_value__lte", models.F("amount_value"))
                                ),
                                name="declared_at_most_paid",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PaymentChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="payments.payment",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Contradiction",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="contradictions",
                                to="payments.payment",
                            ),
                        ),
                        (
                            "said",
                            models.CharField(
                                choices=[
                                    ("SUCCESS", "SUCCESS"),
                                    ("FAIL", "FAIL"),
                                    ("UNKNOWN", "UNKNOWN"),
                                    ("CANCELLED", "CANCELLED"),
                                    ("AMOUNT", "AMOUNT"),
                                ],
                                max_length=24,
                            ),
                        ),
                        (
                            "heard_from",
                            models.CharField(
                                choices=[
                                    ("US", "us"),
                                    ("PAY_ANSWER", "the answer to pay"),
                                    ("INQUIRY", "inquiryPayment"),
                                    ("NOTIFICATION", "notifyPayment"),
                                    ("CANCEL_ANSWER", "the answer to cancel"),
                                    ("REFUND_ANSWER", "the answer to refund"),
                                    ("REFUND_INQUIRY", "inquiryRefund"),
                                    ("REFUND_NOTIFICATION", "notifyRefund"),
                                    ("SETTLEMENT", "a settlement report"),
                                    ("DECLARE_ANSWER", "the answer to declare"),
                                    ("DECLARE_INQUIRY", "inquiryDeclarationRequests"),
                                    ("CLOCK", "the clock"),
                                ],
                                max_length=24,
                            ),
                        ),
                        ("detail", models.CharField(blank=True, max_length=300)),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("settled_how", models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("payment", "said"), name="contradiction_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Cancel",
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
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="cancels",
                                to="payments.payment",
                            ),
                        ),
                        ("cancel_id", models.CharField(max_length=64, unique=True)),
                        (
                            "status",
                            models.CharField(
                                choices=[("REQUESTED", "Unknown"), ("CONFIRMED", "Confirmed"), ("REFUSED", "Refused")],
                                default="REQUESTED",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField()),
                        ("gives_back_kept", models.BooleanField(default=False, editable=False)),
                        ("ends_order", models.BooleanField(default=False, editable=False)),
                        (
                            "reason_code",
                            models.CharField(
                                choices=[
                                    ("BUYER_REQUEST", "Buyer asked for it"),
                                    ("DUPLICATE", "Paid twice"),
                                    ("OUT_OF_STOCK", "Cannot deliver"),
                                    ("DAMAGED", "Damaged or wrong goods"),
                                    ("FRAUD", "Suspected fraud"),
                                    ("NO_FINAL_ANSWER", "No final answer in time"),
                                    ("OTHER", "Other (see note)"),
                                ],
                                max_length=24,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=256)),
                        ("times_sent", models.PositiveIntegerField(default=0)),
                        ("is_refused_on_repeat", models.BooleanField(default=False)),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_message", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="cancel_newest"),
                            models.Index(fields=["status", "-created_at"], name="cancel_by_status"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status", "REFUSED"), _negated=True),
                                fields=("payment", "gives_back_kept"),
                                name="one_live_cancel",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("amount_value__gt", 0)), name="cancel_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["REQUESTED", "CONFIRMED", "REFUSED"])),
                                name="cancel_status_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CancelChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "cancel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="payments.cancel",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Refund",
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
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="refunds",
                                to="payments.payment",
                            ),
                        ),
                        ("refund_request_id", models.CharField(max_length=64, unique=True)),
                        ("refund_id", models.CharField(blank=True, db_index=True, max_length=64)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("INITIATED", "Initiated"),
                                    ("PROCESSING", "Unknown"),
                                    ("SUCCEEDED", "Refunded"),
                                    ("FAILED", "Failed"),
                                    ("REVERSED", "Reversed"),
                                ],
                                default="INITIATED",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        ("gives_back_kept", models.BooleanField(default=False, editable=False)),
                        (
                            "reason_code",
                            models.CharField(
                                choices=[
                                    ("BUYER_REQUEST", "Buyer asked for it"),
                                    ("DUPLICATE", "Paid twice"),
                                    ("OUT_OF_STOCK", "Cannot deliver"),
                                    ("DAMAGED", "Damaged or wrong goods"),
                                    ("FRAUD", "Suspected fraud"),
                                    ("NO_FINAL_ANSWER", "No final answer in time"),
                                    ("OTHER", "Other (see note)"),
                                ],
                                max_length=24,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=256)),
                        ("times_sent", models.PositiveIntegerField(default=0)),
                        ("may_have_arrived", models.BooleanField(default=True)),
                        ("times_denied", models.PositiveIntegerField(default=0)),
                        ("is_refused_on_repeat", models.BooleanField(default=False)),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_message", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("refunded_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("gross_settlement_value", models.BigIntegerField(blank=True, null=True)),
                        ("gross_settlement_currency", models.CharField(blank=True, max_length=3)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="refund_newest"),
                            models.Index(fields=["status", "-created_at"], name="refund_by_status"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("amount_value__gt", 0)), name="refund_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["INITIATED", "PROCESSING", "SUCCEEDED", "FAILED", "REVERSED"])
                                ),
                                name="refund_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "SUCCEEDED"), _negated=True),
                                    ("refunded_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="refunded_knows_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RefundChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "refund",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="payments.refund",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="PaymentHour",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("hour", models.DateTimeField()),
                        ("zone", models.CharField(max_length=64)),
                        ("figures", models.JSONField(default=list)),
                        ("made_at", models.DateTimeField()),
                    ],
                    options={
                        "default_permissions": (),
                        "constraints": [models.UniqueConstraint(fields=("hour", "zone"), name="payment_hour_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="BulkRefund",
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
                        ("number", models.CharField(max_length=64, unique=True)),
                        ("name", models.CharField(max_length=200)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("DRAFT", "To be looked at"),
                                    ("STARTED", "Being done"),
                                    ("STOPPED", "Stopped"),
                                    ("FINISHED", "Finished"),
                                    ("DISCARDED", "Discarded"),
                                ],
                                default="DRAFT",
                                max_length=16,
                            ),
                        ),
                        ("digest", models.CharField(max_length=64)),
                        ("totals", models.JSONField(default=dict)),
                        ("line_count", models.PositiveIntegerField()),
                        ("note", models.CharField(blank=True, max_length=256)),
                        (
                            "requester",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("approval", models.CharField(blank=True, max_length=64)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [("act_bulk_refund", "Can refund many payments at once")],
                        "indexes": [models.Index(fields=["-created_at", "-id"], name="bulk_refund_newest")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status", "DISCARDED"), _negated=True),
                                fields=("digest",),
                                name="bulk_refund_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["DRAFT", "STARTED", "STOPPED", "FINISHED", "DISCARDED"])
                                ),
                                name="bulk_refund_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ("DRAFT", "DISCARDED")),
                                    ("started_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="started_bulk_knows_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkLine",
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
                            "bulk",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="lines",
                                to="payments.bulkrefund",
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        ("said", models.CharField(max_length=80)),
                        ("said_amount", models.CharField(blank=True, max_length=40)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("PROBLEM", "Left out"),
                                    ("DRAFT", "Ready"),
                                    ("WAITING", "Waiting"),
                                    ("PROMISED", "Refund made"),
                                    ("REFUSED", "Refused"),
                                ],
                                default="DRAFT",
                                max_length=16,
                            ),
                        ),
                        (
                            "payment",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="payments.payment",
                            ),
                        ),
                        ("amount_value", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("reason_code", models.CharField(blank=True, max_length=24)),
                        ("note", models.CharField(blank=True, max_length=256)),
                        (
                            "refund",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="payments.refund",
                            ),
                        ),
                        ("result", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "ordering": ("number",),
                        "constraints": [
                            models.UniqueConstraint(fields=("bulk", "number"), name="bulk_line_once"),
                            models.UniqueConstraint(fields=("refund",), name="refund_of_one_line"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["PROBLEM", "DRAFT", "WAITING", "PROMISED", "REFUSED"])
                                ),
                                name="bulk_line_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status", "PROBLEM"),
                                    models.Q(("amount_value__gt", 0), ("payment__isnull", False)),
                                    _connector="OR",
                                ),
                                name="good_line_knows_what",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "PROMISED"), _negated=True),
                                    ("refund__isnull", False),
                                    _connector="OR",
                                ),
                                name="promised_line_has_refund",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("status", "WAITING"), ("due_at__isnull", True), _connector="OR"),
                                name="only_waiting_line_due",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Plan",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("code", models.SlugField(max_length=64)),
                        ("name", models.CharField(max_length=120)),
                        ("currency", models.CharField(max_length=3)),
                        ("amount_value", models.BigIntegerField(blank=True, null=True)),
                        (
                            "interval",
                            models.CharField(
                                choices=[("DAY", "Day"), ("WEEK", "Week"), ("MONTH", "Month"), ("YEAR", "Year")],
                                max_length=8,
                            ),
                        ),
                        ("every", models.PositiveSmallIntegerField(default=1)),
                        ("anchor_day", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("trial_days", models.PositiveSmallIntegerField(default=0)),
                        ("cycle_count", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("zone", models.CharField(max_length=64)),
                        ("charge_hour", models.PositiveSmallIntegerField(default=10)),
                        ("is_offered", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="plans",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "product",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="payments.product"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("name", "pk"),
                        "permissions": [("act_edit_plan", "Can add and withdraw plans")],
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "code"), name="plan_code_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("amount_value__isnull", True), ("amount_value__gt", 0), _connector="OR"
                                ),
                                name="plan_above_zero",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("interval__in", ["DAY", "WEEK", "MONTH", "YEAR"])),
                                name="plan_interval_known",
                            ),
                            models.CheckConstraint(condition=models.Q(("every__gte", 1)), name="plan_every_above_zero"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("anchor_day__isnull", True),
                                    models.Q(
                                        ("anchor_day__gte", 1),
                                        ("anchor_day__lte", 31),
                                        ("interval__in", ("MONTH", "YEAR")),
                                    ),
                                    models.Q(("anchor_day__gte", 1), ("anchor_day__lte", 7), ("interval", "WEEK")),
                                    _connector="OR",
                                ),
                                name="plan_anchor_is_a_day",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("charge_hour__lte", 23)), name="plan_hour_is_an_hour"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="RetryPolicy",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("account", models.CharField(blank=True, max_length=40)),
                        ("wallet", models.CharField(blank=True, max_length=64)),
                        (
                            "trouble",
                            models.CharField(
                                choices=[
                                    ("BALANCE", "Not enough money"),
                                    ("LIMIT", "Over a limit for now"),
                                    ("TEMPORARY", "Something failed on the way"),
                                    ("CONSENT", "The token died"),
                                    ("BUYER", "The buyer has to act in the wallet"),
                                    ("REFUSED", "Refused for good"),
                                    ("OURS", "Our request or contract"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("delays_hours", models.CharField(blank=True, max_length=120)),
                        ("paydays", models.CharField(blank=True, max_length=60)),
                        ("payday_within_days", models.PositiveSmallIntegerField(default=0)),
                        ("quiet_from", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("quiet_until", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("tries_a_day", models.PositiveSmallIntegerField(default=1)),
                        ("grace_days", models.PositiveSmallIntegerField(default=7)),
                        ("past_due_days", models.PositiveSmallIntegerField(default=14)),
                        ("changed_at", models.DateTimeField(default=portal.clock.now)),
                        ("changed_by", models.CharField(blank=True, max_length=150)),
                    ],
                    options={
                        "verbose_name_plural": "retry policies",
                        "ordering": ("trouble", "pk"),
                        "permissions": [("act_retry_policy", "Can ask for other retry policies")],
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "wallet", "trouble"), name="retry_policy_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "trouble__in",
                                        ["BALANCE", "LIMIT", "TEMPORARY", "CONSENT", "BUYER", "REFUSED", "OURS"],
                                    )
                                ),
                                name="retry_policy_trouble_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("trouble__in", ("BALANCE", "LIMIT", "TEMPORARY")),
                                    ("delays_hours", ""),
                                    _connector="OR",
                                ),
                                name="retry_policy_only_where_it_helps",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("quiet_from__isnull", True), ("quiet_until__isnull", True)),
                                    models.Q(("quiet_from__lte", 23), ("quiet_until__lte", 23)),
                                    _connector="OR",
                                ),
                                name="retry_policy_quiet_hours",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("tries_a_day__gte", 1)), name="retry_policy_tries_a_day"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Subscription",
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
                            "number",
                            models.CharField(
                                default=payments.models.subscribing.fresh_subscription_number,
                                editable=False,
                                max_length=64,
                                unique=True,
                            ),
                        ),
                        ("reference", models.CharField(blank=True, db_index=True, max_length=64)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("ACTIVE", "Active"),
                                    ("PAUSED", "Paused"),
                                    ("IN_GRACE", "In grace"),
                                    ("PAST_DUE", "Past due"),
                                    ("CANCELLED", "Cancelled"),
                                    ("ENDED", "Ended"),
                                ],
                                default="ACTIVE",
                                max_length=16,
                            ),
                        ),
                        ("most_value", models.BigIntegerField(blank=True, null=True)),
                        ("next_most_value", models.BigIntegerField(blank=True, null=True)),
                        ("first_on", models.DateField()),
                        ("first_number", models.PositiveIntegerField(default=1)),
                        ("next_number", models.PositiveIntegerField(default=1)),
                        ("next_on", models.DateField(blank=True, null=True)),
                        ("ends_on", models.DateField(blank=True, null=True)),
                        ("charges_made", models.PositiveIntegerField(default=0)),
                        ("ends_with_period", models.BooleanField(default=False)),
                        (
                            "trouble",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("BALANCE", "Not enough money"),
                                    ("LIMIT", "Over a limit for now"),
                                    ("TEMPORARY", "Something failed on the way"),
                                    ("CONSENT", "The token died"),
                                    ("BUYER", "The buyer has to act in the wallet"),
                                    ("REFUSED", "Refused for good"),
                                    ("OURS", "Our request or contract"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("grace_until", models.DateTimeField(blank=True, null=True)),
                        ("past_due_until", models.DateTimeField(blank=True, null=True)),
                        ("started_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        ("end_reason", models.CharField(blank=True, max_length=256)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subscriptions",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "buyer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subscriptions",
                                to="authorizations.buyer",
                            ),
                        ),
                        (
                            "next_plan",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="payments.plan",
                            ),
                        ),
                        (
                            "plan",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subscriptions",
                                to="payments.plan",
                            ),
                        ),
                        (
                            "wallet_account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subscriptions",
                                to="authorizations.walletaccount",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-started_at", "-pk"),
                        "permissions": [
                            ("act_subscription", "Can pause, resume, skip, change and cancel subscriptions"),
                            ("act_charge_cycle", "Can let an unpaid cycle be charged again"),
                        ],
                        "indexes": [
                            models.Index(fields=["-started_at", "-id"], name="subscription_newest"),
                            models.Index(fields=["status", "-started_at"], name="subscription_by_status"),
                            models.Index(
                                condition=models.Q(("next_on__isnull", False)),
                                fields=["next_on"],
                                name="subscription_next",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["ACTIVE", "PAUSED", "IN_GRACE", "PAST_DUE", "CANCELLED", "ENDED"])
                                ),
                                name="subscription_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("most_value__isnull", True), ("most_value__gt", 0), _connector="OR"
                                ),
                                name="subscription_most_above_zero",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ("ACTIVE", "PAUSED", "IN_GRACE", "PAST_DUE")),
                                    models.Q(("ended_at__isnull", False), ("next_on__isnull", True)),
                                    _connector="OR",
                                ),
                                name="ended_subscription_opens_nothing",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("next_number__gte", models.F("first_number"))),
                                name="subscription_counts_forward",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("reference", ""), _negated=True),
                                fields=("account", "reference"),
                                name="subscription_reference_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SubscriptionChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "subscription",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="payments.subscription",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Cycle",
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
                        ("number", models.PositiveIntegerField()),
                        ("due_on", models.DateField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("PLANNED", "Amount posted"),
                                    ("AWAITING_AMOUNT", "Waits for its amount"),
                                    ("CHARGING", "Being charged"),
                                    ("RETRYING", "Will be tried again"),
                                    ("NEEDS_CONSENT", "Needs authorization"),
                                    ("FAILED", "Not tried again"),
                                    ("PAID", "Paid"),
                                    ("SKIPPED", "Skipped"),
                                    ("GIVEN_UP", "Given up"),
                                ],
                                default="CHARGING",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(max_length=3)),
                        ("tries", models.PositiveSmallIntegerField(default=0)),
                        (
                            "trouble",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("BALANCE", "Not enough money"),
                                    ("LIMIT", "Over a limit for now"),
                                    ("TEMPORARY", "Something failed on the way"),
                                    ("CONSENT", "The token died"),
                                    ("BUYER", "The buyer has to act in the wallet"),
                                    ("REFUSED", "Refused for good"),
                                    ("OURS", "Our request or contract"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("first_failed_at", models.DateTimeField(blank=True, null=True)),
                        ("opened_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "order",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="cycle",
                                to="payments.order",
                            ),
                        ),
                        (
                            "plan",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.plan"
                            ),
                        ),
                        (
                            "subscription",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="cycles",
                                to="payments.subscription",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-due_on", "-number"),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("status__in", ("CHARGING", "RETRYING", "NEEDS_CONSENT", "FAILED"))),
                                fields=["subscription"],
                                name="cycle_to_be_paid",
                            ),
                            models.Index(
                                condition=models.Q(("first_failed_at__isnull", False)),
                                fields=["first_failed_at"],
                                name="cycle_failed",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("subscription", "number"), name="cycle_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        [
                                            "PLANNED",
                                            "AWAITING_AMOUNT",
                                            "CHARGING",
                                            "RETRYING",
                                            "NEEDS_CONSENT",
                                            "FAILED",
                                            "PAID",
                                            "SKIPPED",
                                            "GIVEN_UP",
                                        ],
                                    )
                                ),
                                name="cycle_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        (
                                            "status__in",
                                            ("CHARGING", "RETRYING", "NEEDS_CONSENT", "FAILED", "PAID", "GIVEN_UP"),
                                        ),
                                        _negated=True,
                                    ),
                                    models.Q(("amount_value__gt", 0), ("order__isnull", False)),
                                    _connector="OR",
                                ),
                                name="charged_cycle_has_order",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("order__isnull", True),
                                    (
                                        "status__in",
                                        ("CHARGING", "RETRYING", "NEEDS_CONSENT", "FAILED", "PAID", "GIVEN_UP"),
                                    ),
                                    _connector="OR",
                                ),
                                name="uncharged_cycle_has_none",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CycleChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "cycle",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="payments.cycle"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="CustomsRule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "customs_code",
                            models.CharField(
                                choices=[
                                    ("ZONGSHU", "General Administration (also Tianjin, Guangzhou, Hangzhou)"),
                                    ("ZHENGZHOU", "Henan bonded logistics centre"),
                                    ("NINGBO", "Ningbo"),
                                    ("HENAN", "Xinzheng bonded zone (airport)"),
                                    ("SHANGHAI_CBT", "Shanghai"),
                                ],
                                max_length=32,
                            ),
                        ),
                        ("merchant_customs_code", models.CharField(max_length=64)),
                        ("merchant_customs_name", models.CharField(max_length=128)),
                        (
                            "scope",
                            models.CharField(
                                choices=[
                                    ("EVERYTHING", "Every order"),
                                    ("GOODS", "Orders with goods that are sent"),
                                    ("PRODUCTS", "Orders with one of these products"),
                                ],
                                default="GOODS",
                                max_length=16,
                            ),
                        ),
                        ("skus", models.JSONField(blank=True, default=list)),
                        ("is_active", models.BooleanField(default=True)),
                        ("changed_at", models.DateTimeField(default=portal.clock.now)),
                        ("changed_by", models.CharField(blank=True, max_length=150)),
                        (
                            "account",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="customs_rule",
                                to="portal.acquireraccount",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("pk",),
                        "permissions": [("act_customs_rule", "Can set what is declared to customs by itself")],
                        "indexes": [],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("scope__in", ["EVERYTHING", "GOODS", "PRODUCTS"])),
                                name="customs_scope_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("customs_code__in", ["ZONGSHU", "ZHENGZHOU", "NINGBO", "HENAN", "SHANGHAI_CBT"])
                                ),
                                name="customs_office_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Declaration",
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
                        ("declaration_request_id", models.CharField(max_length=32, unique=True)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("INITIATED", "To be sent"),
                                    ("PROCESSING", "Unknown"),
                                    ("DECLARED", "At customs"),
                                    ("AMENDING", "Amendment unknown"),
                                    ("ACCEPTED", "Accepted by customs"),
                                    ("REFUSED", "Refused by customs"),
                                    ("FAILED", "Not declared"),
                                ],
                                default="INITIATED",
                                max_length=16,
                            ),
                        ),
                        ("amount_value", models.BigIntegerField()),
                        ("currency", models.CharField(max_length=3)),
                        (
                            "customs_code",
                            models.CharField(
                                choices=[
                                    ("ZONGSHU", "General Administration (also Tianjin, Guangzhou, Hangzhou)"),
                                    ("ZHENGZHOU", "Henan bonded logistics centre"),
                                    ("NINGBO", "Ningbo"),
                                    ("HENAN", "Xinzheng bonded zone (airport)"),
                                    ("SHANGHAI_CBT", "Shanghai"),
                                ],
                                max_length=32,
                            ),
                        ),
                        ("merchant_customs_code", models.CharField(max_length=64)),
                        ("merchant_customs_name", models.CharField(max_length=128)),
                        ("is_split", models.BooleanField(default=False)),
                        ("suborder_id", models.CharField(blank=True, max_length=64)),
                        (
                            "certificate_kind",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ID_CARD", "Identity card"),
                                    ("PASSPORT", "Passport"),
                                    ("DRIVING_LICENSE", "Driving licence"),
                                    ("ENTERPRISE_REGISTRATION", "Registration of a company"),
                                ],
                                max_length=32,
                            ),
                        ),
                        ("certificate_number", portal.encryption.EncryptedTextField(blank=True)),
                        ("certificate_name", portal.encryption.EncryptedTextField(blank=True)),
                        ("former", portal.encryption.EncryptedTextField(blank=True)),
                        ("times_sent", models.PositiveIntegerField(default=0)),
                        ("may_have_arrived", models.BooleanField(default=True)),
                        ("times_denied", models.PositiveIntegerField(default=0)),
                        ("asked_under", models.CharField(blank=True, max_length=64)),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_message", models.CharField(blank=True, max_length=256)),
                        ("customs_payment_id", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("customs_order_id", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("identity_check", models.CharField(blank=True, max_length=32)),
                        ("clearing_channel", models.CharField(blank=True, max_length=32)),
                        ("clearing_transaction_id", models.CharField(blank=True, max_length=64)),
                        ("provider_registration_id", models.CharField(blank=True, max_length=64)),
                        ("status_text", models.CharField(blank=True, max_length=64)),
                        ("customs_result_code", models.CharField(blank=True, max_length=64)),
                        ("customs_result", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("amended_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="declarations",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="declarations",
                                to="payments.payment",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [
                            ("act_declare", "Can declare payments to customs"),
                            ("act_amend_declaration", "Can amend declarations and transmit them again"),
                            ("act_reveal_certificate", "Can see the buyer's certificate of a declaration"),
                        ],
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="declaration_newest"),
                            models.Index(fields=["status", "-created_at"], name="declaration_by_status"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status", "FAILED"), _negated=True),
                                fields=("payment", "customs_code", "suborder_id"),
                                name="declared_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("amount_value__gt", 0)), name="declaration_above_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        [
                                            "INITIATED",
                                            "PROCESSING",
                                            "DECLARED",
                                            "AMENDING",
                                            "ACCEPTED",
                                            "REFUSED",
                                            "FAILED",
                                        ],
                                    )
                                ),
                                name="declaration_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("is_split", False), ("suborder_id", "")),
                                    models.Q(("is_split", True), models.Q(("suborder_id", ""), _negated=True)),
                                    _connector="OR",
                                ),
                                name="split_declaration_names_suborder",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DeclarationChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        ("source", models.CharField(max_length=24)),
                        ("event", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=24)),
                        ("heard_from", models.CharField(max_length=24)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        (
                            "declaration",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="payments.declaration",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("at", "pk"),
                        "abstract": False,
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        ),
    ]
