"""The settings, read top to bottom from the environment; ``.env.example`` documents every variable.

With an empty environment the portal runs against the sandbox, on SQLite, with everything in one folder. A variable
that cannot be read stops the start with its name. A secret may come as ``NAME_FILE``, the path of a file that holds it.
"""

import gc
import os
import secrets
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

from portal.money import MoneyError, parse_major

# A start makes more than a hundred thousand objects that stay; looking through them for garbage took a third of it.
gc.disable()  # portal.apps.DeskConfig begins, when all is loaded

BASE_DIR = Path(__file__).resolve().parent.parent


class _Environment(environ.FileAwareEnv):  # type: ignore[misc, unused-ignore]
    """Says which variable cannot be read. The library would take any word that is not a yes for a no."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        """The variable, of the kind that is wanted. Raises ImproperlyConfigured."""
        if cast is bool and var in os.environ and os.environ[var].strip().lower() not in _YES_AND_NO:
            raise ImproperlyConfigured(f"{var} must be true or false, not {self.ENVIRON[var]!r}")
        try:
            return super().get_value(var, cast, default, parse_default)
        except OSError as reason:
            raise ImproperlyConfigured(f"{var}_FILE cannot be read: {reason.strerror}") from None
        except ValueError:
            raise ImproperlyConfigured(f"{var} takes whole numbers, not {self.ENVIRON[var]!r}") from None


_YES_AND_NO = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0", ""}
env = _Environment()
environ.Env.read_env(BASE_DIR / ".env")


def _make(name: str, folder: Path) -> None:
    """Make the folder if need be. Raises ImproperlyConfigured where it cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise ImproperlyConfigured(f"{name}: {folder} cannot be a folder: {reason.strerror}") from None


def _at_least(name: str, least: int, number: int) -> int:
    """The number. Raises ImproperlyConfigured when it is too small to mean anything."""
    if number < least:
        raise ImproperlyConfigured(f"{name} must be {least} or more, not {number}")
    return number


# Which world this is: "sandbox" (the default) or "production".
PORTAL_ENVIRONMENT = env.str("PORTAL_ENVIRONMENT", default="sandbox")
if PORTAL_ENVIRONMENT not in {"sandbox", "production"}:
    raise ImproperlyConfigured(f"PORTAL_ENVIRONMENT must be sandbox or production, not {PORTAL_ENVIRONMENT!r}")
IS_PRODUCTION = PORTAL_ENVIRONMENT == "production"

# All data of an installation, but for a database elsewhere.
PORTAL_DATA = Path(env.str("PORTAL_DATA", default=str(BASE_DIR / "var"))).resolve()
_make("PORTAL_DATA", PORTAL_DATA)


def _sandbox_secret(name: str) -> str:
    """A secret the sandbox makes for itself and keeps in its folder; production must be given its own."""
    path = PORTAL_DATA / f"{name}.txt"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


SECRET_KEY = env.str("PORTAL_SECRET_KEY", default="")
if not SECRET_KEY and not IS_PRODUCTION:
    SECRET_KEY = _sandbox_secret("secret_key")
if not SECRET_KEY:
    raise ImproperlyConfigured("PORTAL_SECRET_KEY must be set in production: 50 random characters")

# Encryption at rest: "id:base64 of 32 bytes", newest first; old ones stay until `manage.py rotate_keys` has run.
# Empty in the sandbox means a generated file; the system check portal.E001 refuses that in production.
PORTAL_MASTER_KEYS = env.list("PORTAL_MASTER_KEYS", default=[])

# Where the worker puts the journal's signed checkpoints, one file a day: the same folder on every machine, and better
# on a disk that the database's owner cannot write to.
PORTAL_CHECKPOINTS = env.str("PORTAL_CHECKPOINTS", default=str(PORTAL_DATA / "checkpoints"))

DEBUG = env.bool("PORTAL_DEBUG", default=False)
ALLOWED_HOSTS = env.list("PORTAL_ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("PORTAL_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "authorizations.apps.AuthorizationsConfig",
    "payments.apps.PaymentsConfig",
    "reconciliation.apps.ReconciliationConfig",
    "portal.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "portal.doorway.RequestMiddleware",
    "portal.api.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.outage.OutageMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.languages.spoken",
            ],
        },
    },
]

# The database. ATOMIC_REQUESTS stays off: a promise must be committed before the wire, not with the request.
_database_url = env.str("DATABASE_URL", default="") or f"sqlite:///{PORTAL_DATA / 'portal.sqlite3'}"
try:
    _database = env.db_url_config(_database_url) if "://" in _database_url else {}
except ValueError:
    _database = {}
if _database.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
    # What was given is not repeated: a password may stand in it.
    raise ImproperlyConfigured("DATABASE_URL must read like postgres://user:password@host:5432/name or sqlite:////file")
DATABASES = {"default": _database}
_database["ATOMIC_REQUESTS"] = False
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock when a transaction begins: with the default, a transaction that reads and then
    # writes fails at once as "locked" beside another writer. FULL: a committed promise survives a power cut.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # The driver keeps 128 statements as it parsed them, and the portal says more different ones than that.
        "cached_statements": 1000,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;",
    }
    # A file, not memory: threads of one test share it, and IMMEDIATE on a shared memory database fails them. Named
    # by process, here and below, so that two runs of the tests at once do not share one.
    _database["TEST"] = {"NAME": str(PORTAL_DATA / f"test-{os.getpid()}.sqlite3")}
else:
    _database["CONN_MAX_AGE"] = env.int("PORTAL_DATABASE_MAX_AGE_SECONDS", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
    # The statements of portal.statements stay prepared at the server. A pooler between must know of them (PgBouncer
    # since 1.21, max_prepared_statements).
    _database["OPTIONS"] = {"prepare_threshold": 3, **_database.get("OPTIONS", {})}
    _database["TEST"] = {"NAME": f"test_{_database['NAME']}_{os.getpid()}"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Throttles and lock-outs are shared by all server processes, so they live in the database.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Who carries due work to many machines (portal/celery.py): a Redis or a RabbitMQ of its own, or at least a database
# number or virtual host of its own. Empty: `manage.py worker` needs none.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# How staff comes in (portal/signing_in.py): name and password, then a second factor. No other feature of allauth is
# reachable; portal/desk/doors.py names every URL.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "portal.signing_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True  # for SESSION_COOKIE_AGE, whether the browser is closed or not
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Wrong passwords and wrong codes: five in five minutes for one name, ten in a minute from one address.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/300s/key", "reauthenticate": "10/m/user"}
MFA_ADAPTER = "portal.signing_in.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are for writing to; nobody comes in by one
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # codes, for a phone whose clock is a little off
PASSWORD_RESET_TIMEOUT = 48 * 3600  # seconds an invitation can be used

# Twelve hours after the last page, a session has ended. What it holds is encrypted like everything else that is secret.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SERIALIZER = "portal.sessions.EncryptedSerializer"

# Whether whoever may move money, or let others do so, needs a second factor. A demonstration turns it off; the system
# check portal.E009 refuses that in production.
PORTAL_SECOND_FACTOR = env.bool("PORTAL_SECOND_FACTOR", default=True)

# English is the source; portal/locale, payments/locale … hold the others. Each person chooses (portal/languages.py).
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
USE_I18N = True
USE_TZ = True
# What people see; the acquirer's day is UTC+8 whatever this is.
TIME_ZONE = env.str("PORTAL_TIME_ZONE", default="Asia/Singapore")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"PORTAL_TIME_ZONE must be a zone such as Asia/Singapore, not {TIME_ZONE!r}")

STATIC_URL = "static/"
STATIC_ROOT = PORTAL_DATA / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # the server of static files complains of a missing folder
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = PORTAL_DATA / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Settlement details may be this large; they are read as they flow by, and kept in pieces.
PORTAL_REPORT_MAX_MIB = env.int("PORTAL_REPORT_MAX_MIB", default=4096)

# So many signed calls a worker has under way at once when it charges many (1: one after the other). At most 32: no more
# connections to an acquirer are kept.
PORTAL_CALLS_IN_FLIGHT = env.int("PORTAL_CALLS_IN_FLIGHT", default=8)
if not 1 <= PORTAL_CALLS_IN_FLIGHT <= 32:
    raise ImproperlyConfigured("PORTAL_CALLS_IN_FLIGHT must be 1 to 32")

# Where the moved clock of the sandbox is kept. Production has no such thing (system check portal.E003).
PORTAL_CLOCK_FILE = env.str(
    "PORTAL_CLOCK_FILE", default="" if IS_PRODUCTION else str(PORTAL_DATA / "sandbox/clock.json")
)

# The public address of this portal, for redirects and as the default of an account's notification URLs.
PORTAL_BASE_URL = env.str("PORTAL_BASE_URL", default="http://localhost:8000").rstrip("/")

# What buyers know the merchant by, on the page their wallet returns them to. Empty: the acquirer account's name.
PORTAL_MERCHANT_NAME = env.str("PORTAL_MERCHANT_NAME", default="")

# Exchanging the login code of a mini program for a buyer: the wallet's own endpoint. Empty: only merchant API keys
# open sessions.
PORTAL_WALLET_LOGIN_URL = env.str("PORTAL_WALLET_LOGIN_URL", default="" if IS_PRODUCTION else "sandbox")
PORTAL_SESSION_HOURS = _at_least("PORTAL_SESSION_HOURS", 1, env.int("PORTAL_SESSION_HOURS", default=24))

# So many consents of one account, lost within so many minutes, are one incident, not one each.
PORTAL_LOST_CONSENTS = _at_least("PORTAL_LOST_CONSENTS", 2, env.int("PORTAL_LOST_CONSENTS", default=20))
PORTAL_LOST_CONSENTS_MINUTES = _at_least(
    "PORTAL_LOST_CONSENTS_MINUTES", 1, env.int("PORTAL_LOST_CONSENTS_MINUTES", default=60)
)

# Webhooks go to public addresses by https, on these ports; a sandbox may also tell this machine and its network, by
# plain http and on any port (system check portal.E006 refuses that in production).
PORTAL_WEBHOOKS_PORTS: list[int] = env.list("PORTAL_WEBHOOKS_PORTS", cast=int, default=[443])
PORTAL_WEBHOOKS_ALLOW_PRIVATE = env.bool("PORTAL_WEBHOOKS_ALLOW_PRIVATE", default=False)

# No inline script, no inline style, nothing from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("PORTAL_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$"]  # whoever watches the process asks it directly
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True

# The API. It knows its callers by Authorization: Bearer alone: no cookies, so no cross-site requests to guard against.
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.parsing.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "authorizations.api.callers.BuyerSessionAuthentication",
        "portal.api.callers.MerchantKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.callers.Known"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "portal.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Autodebit",
    "DESCRIPTION": "Bind a wallet, order, pay, give money back: for mini programs and merchant servers.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVERS": [{"url": PORTAL_BASE_URL}],
    "TAGS": [
        {"name": "Sessions", "description": "Who the buyer is."},
        {"name": "Wallets", "description": "What a buyer can pay with."},
        {"name": "Authorizations", "description": "Binding a wallet: begin, let the buyer agree, bring the code."},
        {"name": "Orders", "description": "What is sold, and what a buyer owes."},
        {"name": "Payments", "description": "Paying, calling off, giving back."},
        {"name": "Subscriptions", "description": "Charged again and again, without the buyer."},
        {"name": "Customs", "description": "Telling China customs of what was paid by Alipay."},
        {"name": "Hosted pages", "description": "Wallets and a cashier for shops without a front end for them."},
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "portal.api.schema.with_the_rest",
    ],
    "ENUM_SUFFIX": "",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "TerminalType": "authorizations.api.forms.TERMINALS",
        "WalletStatus": "authorizations.states.WalletStatus.values",
        "AuthorizationStatus": "authorizations.states.AuthorizationStatus.values",
        "ConsentReason": "authorizations.states.ConsentReason.values",
        "RefreshResult": "authorizations.states.RefreshResult.values",
        "OrderStatus": "payments.states.OrderStatus.values",
        "PaymentStatus": "payments.api.shown.PAYMENT_WORDS",
        "CancelStatus": "payments.api.shown.CANCEL_WORDS",
        "RefundStatus": "payments.api.shown.REFUND_WORDS",
        "ReturnReason": "payments.api.forms.REASONS",
        "RevokeReason": "authorizations.api.forms.REVOKE_REASONS",
        "NextStep": "payments.api.reasons.ACTIONS",
        "SubscriptionStatus": "payments.subscriptions.states.SubscriptionStatus.values",
        "CycleStatus": "payments.subscriptions.states.CycleStatus.values",
        "PlanInterval": "payments.subscriptions.states.Interval.values",
        "Trouble": "payments.subscriptions.states.Trouble.values",
    },
}


def _numbers(name: str, pairs: list[str]) -> dict[str, int]:
    """``buyer.money=10,merchant.reads=500``; django-environ wants semicolons once a pair's value has a type."""
    try:
        return {key.strip(): int(value) for key, _, value in (pair.partition("=") for pair in pairs)}
    except ValueError:
        raise ImproperlyConfigured(f"{name} must read like buyer.money=10,merchant.reads=500") from None


def _amounts(name: str, pairs: list[str]) -> dict[str, int]:
    """``PHP=25000,USD=500`` in major units; by currency, in minor units."""
    try:
        return {
            (currency := code.strip().upper()): parse_major(amount, currency).value
            for code, _, amount in (pair.partition("=") for pair in pairs)
        }
    except MoneyError as reason:
        raise ImproperlyConfigured(f"{name} must read like PHP=25000,USD=500: {reason}") from None


# Acts over such an amount or more ask the person once more who they are, unless that is less than five minutes ago.
PORTAL_STEP_UP: dict[str, int] = _amounts(
    "PORTAL_STEP_UP",
    env.list(
        "PORTAL_STEP_UP",
        default=[
            "PHP=25000",
            "IDR=7000000",
            "MYR=2000",
            "THB=15000",
            "KRW=600000",
            "HKD=3500",
            "CNY=3500",
            "SGD=600",
            "VND=11000000",
            "JPY=70000",
            "USD=500",
            "EUR=500",
        ],
    ),
)

# How many of our own proxies stand before the portal: so far X-Forwarded-For is believed. 0: not at all.
PORTAL_PROXIES = ALLAUTH_TRUSTED_PROXY_COUNT = _at_least("PORTAL_PROXIES", 0, env.int("PORTAL_PROXIES", default=0))
# Requests a minute, by caller and subject; PORTAL_API_LIMITS overrides some: buyer.money=10,merchant.reads=500.
PORTAL_API_LIMITS: dict[str, int] = {
    "anonymous.sessions": 120,
    "anonymous.reads": 240,
    "buyer.sessions": 60,
    "buyer.money": 60,
    "buyer.reads": 300,
    "merchant.sessions": 600,
    "merchant.money": 1200,
    "merchant.reads": 3000,
    **_numbers("PORTAL_API_LIMITS", env.list("PORTAL_API_LIMITS", default=[])),
}

# What `/metrics` shows is read by whoever presents this token, and without one by this machine alone. Every process
# counts in the folder; prometheus-client looks for it in its own variable.
PORTAL_METRICS_TOKEN = env.str("PORTAL_METRICS_TOKEN", default="")
PORTAL_METRICS_FOLDER = Path(env.str("PORTAL_METRICS_FOLDER", default=str(PORTAL_DATA / "metrics")))
_make("PORTAL_METRICS_FOLDER", PORTAL_METRICS_FOLDER)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(PORTAL_METRICS_FOLDER)

# News for people go by e-mail: smtp+tls://user:password@host:587. Empty: they are printed where the worker's lines are.
try:
    _mail = env.email_url_config(env.str("EMAIL_URL", default="") or "consolemail://")
except (ImproperlyConfigured, ValueError):
    raise ImproperlyConfigured("EMAIL_URL must read like smtp+tls://user:password@host:587") from None
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"] or "localhost", _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_TLS")), bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("PORTAL_MAIL_FROM", default="Autodebit <desk@localhost>")

PORTAL_LOG_LEVEL = env.str("PORTAL_LOG_LEVEL", default="INFO")
if PORTAL_LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured(f"PORTAL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {PORTAL_LOG_LEVEL!r}")
PORTAL_LOG_FORMAT = env.str("PORTAL_LOG_FORMAT", default="json" if IS_PRODUCTION else "line")
if PORTAL_LOG_FORMAT not in {"json", "line"}:
    raise ImproperlyConfigured(f"PORTAL_LOG_FORMAT must be json or line, not {PORTAL_LOG_FORMAT!r}")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "portal.logs.for_machines"}, "line": {"()": "portal.logs.for_people"}},
    "filters": {"outages": {"()": "portal.outage.WithoutTracebacks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": PORTAL_LOG_FORMAT, "filters": ["outages"]}},
    "root": {"handlers": ["console"], "level": PORTAL_LOG_LEVEL},
    # A line per request and per call to the acquirer: in the sandbox only when everything is to be said, since there
    # commands play whole months in one process.
    "loggers": {
        name: {"level": PORTAL_LOG_LEVEL if IS_PRODUCTION or PORTAL_LOG_LEVEL == "DEBUG" else "WARNING"}
        for name in ("portal.request", "portal.acquirer")
    }
    # What it meets on the way becomes a sentence on the source's page.
    | {"paramiko": {"level": "CRITICAL"}},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
