"""The accounts we hold at acquirers, and the keys on both sides."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Subquery, Value

from portal import clock
from portal.encryption import EncryptedTextField


class AcquirerAccount(models.Model):
    """One contract with an acquirer: where its gateway is, who we are there, and with which keys we speak."""

    class Adapter(models.TextChoices):
        """The protocols we speak."""

        ANTOM = "ANTOM", "Antom"
        ALIPAYPLUS = "alipayplus", "Alipay+"

    class Cycle(models.TextChoices):
        """What is settled together; N working days after its end. https://docs.antom.com/ac/reconcile/rules"""

        DAILY = "T", "T: every day"
        WEEKLY = "W", "W: every week"
        MONTHLY = "M", "M: every month"

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(
        max_length=40, unique=True, help_text="Part of the notification URLs; keep it once it is in use."
    )
    adapter = models.CharField(max_length=20, choices=Adapter.choices, default=Adapter.ANTOM)
    gateway_url = models.CharField(max_length=200, help_text="Scheme and host, e.g. https://open-sea-global.alipay.com")
    client_id = models.CharField(max_length=128, help_text="Sandbox client ids begin with SANDBOX_.")
    key_version = models.CharField(max_length=8, default="1", help_text="Version of our key pair at the acquirer.")
    private_key = EncryptedTextField(blank=True, editable=False)
    """Our private key as PEM. Never rendered anywhere."""
    public_key = models.TextField(blank=True, editable=False)
    """Our public key as PEM, to be uploaded at the acquirer."""
    settlement_currency = models.CharField(max_length=3, default="USD")
    settlement_cycle = models.CharField(
        max_length=1, choices=Cycle.choices, default=Cycle.DAILY, db_default=Cycle.DAILY.value
    )
    settlement_days = models.PositiveSmallIntegerField(
        default=1, help_text="N of the settlement cycle T+N, W+N or M+N, in working days."
    )
    # Undocumented, how long a settlement may be late; we choose three working days, because a batch below the
    # contract's minimum, or with more refunds than sales, rolls into the next one, and a holiday may be missing in our
    # calendar.
    settlement_grace_days = models.PositiveSmallIntegerField(
        default=3, db_default=3, help_text="Working days a settlement may be late before what it leaves out is missing."
    )
    notify_base_url = models.CharField(
        max_length=200,
        blank=True,
        help_text="Public address of this portal as the acquirer reaches it; empty: the portal's own.",
    )
    app_id = models.CharField(
        max_length=32, blank=True, help_text="Id of the mini program, required for payments from it."
    )
    merchant_reference = models.CharField(
        max_length=64, blank=True, help_text="Only for acquirers with secondary merchants."
    )
    customer_id = models.CharField(
        max_length=64,
        blank=True,
        help_text="The merchant id the acquirer prints in reports (customerId); another id in a file is refused.",
    )
    merchant_legal_name = models.CharField(max_length=256, blank=True, db_default="")
    """As registered: it stands in the text that buyers agree to, where the acquirer asks for it."""
    merchant_display_name = models.CharField(max_length=64, blank=True, db_default="")
    """The trade name; empty: the legal one."""
    merchant_category_code = models.CharField(max_length=4, blank=True, db_default="")
    """ISO 18245, four digits."""
    merchant_region = models.CharField(max_length=2, blank=True, db_default="")
    """ISO 3166: where the merchant is registered."""
    merchant_state = models.CharField(max_length=8, blank=True, db_default="")
    merchant_city = models.CharField(max_length=32, blank=True, db_default="")
    merchant_address = models.CharField(max_length=256, blank=True, db_default="")
    merchant_zip_code = models.CharField(max_length=32, blank=True, db_default="")
    merchant_logo_url = models.URLField(max_length=500, blank=True, db_default="")
    protocol_settings = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    """What the protocol's documents leave open, as settled with the acquirer, by the adapter's own names; what is not
    here is as the adapter has it by default (``portal.acquirer.points``)."""
    is_enabled = models.BooleanField(default=True)
    drained_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Since when no wallet is newly bound through it; what is bound goes on as before."""
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name",)
        permissions = [
            ("act_connect", "Can connect and edit acquirer accounts and their keys"),
            ("act_test_call", "Can make a signed test call"),
        ]
        constraints = [models.UniqueConstraint(fields=("gateway_url", "client_id"), name="account_once_per_gateway")]

    def __str__(self) -> str:
        return self.name

    @property
    def cycle(self) -> str:
        """As the contract writes it: ``T+1``."""
        return f"{self.settlement_cycle}+{self.settlement_days}"

    def works(self) -> bool:
        """Whether it can pay and be answered: both sides' keys are here."""
        return bool(self.private_key) and self.acquirer_keys.filter(retired_at__isnull=True).exists()


def name_where_several(path: str) -> Subquery:
    """The name of the account at ``path`` where there is another one to tell it from; else null."""
    others = AcquirerAccount.objects.exclude(pk=OuterRef("pk")).order_by()
    named = AcquirerAccount.objects.filter(Exists(others), pk=OuterRef(path)).order_by()
    return Subquery(named.values("name")[:1])


class BindingPlace(models.Model):
    """One place in the order of the accounts through which an account's buyers bind new wallets.

    An account without any binds through itself alone.
    """

    account = models.ForeignKey(AcquirerAccount, models.CASCADE, related_name="binding_places")
    through = models.ForeignKey(AcquirerAccount, models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("account_id", "position")
        constraints = [
            models.UniqueConstraint(fields=("account", "through"), name="binding_through_once"),
            models.UniqueConstraint(fields=("account", "position"), name="binding_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.position}: {self.through}"


class AcquirerKey(models.Model):
    """The acquirer's public key of one version; messages name the version they are signed with."""

    account = models.ForeignKey(AcquirerAccount, models.CASCADE, related_name="acquirer_keys")
    version = models.CharField(max_length=8, default="1")
    public_key = models.TextField(help_text="PEM, or the bare base64 of the dashboard.")
    added_at = models.DateTimeField(default=clock.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("account_id", "-added_at")
        constraints = [models.UniqueConstraint(fields=("account", "version"), name="acquirer_key_version_once")]

    def __str__(self) -> str:
        return f"{self.account} key {self.version}"


class MerchantKey(models.Model):
    """An API key of the merchant's own server. Only its digest is kept; the key is shown once."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="merchant_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    held_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    """Who may have it shown, once, since another person approved it; until then nobody can use it."""

    class Meta:
        ordering = ("-created_at",)
        permissions = [("act_merchant_keys", "Can make and revoke merchant keys")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
