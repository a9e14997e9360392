"""What a door is: JSON by GET or POST, a known caller, a limit, and nothing of it kept by anybody on the way."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.callers import Known
from portal.api.limits import RateLimit


class Door(APIView):
    """The base of every endpoint. ``subject`` names the limit that its POST counts against."""

    places: ClassVar[Mapping[str, str]] = {}
    """What an operation's refusal calls a field, and what the body calls it."""

    http_method_names = ["get", "post", "head"]
    permission_classes = [Known]
    throttle_classes = [RateLimit]
    subject = "money"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say that no cache may keep the answer: it is about money and may hold a session's token."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished.headers.setdefault("Cache-Control", "no-store")
        return finished
