"""What Django refuses before or beside the doors, under ``/api/``, in the API's own form."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal.api import problems

_REFUSED = 400


class ProblemMiddleware:
    """Outermost: an error page that is on its way out of ``/api/`` leaves as a problem, without any detail of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if response.status_code < _REFUSED or not problems.is_api(request):
            return response
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "") == problems.MEDIA_TYPE:
            return response
        problem = problems.page(response.status_code)
        for name in ("Allow", "Retry-After"):
            if name in response.headers:
                problem[name] = response.headers[name]
        return problem
