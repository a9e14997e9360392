"""A new database in one step; one that has some of the steps this replaces goes on with those."""

import authorizations.models
import django.db.models.deletion
import portal.clock
import portal.encryption
import portal.tables
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("authorizations", "0001_initial"),
        ("authorizations", "0002_public_ids"),
        ("authorizations", "0003_acts"),
        ("authorizations", "0004_search_by_reference_and_masked_account"),
        ("authorizations", "0005_list_indexes"),
        ("authorizations", "0006_refreshes"),
        ("authorizations", "0007_lost_consents"),
        ("authorizations", "0008_consent"),
    ]

    initial = True

    dependencies = [
        ("portal", "0001_squashed_0013_keyed_fingerprints"),
    ]

    operations = [
        portal.tables.CreateModels(
            models=[
                migrations.CreateModel(
                    name="Buyer",
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
                                related_name="buyers",
                                to="portal.acquireraccount",
                            ),
                        ),
                        ("reference", models.CharField(db_index=True, max_length=64)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["-created_at", "-id"], name="buyer_newest")],
                        "constraints": [
                            models.UniqueConstraint(fields=("account", "reference"), name="buyer_reference_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BuyerSession",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "buyer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sessions",
                                to="authorizations.buyer",
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        ("site_name", models.CharField(blank=True, max_length=32)),
                        ("opened_by", models.CharField(max_length=80)),
                        ("created_at", models.DateTimeField(default=portal.clock.now)),
                        ("expires_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="WalletAccount",
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
                            "public_id",
                            models.CharField(
                                default=authorizations.models.fresh_wallet_id,
                                editable=False,
                                max_length=64,
                                unique=True,
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="wallet_accounts",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "buyer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="wallet_accounts",
                                to="authorizations.buyer",
                            ),
                        ),
                        ("wallet", models.CharField(max_length=64)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("ACTIVE", "Active"),
                                    ("REVOKING", "Revoking"),
                                    ("REVOKED", "Revoked"),
                                    ("REPLACED", "Replaced"),
                                    ("NEEDS_AUTHORIZATION", "Needs authorization"),
                                ],
                                default="ACTIVE",
                                max_length=24,
                            ),
                        ),
                        ("access_token", portal.encryption.EncryptedTextField()),
                        ("access_token_index", models.CharField(db_index=True, max_length=64)),
                        ("access_token_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("refresh_token", portal.encryption.EncryptedTextField(blank=True)),
                        ("refresh_token_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("refreshes_sent", models.PositiveIntegerField(default=0)),
                        ("doubted_at", models.DateTimeField(blank=True, null=True)),
                        ("login_label", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("user_id", portal.encryption.EncryptedTextField(blank=True)),
                        ("bound_at", models.DateTimeField(default=portal.clock.now)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        ("end_reason", models.CharField(blank=True, max_length=256)),
                        ("revokes_sent", models.PositiveIntegerField(default=0)),
                        ("needs_since", models.DateTimeField(blank=True, null=True)),
                        ("refresh_code", models.CharField(blank=True, max_length=64)),
                        (
                            "refresh_result",
                            models.CharField(
                                blank=True,
                                choices=[("UNKNOWN", "No answer"), ("SUCCEEDED", "Refreshed"), ("REFUSED", "Refused")],
                                max_length=16,
                            ),
                        ),
                        ("refresh_sent_at", models.DateTimeField(blank=True, null=True)),
                        ("refreshed_at", models.DateTimeField(blank=True, null=True)),
                        ("lost_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ("-bound_at", "-pk"),
                        "permissions": [("act_revoke", "Can revoke wallets")],
                        "indexes": [
                            models.Index(fields=["-bound_at", "-id"], name="wallet_newest"),
                            models.Index(fields=["status", "-bound_at"], name="wallet_by_status"),
                            models.Index(
                                condition=models.Q(("status", "ACTIVE")),
                                fields=["access_token_expires_at"],
                                name="wallet_ending",
                            ),
                            models.Index(
                                condition=models.Q(("status", "NEEDS_AUTHORIZATION")),
                                fields=["-needs_since", "-id"],
                                name="wallet_needs",
                            ),
                            models.Index(
                                condition=models.Q(("refresh_sent_at__isnull", False)),
                                fields=["-refresh_sent_at", "-id"],
                                name="wallet_refreshed",
                            ),
                            models.Index(
                                condition=models.Q(("lost_at__isnull", False)),
                                fields=["account", "lost_at", "wallet"],
                                name="wallet_lost",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status", "ACTIVE")),
                                fields=("account", "buyer", "wallet"),
                                name="one_active_wallet",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["ACTIVE", "REVOKING", "REVOKED", "REPLACED", "NEEDS_AUTHORIZATION"])
                                ),
                                name="wallet_status_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WalletAccountChange",
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
                            "wallet_account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="authorizations.walletaccount",
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
                    name="Authorization",
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
                            "public_id",
                            models.CharField(
                                default=authorizations.models.fresh_authorization_id,
                                editable=False,
                                max_length=64,
                                unique=True,
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="authorizations",
                                to="portal.acquireraccount",
                            ),
                        ),
                        (
                            "buyer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="authorizations",
                                to="authorizations.buyer",
                            ),
                        ),
                        ("wallet", models.CharField(max_length=64)),
                        ("auth_state", models.CharField(max_length=64, unique=True)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("STARTED", "Started"),
                                    ("OFFERED", "Waiting for the buyer"),
                                    ("CODE_RECEIVED", "Being confirmed"),
                                    ("BOUND", "Bound"),
                                    ("CANCELLED", "Refused by the buyer"),
                                    ("FAILED", "Failed"),
                                    ("EXPIRED", "Expired"),
                                ],
                                default="STARTED",
                                max_length=24,
                            ),
                        ),
                        (
                            "terminal_type",
                            models.CharField(
                                choices=[("WEB", "WEB"), ("WAP", "WAP"), ("APP", "APP"), ("MINI_APP", "MINI_APP")],
                                max_length=16,
                            ),
                        ),
                        ("os_type", models.CharField(blank=True, max_length=16)),
                        ("return_to", models.CharField(blank=True, max_length=300)),
                        ("auth_url", portal.encryption.EncryptedTextField(blank=True)),
                        ("auth_code", portal.encryption.EncryptedTextField(blank=True)),
                        ("auth_code_index", models.CharField(blank=True, db_index=True, max_length=64)),
                        ("codes_sent", models.PositiveIntegerField(default=0)),
                        (
                            "wallet_account",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="authorizations",
                                to="authorizations.walletaccount",
                            ),
                        ),
                        ("result_code", models.CharField(blank=True, max_length=64)),
                        ("result_message", models.CharField(blank=True, max_length=256)),
                        ("created_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                        ("expires_at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ("-created_at", "-pk"),
                        "indexes": [
                            models.Index(fields=["-created_at", "-id"], name="authorization_newest"),
                            models.Index(fields=["status", "-created_at"], name="authorization_by_status"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        [
                                            "STARTED",
                                            "OFFERED",
                                            "CODE_RECEIVED",
                                            "BOUND",
                                            "CANCELLED",
                                            "FAILED",
                                            "EXPIRED",
                                        ],
                                    )
                                ),
                                name="authorization_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "BOUND"), _negated=True),
                                    ("wallet_account__isnull", False),
                                    _connector="OR",
                                ),
                                name="bound_has_wallet",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AuthorizationChange",
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
                            "authorization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="authorizations.authorization",
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
                    name="Consent",
                    fields=[],
                    options={
                        "proxy": True,
                        "indexes": [],
                        "constraints": [],
                    },
                    bases=("authorizations.walletaccount",),
                ),
            ],
        ),
    ]
