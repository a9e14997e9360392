"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import django.db.models.deletion
import portal.clock
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
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("authorizations", "0001_squashed_0005_list_indexes"),
        ("portal", "0001_squashed_0008_originals_and_news"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkRefund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("approval", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
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
                        condition=models.Q(("status__in", ["DRAFT", "STARTED", "STOPPED", "FINISHED", "DISCARDED"])),
                        name="bulk_refund_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("DRAFT", "DISCARDED")), ("started_at__isnull", False), _connector="OR"
                        ),
                        name="started_bulk_knows_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("actor_kind", models.CharField(editable=False, max_length=20)),
                ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                ("number", models.CharField(max_length=64, unique=True)),
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
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="portal.acquireraccount"
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="authorizations.buyer"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-pk"),
                "permissions": [("act_withdraw", "Can withdraw unpaid orders")],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="order_newest"),
                    models.Index(fields=["status", "-created_at"], name="order_by_status"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_value__gt", 0)), name="order_above_zero"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["INIT", "PAID", "CANCELLED", "REFUNDED"])),
                        name="order_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "PAID"), _negated=True), ("paid_at__isnull", False), _connector="OR"
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("actor_kind", models.CharField(editable=False, max_length=20)),
                ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
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
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="payments.order"
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
                        condition=models.Q(("returned_value__gt", 0)), fields=["-created_at"], name="payment_given_back"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("INITIATED", "PROCESSING", "SUCCEEDED"))),
                        fields=("order",),
                        name="one_live_payment",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_value__gt", 0)), name="payment_above_zero"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["INITIATED", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLED", "REVERSED"])
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
                ],
            },
        ),
        migrations.CreateModel(
            name="Contradiction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                            ("CLOCK", "the clock"),
                        ],
                        max_length=24,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField(default=portal.clock.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("settled_how", models.CharField(blank=True, max_length=200)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contradictions",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("payment", "said"), name="contradiction_once")],
            },
        ),
        migrations.CreateModel(
            name="Cancel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("actor_kind", models.CharField(editable=False, max_length=20)),
                ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
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
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cancels", to="payments.payment"
                    ),
                ),
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
                    models.CheckConstraint(condition=models.Q(("amount_value__gt", 0)), name="cancel_above_zero"),
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=portal.clock.now)),
                ("source", models.CharField(max_length=24)),
                ("event", models.CharField(max_length=40)),
                ("target", models.CharField(max_length=24)),
                ("heard_from", models.CharField(max_length=24)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "cancel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="payments.cancel"
                    ),
                ),
            ],
            options={
                "ordering": ("at", "pk"),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PaymentChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=portal.clock.now)),
                ("source", models.CharField(max_length=24)),
                ("event", models.CharField(max_length=40)),
                ("target", models.CharField(max_length=24)),
                ("heard_from", models.CharField(max_length=24)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="payments.payment"
                    ),
                ),
            ],
            options={
                "ordering": ("at", "pk"),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PaymentHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("zone", models.CharField(max_length=64)),
                ("figures", models.JSONField(default=list)),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("hour", "zone"), name="payment_hour_once")],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=120)),
                ("description", models.CharField(blank=True, max_length=256)),
                ("is_digital", models.BooleanField(default=True)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="products",
                        to="portal.acquireraccount",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "permissions": [("act_edit_product", "Can add and edit products and prices")],
                "constraints": [models.UniqueConstraint(fields=("account", "sku"), name="sku_once")],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("value", models.BigIntegerField()),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="payments.product"
                    ),
                ),
            ],
            options={
                "ordering": ("currency",),
                "constraints": [
                    models.UniqueConstraint(fields=("product", "currency"), name="one_price_per_currency"),
                    models.CheckConstraint(condition=models.Q(("value__gt", 0)), name="price_above_zero"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=120)),
                ("unit_value", models.BigIntegerField()),
                ("quantity", models.PositiveIntegerField()),
                ("is_digital", models.BooleanField(default=True)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="payments.order"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="payments.product"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("unit_value__gt", 0)), name="item_price_above_zero"),
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="item_quantity_above_zero"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("actor_kind", models.CharField(editable=False, max_length=20)),
                ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
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
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="payments.payment"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-pk"),
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="refund_newest"),
                    models.Index(fields=["status", "-created_at"], name="refund_by_status"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_value__gt", 0)), name="refund_above_zero"),
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
            name="BulkLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
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
                ("amount_value", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("reason_code", models.CharField(blank=True, max_length=24)),
                ("note", models.CharField(blank=True, max_length=256)),
                ("result", models.CharField(blank=True, max_length=300)),
                (
                    "bulk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="payments.bulkrefund"
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
            ],
            options={
                "ordering": ("number",),
                "constraints": [
                    models.UniqueConstraint(fields=("bulk", "number"), name="bulk_line_once"),
                    models.UniqueConstraint(fields=("refund",), name="refund_of_one_line"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["PROBLEM", "DRAFT", "WAITING", "PROMISED", "REFUSED"])),
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
                            models.Q(("status", "PROMISED"), _negated=True), ("refund__isnull", False), _connector="OR"
                        ),
                        name="promised_line_has_refund",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status", "WAITING"), ("due_at__isnull", True), _connector="OR"),
                        name="only_waiting_line_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=portal.clock.now)),
                ("source", models.CharField(max_length=24)),
                ("event", models.CharField(max_length=40)),
                ("target", models.CharField(max_length=24)),
                ("heard_from", models.CharField(max_length=24)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="payments.refund"
                    ),
                ),
            ],
            options={
                "ordering": ("at", "pk"),
                "abstract": False,
            },
        ),
    ]
