"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import django.db.models.deletion
import portal.clock
import portal.encryption
import portal.tables
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("portal", "0001_initial"),
        ("portal", "0002_acts"),
        ("portal", "0003_webhooks"),
        ("portal", "0004_journal_chain"),
        ("portal", "0005_approvals"),
        ("portal", "0006_lists"),
        ("portal", "0007_sign_ins"),
        ("portal", "0008_originals_and_news"),
        ("portal", "0009_tongues"),
        ("portal", "0010_missing"),
        ("portal", "0011_held_keys"),
        ("portal", "0012_settlement_cycle"),
        ("portal", "0013_keyed_fingerprints"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        portal.tables.CreateModels(
            models=[
                migrations.CreateModel(
                    name="AcquirerAccount",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=80, unique=True)),
                        (
                            "slug",
                            models.SlugField(
                                help_text="Part of the notification URLs; keep it once it is in use.",
                                max_length=40,
                                unique=True,
                            ),
                        ),
                        ("adapter", models.CharField(choices=[("ANTOM", "Antom")], default="ANTOM", max_length=20)),
                        (
                            "gateway_url",
                            models.CharField(
                                help_text="Scheme and host, e.g. https://open-sea-global.alipay.com", max_length=200
                            ),
                        ),
                        (
                            "client_id",
                            models.CharField(help_text="Sandbox client ids begin with SANDBOX_.", max_length=128),
                        ),
                        (
                            "key_version",
                            models.CharField(
                                default="1", help_text="Version of our key pair at the acquirer.", max_length=8
                            ),
                        ),
                        ("private_key", portal.encryption.EncryptedTextField(blank=True, editable=False)),
                        ("public_key", models.TextField(blank=True, editable=False)),
                        (
                            "wallets",
                            models.JSONField(
                                blank=True, default=list, help_text="Contracted wallets, e.g. GCASH, DANA."
                            ),
                        ),
                        ("settlement_currency", models.CharField(default="USD", max_length=3)),
                        (
                            "settlement_days",
                            models.PositiveSmallIntegerField(
                                default=1, help_text="N of the settlement cycle T+N, W+N or M+N, in working days."
                            ),
                        ),
                        (
                            "settlement_grace_days",
                            models.PositiveSmallIntegerField(
                                db_default=3,
                                default=3,
                                help_text="Working days a settlement may be late before what it leaves out is missing.",
                            ),
                        ),
                        (
                            "notify_base_url",
                            models.CharField(
                                blank=True,
                                help_text="Public address of this portal as the acquirer reaches it; empty: the portal's own.",
                                max_length=200,
                            ),
                        ),
                        (
                            "app_id",
                            models.CharField(
                                blank=True,
                                help_text="Id of the mini program, required for payments from it.",
                                max_length=32,
                            ),
                        ),
                        (
                            "merchant_reference",
                            models.CharField(
                                blank=True, help_text="Only for acquirers with secondary merchants.", max_length=64
                            ),
                        ),
                        (
                            "customer_id",
                            models.CharField(
                                blank=True,
                                help_text="The merchant id the acquirer prints in reports (customerId); another id in a file is refused.",
                                max_length=64,
                            ),
                        ),
                        ("is_enabled", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        (
                            "settlement_cycle",
                            models.CharField(
                                choices=[("T", "T: every day"), ("W", "W: every week"), ("M", "M: every month")],
                                db_default="T",
                                default="T",
                                max_length=1,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("name",),
                        "permissions": [
                            ("act_connect", "Can connect and edit acquirer accounts and their keys"),
                            ("act_test_call", "Can make a signed test call"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("gateway_url", "client_id"), name="account_once_per_gateway"
                            )
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="AcquirerKey",
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="acquirer_keys",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("version", models.CharField(default="1", max_length=8)),
                        ("public_key", models.TextField(help_text="PEM, or the bare base64 of the dashboard.")),
                        ("added_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("retired_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("account_id", "-added_at"),
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "version"), name="acquirer_key_version_once")
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="MerchantKey",
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
                                related_name="merchant_keys",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("name", models.CharField(max_length=80)),
                        ("prefix", models.CharField(editable=False, max_length=16)),
                        ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "held_for",
                            models.ForeignKey(
                                blank=True,
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-created_at",),
                        "permissions": [("act_merchant_keys", "Can make and revoke merchant keys")],
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Incident",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("subject_type", models.CharField(blank=True, max_length=60)),
                        ("subject_id", models.CharField(blank=True, max_length=64)),
                        ("subject_label", models.CharField(blank=True, max_length=200)),
                        ("summary", models.CharField(max_length=300)),
                        ("detail", models.TextField(blank=True)),
                        ("opened_at", models.DateTimeField(default=portal.clock.now)),
                        ("last_seen_at", models.DateTimeField(default=portal.clock.now)),
                        ("times_seen", models.PositiveIntegerField(default=1)),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="incidents",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        ("closed_by", models.CharField(blank=True, max_length=150)),
                        ("resolution", models.TextField(blank=True)),
                    ],
                    options={
                        "ordering": ("opened_at", "pk"),
                        "permissions": [("act_incident", "Can take and close incidents")],
                        "indexes": [
                            models.Index(fields=["-opened_at", "-id"], name="incident_newest"),
                            models.Index(fields=["subject_label"], name="incident_by_label"),
                            models.Index(
                                condition=models.Q(("closed_at__isnull", True)),
                                fields=["-opened_at", "-id"],
                                name="incident_queue",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("closed_at__isnull", True)),
                                fields=("kind", "subject_type", "subject_id"),
                                name="incident_open_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IdempotencyKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("scope", models.CharField(max_length=80)),
                        ("key", models.CharField(max_length=255)),
                        ("fingerprint", models.CharField(max_length=64)),
                        ("resource_type", models.CharField(max_length=40)),
                        ("resource_id", models.CharField(max_length=64)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("scope", "key"), name="idempotency_key_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Approval",
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
                        ("kind", models.CharField(max_length=40)),
                        ("act", models.CharField(max_length=40)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("WAITING", "Waiting"),
                                    ("APPROVED", "Approved, being done"),
                                    ("DONE", "Done"),
                                    ("REFUSED", "Could not be done"),
                                    ("DECLINED", "Declined"),
                                    ("WITHDRAWN", "Withdrawn"),
                                    ("EXPIRED", "Expired"),
                                ],
                                default="WAITING",
                                max_length=16,
                            ),
                        ),
                        ("subject_type", models.CharField(blank=True, max_length=60)),
                        ("subject_id", models.CharField(blank=True, max_length=64)),
                        ("subject_label", models.CharField(blank=True, max_length=200)),
                        (
                            "account",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="approvals",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("amount_value", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("params", models.JSONField(default=dict)),
                        ("digest", models.CharField(max_length=64)),
                        ("sentence", models.CharField(max_length=300)),
                        ("rule", models.CharField(max_length=300)),
                        ("approvers", models.JSONField(default=list)),
                        ("reason_code", models.CharField(blank=True, max_length=40)),
                        ("note", models.CharField(blank=True, max_length=256)),
                        (
                            "requester",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("expires_at", models.DateTimeField()),
                        (
                            "decider",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("decided_by", models.CharField(blank=True, max_length=200)),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("decision_note", models.CharField(blank=True, max_length=256)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("result", models.CharField(blank=True, max_length=300)),
                        ("result_type", models.CharField(blank=True, max_length=60)),
                        ("result_id", models.CharField(blank=True, max_length=64)),
                        ("is_glass_broken", models.BooleanField(default=False)),
                        (
                            "reviewer",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("reviewed_by", models.CharField(blank=True, max_length=200)),
                        ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                        ("review_note", models.CharField(blank=True, max_length=256)),
                        ("is_found_right", models.BooleanField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [
                            ("act_decide", "Can approve and decline"),
                            ("act_break_glass", "Can act at once without approval, to be reviewed afterwards"),
                            ("act_deputy", "Can name a deputy"),
                            ("act_rules", "Can ask for other approval rules"),
                        ],
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="approval_newest"),
                            models.Index(fields=["status", "-created_at"], name="approval_by_status"),
                            models.Index(fields=["subject_type", "subject_id"], name="approval_subject"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        ["WAITING", "APPROVED", "DONE", "REFUSED", "DECLINED", "WITHDRAWN", "EXPIRED"],
                                    )
                                ),
                                name="approval_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("amount_value__isnull", True), ("currency", "")),
                                    ("amount_value__gt", 0),
                                    _connector="OR",
                                ),
                                name="approval_above_zero",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("status__in", ("WAITING", "APPROVED"))),
                                fields=("digest",),
                                name="same_request_waits_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("decider__isnull", True),
                                    models.Q(("decider", models.F("requester")), _negated=True),
                                    ("is_glass_broken", True),
                                    _connector="OR",
                                ),
                                name="approval_by_another",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("reviewer__isnull", True),
                                    models.Q(("reviewer", models.F("requester")), _negated=True),
                                    _connector="OR",
                                ),
                                name="review_by_another",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("status__in", ("APPROVED", "DONE", "REFUSED", "DECLINED")), _negated=True
                                    ),
                                    ("decider__isnull", False),
                                    _connector="OR",
                                ),
                                name="decision_knows_who",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ("WAITING", "APPROVED")), ("due_at__isnull", True), _connector="OR"
                                ),
                                name="ended_approval_not_due",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ApprovalChange",
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
                            "approval",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="portal.approval",
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
                    name="ApprovalRule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("role", models.CharField(blank=True, max_length=60)),
                        ("person", models.CharField(blank=True, max_length=150)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("account", models.CharField(blank=True, max_length=40)),
                        ("is_always", models.BooleanField(default=False)),
                        ("above_value", models.BigIntegerField(blank=True, null=True)),
                        ("above_a_day_value", models.BigIntegerField(blank=True, null=True)),
                        ("above_a_day_count", models.PositiveIntegerField(blank=True, null=True)),
                        ("approvers", models.JSONField(default=list)),
                        ("expires_hours", models.PositiveIntegerField(default=72)),
                        ("is_in_force", models.BooleanField(default=True)),
                        ("changed_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                    ],
                    options={
                        "ordering": ("kind", "role", "currency", "pk"),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("kind", "role", "person", "currency", "account"), name="approval_rule_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("currency__gt", ""),
                                    models.Q(("above_a_day_value__isnull", True), ("above_value__isnull", True)),
                                    _connector="OR",
                                ),
                                name="rule_of_an_amount_names_its_currency",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("expires_hours__gt", 0)), name="rule_expires_later"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="Deputy",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "principal",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "deputy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                        ("note", models.CharField(blank=True, max_length=256)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "deputies",
                        "ordering": ("-starts_at", "-pk"),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("principal", models.F("deputy")), _negated=True),
                                name="deputy_is_another",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="deputy_for_a_time"
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="DayTotal",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("day", models.DateField()),
                        ("account", models.CharField(blank=True, max_length=40)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("value", models.BigIntegerField(default=0)),
                        ("count", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("kind", "user", "day", "account", "currency"), name="day_total_once"
                            )
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="JournalEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("actor_kind", models.CharField(editable=False, max_length=20)),
                        ("actor_name", models.CharField(blank=True, editable=False, max_length=150)),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("act", models.CharField(max_length=60)),
                        ("subject_type", models.CharField(blank=True, max_length=60)),
                        ("subject_id", models.CharField(blank=True, max_length=64)),
                        ("subject_label", models.CharField(blank=True, max_length=200)),
                        ("reason_code", models.CharField(blank=True, max_length=40)),
                        ("note", models.TextField(blank=True)),
                        ("before", models.JSONField(blank=True, null=True)),
                        ("after", models.JSONField(blank=True, null=True)),
                        ("outcome", models.CharField(blank=True, max_length=300)),
                        ("position", models.BigIntegerField(editable=False, unique=True)),
                        ("previous_hash", models.CharField(editable=False, max_length=64, unique=True)),
                        ("hash", models.CharField(editable=False, max_length=64, unique=True)),
                    ],
                    options={
                        "verbose_name_plural": "journal",
                        "ordering": ("-at", "-pk"),
                        "indexes": [
                            models.Index(fields=["-at", "-id"], name="journal_newest"),
                            models.Index(fields=["subject_type", "subject_id"], name="journal_subject"),
                        ],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="JournalDay",
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
                        ("day", models.DateField(unique=True)),
                        ("checkpoint", models.CharField(blank=True, max_length=120)),
                    ],
                    options={
                        "ordering": ("day",),
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="ListView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="list_views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("list_name", models.CharField(max_length=80)),
                        ("name", models.CharField(blank=True, max_length=60)),
                        ("query", models.CharField(blank=True, max_length=1000)),
                        ("columns", models.JSONField(default=list)),
                        ("is_shared", models.BooleanField(default=False)),
                        ("is_default", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                    ],
                    options={
                        "ordering": ("name", "pk"),
                        "permissions": [
                            ("act_share_view", "Can share saved views with everybody"),
                            ("act_export", "Can export lists"),
                            ("act_export_personal", "Can export personal data unmasked"),
                        ],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_shared", True)),
                                fields=["list_name"],
                                name="shared_views_of_list",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "list_name", "name"), name="view_name_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("is_default", True)),
                                fields=("owner", "list_name"),
                                name="one_default_view",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("name", ""), _negated=True),
                                    models.Q(("is_default", False), ("is_shared", False)),
                                    _connector="OR",
                                ),
                                name="only_named_views_are_shared",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="NewsWish",
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
                            "person",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="news_wish",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "incidents",
                            models.CharField(
                                choices=[
                                    ("NEVER", "Never"),
                                    ("DAILY", "Once a day"),
                                    ("AT_ONCE", "What is urgent at once, the rest once a day"),
                                ],
                                default="NEVER",
                                max_length=8,
                            ),
                        ),
                        (
                            "approvals",
                            models.CharField(
                                choices=[
                                    ("NEVER", "Never"),
                                    ("DAILY", "Once a day"),
                                    ("AT_ONCE", "What is urgent at once, the rest once a day"),
                                ],
                                default="NEVER",
                                max_length=8,
                            ),
                        ),
                        ("hour", models.PositiveSmallIntegerField(default=9)),
                        ("digest_on", models.DateField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("incidents__in", ["NEVER", "DAILY", "AT_ONCE"]),
                                    ("approvals__in", ["NEVER", "DAILY", "AT_ONCE"]),
                                ),
                                name="news_wish_known",
                            ),
                            models.CheckConstraint(condition=models.Q(("hour__lt", 24)), name="news_hour_of_a_day"),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="NewsTold",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "wish",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="told", to="portal.newswish"
                            ),
                        ),
                        ("item", models.CharField(max_length=80)),
                        ("told_at", models.DateTimeField(default=portal.clock.now)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("wish", "item"), name="news_told_once")],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="SignIn",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "person",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sign_ins",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("at", models.DateTimeField(default=portal.clock.now)),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("OPENED", "Signed in"),
                                    ("WRONG_PASSWORD", "Wrong password"),
                                    ("WRONG_FACTOR", "Wrong second factor"),
                                    ("LOCKED", "Locked for a while"),
                                    ("SHUT_OUT", "Is shut out"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("factor", models.CharField(blank=True, max_length=20)),
                        ("address", models.CharField(blank=True, max_length=45)),
                        ("device", models.CharField(blank=True, max_length=80)),
                        ("session_key", models.CharField(blank=True, db_index=True, editable=False, max_length=40)),
                        ("last_seen_at", models.DateTimeField(null=True)),
                        ("ended_at", models.DateTimeField(null=True)),
                        (
                            "end",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("LEFT", "Logged out"),
                                    ("ELSEWHERE", "Logged out from another session"),
                                    ("ROLES", "Their roles were changed"),
                                    ("SHUT_OUT", "They were shut out"),
                                    ("PASSWORD", "Their password was changed"),
                                    ("RESET", "Their way in was reset"),
                                ],
                                max_length=20,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "sign-in",
                        "ordering": ("-at", "-pk"),
                        "indexes": [
                            models.Index(fields=["-at", "-id"], name="sign_in_newest"),
                            models.Index(fields=["person", "-at"], name="sign_in_of_person"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("outcome", "OPENED"), ("session_key", ""), _connector="OR"),
                                name="sign_in_failed_opens_nothing",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Tongue",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "person",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tongue",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("language", models.CharField(max_length=12)),
                    ],
                    options={
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookEndpoint",
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
                        ("name", models.CharField(max_length=80, unique=True)),
                        (
                            "account",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="webhook_endpoints",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("url", models.CharField(max_length=500)),
                        ("kinds", models.JSONField(blank=True, default=list)),
                        ("secret", portal.encryption.EncryptedTextField(editable=False)),
                        ("previous_secret", portal.encryption.EncryptedTextField(blank=True, editable=False)),
                        ("previous_secret_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[("ACTIVE", "Active"), ("PAUSED", "Paused"), ("DISABLED", "Disabled")],
                                default="ACTIVE",
                                max_length=12,
                            ),
                        ),
                        ("state_note", models.CharField(blank=True, max_length=300)),
                        ("failures", models.PositiveIntegerField(default=0, editable=False)),
                        ("failing_since", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("resting_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("last_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                    ],
                    options={
                        "ordering": ("name",),
                        "permissions": [
                            (
                                "act_webhook_endpoints",
                                "Can add, change, pause and resume webhook endpoints and rotate their secrets",
                            ),
                            ("act_webhook_ping", "Can send a ping to webhook endpoints"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["ACTIVE", "PAUSED", "DISABLED"])),
                                name="endpoint_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("previous_secret", ""), ("previous_secret_until__isnull", False), _connector="OR"
                                ),
                                name="previous_secret_ends",
                            ),
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookEvent",
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
                        ("event_id", models.CharField(max_length=64, unique=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="webhook_events",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("subject_type", models.CharField(max_length=60)),
                        ("subject_id", models.CharField(max_length=64)),
                        ("subject_label", models.CharField(db_index=True, max_length=64)),
                        ("sequence", models.PositiveIntegerField()),
                        ("body", models.TextField()),
                        ("listeners", models.JSONField(default=list)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "indexes": [models.Index(fields=["-created_at", "-id"], name="webhook_event_newest")],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("subject_type", "subject_id", "sequence"), name="webhook_event_sequence_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
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
                            "event",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deliveries",
                                to="portal.webhookevent",
                            ),
                        ),
                        (
                            "endpoint",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deliveries",
                                to="portal.webhookendpoint",
                            ),
                        ),
                        ("subject_type", models.CharField(max_length=60)),
                        ("subject_id", models.CharField(max_length=64)),
                        ("sequence", models.PositiveIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[("WAITING", "Waiting"), ("DELIVERED", "Delivered"), ("GIVEN_UP", "Given up")],
                                default="WAITING",
                                max_length=12,
                            ),
                        ),
                        ("times_tried", models.PositiveIntegerField(default=0)),
                        ("said", models.CharField(blank=True, max_length=120)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("delivered_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "webhook deliveries",
                        "ordering": ("-created_at", "-pk"),
                        "permissions": [("act_webhook_resend", "Can resend webhooks and let them go")],
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="webhook_delivery_newest"),
                            models.Index(fields=["state", "-created_at"], name="webhook_delivery_by_state"),
                            models.Index(
                                condition=models.Q(("delivered_at__isnull", True), ("state", "WAITING")),
                                fields=["endpoint", "subject_type", "subject_id", "sequence"],
                                name="webhook_delivery_before",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("event", "endpoint"), name="webhook_delivery_once"),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["WAITING", "DELIVERED", "GIVEN_UP"])),
                                name="delivery_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "DELIVERED"), _negated=True),
                                    ("delivered_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="delivered_knows_when",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state", "WAITING"), ("due_at__isnull", True), _connector="OR"),
                                name="finished_delivery_not_due",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookAttempt",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "endpoint",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tries",
                                to="portal.webhookendpoint",
                            ),
                        ),
                        (
                            "delivery",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tries",
                                to="portal.webhookdelivery",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("duration_ms", models.PositiveIntegerField()),
                        ("url", models.CharField(max_length=500)),
                        ("address", models.CharField(blank=True, max_length=45)),
                        ("http_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("answer", models.CharField(blank=True, max_length=500)),
                        ("error", models.CharField(blank=True, max_length=40)),
                        ("note", models.CharField(blank=True, max_length=200)),
                        ("is_success", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ("-at", "-pk"),
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Exchange",
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
                                related_name="exchanges",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("api", models.CharField(max_length=40)),
                        ("subject", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("sent_at", models.DateTimeField()),
                        ("duration_ms", models.PositiveIntegerField()),
                        ("url", models.CharField(max_length=300)),
                        ("http_status", models.PositiveSmallIntegerField(null=True)),
                        ("request_headers", models.JSONField(default=dict)),
                        ("request_body", portal.encryption.EncryptedBinaryField()),
                        ("request_sha256", models.CharField(max_length=64)),
                        ("response_headers", models.JSONField(default=dict)),
                        ("response_body", portal.encryption.EncryptedBinaryField(blank=True)),
                        ("response_sha256", models.CharField(blank=True, max_length=64)),
                        ("masked_request", models.TextField(blank=True)),
                        ("masked_response", models.TextField(blank=True)),
                        ("verdict", models.CharField(max_length=16)),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_status", models.CharField(blank=True, max_length=8)),
                        ("error", models.CharField(blank=True, max_length=64)),
                    ],
                    options={
                        "ordering": ("-sent_at", "-pk"),
                        "permissions": [
                            ("act_reveal_originals", "Can take messages in their original bytes, tokens included")
                        ],
                        "indexes": [
                            models.Index(fields=["-sent_at", "-id"], name="exchange_newest"),
                            models.Index(
                                condition=models.Q(("result_status", "S"), _negated=True),
                                fields=["result_status", "-sent_at"],
                                name="exchange_not_success",
                            ),
                            models.Index(
                                condition=models.Q(("verdict", "VERIFIED"), _negated=True),
                                fields=["verdict", "-sent_at"],
                                name="exchange_not_verified",
                            ),
                            models.Index(
                                condition=models.Q(("duration_ms__gt", 5000)), fields=["-sent_at"], name="exchange_slow"
                            ),
                        ],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Notification",
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
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="notifications",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("kind", models.CharField(blank=True, max_length=40)),
                        ("subject", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("received_at", models.DateTimeField(default=portal.clock.now)),
                        ("last_received_at", models.DateTimeField(default=portal.clock.now)),
                        ("deliveries", models.PositiveIntegerField(default=1)),
                        ("path", models.CharField(max_length=300)),
                        ("headers", models.JSONField(default=dict)),
                        ("body", portal.encryption.EncryptedBinaryField(blank=True)),
                        ("sha256", models.CharField(max_length=64)),
                        ("masked_body", models.TextField(blank=True)),
                        ("verdict", models.CharField(max_length=16)),
                        ("is_verified", models.BooleanField(default=False)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("RECEIVED", "Received"),
                                    ("APPLIED", "Applied"),
                                    ("WAITING", "Waiting"),
                                    ("UNAPPLIED", "Could not be applied"),
                                    ("REFUSED", "Refused"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("applied_at", models.DateTimeField(blank=True, null=True)),
                        ("note", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "ordering": ("-received_at", "-pk"),
                        "permissions": [("act_try_again", "Can try notifications again")],
                        "indexes": [
                            models.Index(fields=["-received_at", "-id"], name="notification_newest"),
                            models.Index(
                                condition=models.Q(("status", "APPLIED"), _negated=True),
                                fields=["status", "-received_at"],
                                name="notification_not_applied",
                            ),
                            models.Index(
                                condition=models.Q(("deliveries__gt", 1)),
                                fields=["-received_at"],
                                name="notification_repeated",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("is_verified", True)),
                                fields=("account", "sha256"),
                                name="verified_message_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("is_verified", True), ("status", "REFUSED"), _connector="OR"),
                                name="unverified_message_refused",
                            ),
                        ],
                    },
                ),
            ],
        ),
    ]
