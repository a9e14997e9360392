"""Which language a person reads: the one they chose, else the one their browser asks for.

The choice is a row of the person's and comes with them into every session; the session holds it, so that no page asks
for it again, and a cookie keeps it for the sign-in page of that browser. The API and the acquirer are answered in
English whatever their headers say: programs read it.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.models import Tongue

_HELD = "language"
"""Where the session keeps it."""
_OF_PROGRAMS = ("/api/", "/notify/", "/static/", "/metrics", "/livez", "/readyz")
_NAMES = dict(settings.LANGUAGES)


class LanguageMiddleware:
    """Puts a language in force for each request, and leaves the thread as it was."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_of_people = not request.path_info.startswith(_OF_PROGRAMS)
        with translation.override(_wanted(request) if is_of_people else settings.LANGUAGE_CODE):
            response = self._get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
        if is_of_people:
            patch_vary_headers(response, ("Accept-Language",))
        return response


def _wanted(request: HttpRequest) -> str:
    """The person's, else the cookie's, else the browser's."""
    chosen = str(request.session.get(_HELD, ""))
    return chosen if chosen in _NAMES else translation.get_language_from_request(request)


def spoken(request: HttpRequest) -> dict[str, Any]:
    """For every template: the language in force, and those there are, each by its own name."""
    return {"language": translation.get_language() or settings.LANGUAGE_CODE, "languages": settings.LANGUAGES}


def language_of(person: Any) -> str:
    """What a person reads; English where they never said."""
    said = Tongue.objects.filter(person_id=person.pk).values_list("language", flat=True).first()
    return said if said in _NAMES else settings.LANGUAGE_CODE


def came_in(request: HttpRequest, person: Any) -> None:
    """Somebody logged in: what they chose comes with them."""
    said = Tongue.objects.filter(person_id=person.pk).values_list("language", flat=True).first()
    if said in _NAMES:
        request.session[_HELD] = said


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Read on in another language, on the page one came from. Whoever is logged in finds it so ever after."""
    language = request.POST.get("language", "")
    page = request.POST.get("page", "")
    is_ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
    response = HttpResponseRedirect(page if is_ours else "/")
    if language not in _NAMES:
        return response
    if request.user.is_authenticated:
        with transaction.atomic():
            Tongue.objects.update_or_create(person_id=request.user.pk, defaults={"language": language})
        request.session[_HELD] = language
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response
