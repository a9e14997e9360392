"""One's own account: second factors, open sessions, who came in by one's name; and taking up an invitation."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal import factors, people, sessions, signing_in
from portal.models import SignIn, SignInEnd
from portal.words import say

_HISTORY_AT_MOST = 30


@never_cache
@require_GET
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """What one holds, where one is logged in, and who tried to be."""
    person: Any = request.user
    if signing_in.must_enrol(request):
        return HttpResponseRedirect(reverse("enrol"))
    held = list(Authenticator.objects.filter(user_id=person.pk).order_by("pk"))
    codes = next((one for one in held if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return TemplateResponse(
        request,
        "desk/own.html",
        {
            **admin.site.each_context(request),
            "title": say("Your account"),
            "app": next((one for one in held if one.type == Authenticator.Type.TOTP), None),
            "passkeys": [one for one in held if one.type == Authenticator.Type.WEBAUTHN],
            "has_codes": codes is not None,
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
            "is_needed": signing_in.needs_second_factor(person),
            "open_sessions": [(row, sessions.is_this(request, row)) for row in sessions.open_sessions(person)],
            "history": [(row, factors.WORDS.get(row.factor, "")) for row in _history(person)],
        },
    )


def _history(person: User) -> Any:
    return SignIn.objects.filter(person=person)[:_HISTORY_AT_MOST]


@never_cache
@require_GET
@login_required
def enrol(request: HttpRequest) -> HttpResponse:
    """The first second factor of somebody who needs one: nothing else is open until there is one."""
    if not signing_in.must_enrol(request):
        return HttpResponseRedirect(reverse("admin:index"))
    return TemplateResponse(request, "desk/enrol.html", {"title": say("Add a second factor")})


@require_POST
@login_required
def end_session(request: HttpRequest, key: int) -> HttpResponse:
    """End one of one's own other sessions."""
    row = sessions.open_sessions(_person(request)).filter(pk=key).first()
    if row is None:
        raise Http404(say("This session has ended already."))
    sessions.end_one(row, SignInEnd.ELSEWHERE)
    messages.success(request, say("{device} is logged out.", device=row.device))
    return HttpResponseRedirect(reverse("mfa_index"))


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of one's own other sessions."""
    count = sessions.end_all(_person(request), SignInEnd.ELSEWHERE, but=request)
    messages.success(
        request, say("You are logged out everywhere else.") if count else say("There was no other session.")
    )
    return HttpResponseRedirect(reverse("mfa_index"))


def _person(request: HttpRequest) -> User:
    person: Any = request.user
    return person  # type: ignore[no-any-return]


class Accept(PasswordResetConfirmView):
    """Take up an invitation: choose a password, then log in with it. The link is good once, and for 48 hours.

    Django's view moves the token out of the address at once, so that no page that follows and no log learns it.
    """

    template_name = "desk/invitation.html"
    token_generator = people.invitations
    success_url = reverse_lazy("account_login")

    def get_user(self, uidb64: str) -> Any:
        """Whose invitation it is; nobody's, once they are shut out."""
        person = super().get_user(uidb64)
        return person if person is not None and signing_in.may_come_in(person) else None

    def form_valid(self, form: Any) -> HttpResponse:
        """The password is theirs; now they log in, and are asked for a second factor if they need one."""
        response = super().form_valid(form)
        people.accepted(form.user)
        messages.success(self.request, say("Your password is set. Log in with it."))
        return response
