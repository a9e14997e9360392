"""The ways in: every URL of signing in, of second factors and of one's own account. Nothing else of allauth is here.

The names are allauth's, which looks its own pages up by them; the views without a name of its are ours.
"""

from allauth.account.views import LoginView, ReauthenticateView
from allauth.account.views import logout as give_up
from allauth.mfa.base.views import authenticate, reauthenticate
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from allauth.mfa.webauthn.views import (
    add_webauthn,
    edit_webauthn,
    login_webauthn,
    reauthenticate_webauthn,
    remove_webauthn,
)
from django.conf import settings
from django.urls import path
from django.views.generic import RedirectView

from portal import languages
from portal.desk import own

_sandbox = {"is_sandbox": not settings.IS_PRODUCTION}

urlpatterns = [
    # Coming in.
    path("login/", LoginView.as_view(extra_context=_sandbox), name="account_login"),
    path("login/factor/", authenticate, name="mfa_authenticate"),
    path("login/passkey/", login_webauthn, name="mfa_login_webauthn"),
    path("login/give-up/", give_up, name="account_logout"),
    path("invitation/<uidb64>/<token>/", own.Accept.as_view(), name="invitation"),
    # Proving once more who one is.
    path("confirm/password/", ReauthenticateView.as_view(), name="account_reauthenticate"),
    path("confirm/code/", reauthenticate, name="mfa_reauthenticate"),
    path("confirm/passkey/", reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    # One's own account.
    path("language/", languages.choose, name="language"),
    path("me/", own.page, name="mfa_index"),
    path("me/enrol/", own.enrol, name="enrol"),
    path("me/sessions/end/", own.end_others, name="end_other_sessions"),
    path("me/sessions/<int:key>/end/", own.end_session, name="end_session"),
    path("me/app/add/", activate_totp, name="mfa_activate_totp"),
    path("me/app/remove/", deactivate_totp, name="mfa_deactivate_totp"),
    path("me/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("me/passkeys/add/", add_webauthn, name="mfa_add_webauthn"),
    path("me/passkeys/<int:pk>/name/", edit_webauthn, name="mfa_edit_webauthn"),
    path("me/passkeys/<int:pk>/remove/", remove_webauthn, name="mfa_remove_webauthn"),
    path("me/codes/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("me/codes/renew/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
]
