import django.db.models.deletion
import portal.clock
from django.db import migrations, models


# fmt: off
NAMES = ("code", "kind", "country", "currency", "minimum_value", "maximum_value", "refund_minimum_value", "refund_days",
         "refunds_in_part", "cancellable_when_paid", "limits")
FIRST = (
    ("ALIPAY_CN", "WALLET", "CN", "CNY", 10, 30_000_000, None, 365, True, True, "3,000,000 CNY per person and year"),
    ("ALIPAY_HK", "WALLET", "HK", "HKD", 1, 5_000_000, 1, 365, True, True, "200,000 HKD per year"),
    ("DANA", "WALLET", "ID", "IDR", 30_000, None, 30_000, None, None, True, ""),
    ("PAYPAY", "WALLET", "JP", "JPY", 1, None, None, 365, True, True, "500,000 JPY per 24 hours; 2,000,000 JPY per 30 days"),
    ("BOOST", "WALLET", "MY", "MYR", 5, None, None, 365, True, True, "50,000 MYR per month"),
    ("TNG", "WALLET", "MY", "MYR", 5, None, 5, None, None, True, ""),
    ("GRABPAY_MY", "WALLET", "MY", "MYR", 1, 150_000, None, 365, True, True, ""),
    ("GRABPAY_PH", "WALLET", "PH", "PHP", 1_000, 5_000_000, None, 365, True, True, ""),
    ("GRABPAY_SG", "WALLET", "SG", "SGD", 1, 500_000, None, 365, True, True, ""),
    ("EASYPAISA", "WALLET", "PK", "PKR", None, None, None, None, None, True, ""),
    ("GCASH", "WALLET", "PH", "PHP", 100, None, 100, 365, True, True, "100,000 PHP per day"),
    ("MAYA", "WALLET", "PH", "PHP", None, None, None, None, None, True, ""),
    ("KAKAOPAY", "WALLET", "KR", "KRW", 50, None, 50, None, None, True, ""),
    ("NAVERPAY", "WALLET", "KR", "KRW", None, None, None, None, None, True, ""),
    ("TOSSPAY", "WALLET", "KR", "KRW", None, None, None, None, None, True, ""),
    ("RABBIT_LINE_PAY", "WALLET", "TH", "THB", 1, 5_000_000, None, 365, True, True, ""),
    ("TRUEMONEY", "WALLET", "TH", "THB", 100, 3_000_000, 100, 365, True, True, "50,000 THB per day"),
    ("KPLUS", "WALLET", "TH", "THB", 100, 200_000_000, None, 365, True, True, ""),
    ("DIRECT_DEBIT_SIAMCOMMERCIALBANK", "BANK_DEBIT", "TH", "THB", None, None, None, None, None, False, ""),
    ("DIRECT_DEBIT_KRUNGTHAIBANK", "BANK_DEBIT", "TH", "THB", None, None, None, None, None, False, ""),
    ("ZALOPAY", "WALLET", "VN", "VND", 1_000, 10_000_000, None, 180, True, True, "20,000,000 VND per day; 100,000,000 VND per month"),
    ("DIRECTDEBIT_YAPILY", "BANK_DEBIT", "GB", "GBP", None, None, None, None, None, True, ""),
    ("MPAY", "", "", "", None, None, None, None, None, True, ""),
    ("BKASH", "", "", "", None, None, None, None, None, True, ""),
    ("JKOPAY", "", "", "TWD", 100, None, 100, None, None, True, ""),
    ("MOMO", "", "", "", None, None, None, None, None, True, ""),
    ("VIETTELMONEY", "", "", "", None, None, None, None, None, True, ""),
    ("HIPAY", "", "", "", None, None, None, None, None, True, ""),
    ("ACH_DIRECT_DEBIT", "", "", "", None, None, None, None, None, True, ""),
)
# fmt: on
"""What a catalogue begins with, as the acquirer's table says it today: https://docs.antom.com/ac/pm/enumeration_values"""


def begin_the_catalogues(apps, schema_editor):
    """Give every account its catalogue: its wallets as contracted, in their order, then all others that are known."""
    known = {row[0]: dict(zip(NAMES, row, strict=True)) for row in FIRST}
    methods = apps.get_model("portal", "PaymentMethod")
    for account in apps.get_model("portal", "AcquirerAccount").objects.order_by("pk"):
        contracted = list(dict.fromkeys(account.wallets))
        rows = [{**known.get(code, {"code": code}), "is_contracted": True} for code in contracted]
        rows += [known[code] for code in known if code not in contracted]
        methods.objects.bulk_create(methods(account=account, **row) for row in rows)


def name_the_wallets_again(apps, schema_editor):
    """Put what is contracted back into the account's row."""
    methods = apps.get_model("portal", "PaymentMethod").objects
    for account in apps.get_model("portal", "AcquirerAccount").objects.order_by("pk"):
        rows = methods.filter(account=account, is_contracted=True).order_by("pk")
        account.wallets = list(rows.values_list("code", flat=True))
        account.save(update_fields=["wallets"])


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0013_keyed_fingerprints"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=64)),
                ("is_contracted", models.BooleanField(default=False)),
                (
                    "kind",
                    models.CharField(
                        blank=True, choices=[("WALLET", "Wallet"), ("BANK_DEBIT", "Bank debit")], max_length=16
                    ),
                ),
                ("country", models.CharField(blank=True, max_length=2)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("minimum_value", models.BigIntegerField(blank=True, null=True)),
                ("maximum_value", models.BigIntegerField(blank=True, null=True)),
                ("refund_minimum_value", models.BigIntegerField(blank=True, null=True)),
                ("limits", models.CharField(blank=True, max_length=200)),
                ("refund_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("refunds_in_part", models.BooleanField(blank=True, null=True)),
                ("cancellable_when_paid", models.BooleanField(default=True)),
                ("cancel_days", models.PositiveSmallIntegerField(default=1)),
                ("cancel_minutes", models.PositiveSmallIntegerField(default=15)),
                ("terminals", models.CharField(blank=True, max_length=24)),
                ("logo_url", models.URLField(blank=True, max_length=500)),
                ("changed_at", models.DateTimeField(default=portal.clock.now, editable=False)),
                ("changed_by", models.CharField(blank=True, editable=False, max_length=150)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="methods", to="portal.acquireraccount"
                    ),
                ),
            ],
            options={
                "ordering": ("account_id", "pk"),
                "permissions": [("act_payment_method", "Can change the payment methods of accounts")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "code"), name="method_once_per_account"),
                    models.CheckConstraint(condition=models.Q(("code", ""), _negated=True), name="method_has_code"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["", "WALLET", "BANK_DEBIT"])), name="method_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "currency__in",
                                [
                                    "",
                                    "AED",
                                    "AUD",
                                    "BDT",
                                    "BHD",
                                    "BRL",
                                    "CAD",
                                    "CHF",
                                    "CLP",
                                    "CNY",
                                    "CZK",
                                    "DKK",
                                    "EUR",
                                    "GBP",
                                    "HKD",
                                    "HUF",
                                    "IDR",
                                    "ILS",
                                    "INR",
                                    "ISK",
                                    "JOD",
                                    "JPY",
                                    "KHR",
                                    "KRW",
                                    "KWD",
                                    "LAK",
                                    "LKR",
                                    "MMK",
                                    "MNT",
                                    "MOP",
                                    "MXN",
                                    "MYR",
                                    "NOK",
                                    "NPR",
                                    "NZD",
                                    "OMR",
                                    "PEN",
                                    "PHP",
                                    "PKR",
                                    "PLN",
                                    "QAR",
                                    "RUB",
                                    "SAR",
                                    "SEK",
                                    "SGD",
                                    "THB",
                                    "TND",
                                    "TRY",
                                    "TWD",
                                    "UGX",
                                    "USD",
                                    "UZS",
                                    "VND",
                                    "ZAR",
                                ],
                            )
                        ),
                        name="method_currency_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("currency", ""), _negated=True),
                            models.Q(
                                ("maximum_value__isnull", True),
                                ("minimum_value__isnull", True),
                                ("refund_minimum_value__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="method_amount_has_currency",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minimum_value__isnull", True), ("minimum_value__gt", 0), _connector="OR"),
                        name="method_minimum_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("maximum_value__isnull", True), ("maximum_value__gt", 0), _connector="OR"),
                        name="method_maximum_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refund_minimum_value__isnull", True), ("refund_minimum_value__gt", 0), _connector="OR"
                        ),
                        name="method_refund_minimum_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("maximum_value__isnull", True),
                            ("minimum_value__isnull", True),
                            ("minimum_value__lte", models.F("maximum_value")),
                            _connector="OR",
                        ),
                        name="method_minimum_up_to_maximum",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refund_days__isnull", True),
                            models.Q(("refund_days__gte", 0), ("refund_days__lte", 3650)),
                            _connector="OR",
                        ),
                        name="method_refund_days_possible",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cancel_days__gte", 0), ("cancel_days__lte", 3650)),
                        name="method_cancel_days_possible",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cancel_minutes__gte", 0), ("cancel_minutes__lte", 1439)),
                        name="method_cancel_minutes_possible",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "terminals__in",
                                [
                                    "",
                                    "WEB",
                                    "WAP",
                                    "APP",
                                    "MINI_APP",
                                    "WEB WAP",
                                    "WEB APP",
                                    "WEB MINI_APP",
                                    "WAP APP",
                                    "WAP MINI_APP",
                                    "APP MINI_APP",
                                    "WEB WAP APP",
                                    "WEB WAP MINI_APP",
                                    "WEB APP MINI_APP",
                                    "WAP APP MINI_APP",
                                    "WEB WAP APP MINI_APP",
                                ],
                            )
                        ),
                        name="method_terminals_known",
                    ),
                ],
            },
        ),
        migrations.RunPython(begin_the_catalogues, name_the_wallets_again),
        migrations.RemoveField(
            model_name="acquireraccount",
            name="wallets",
        ),
    ]
