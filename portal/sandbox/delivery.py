"""Notifications on their way: one POST, over a pooled session, with a short time-out."""

from collections.abc import Mapping

import requests

from portal.sandbox.notifications import Undelivered

_TIMEOUT_SECONDS = (2.0, 10.0)
_LONGEST_ANSWER = 64 * 1024


class HttpDelivery:
    """The ``deliver`` of a sandbox on the network. Follows no redirect: a notification goes where it was sent."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """The HTTP status, headers and body. Raises Undelivered."""
        try:
            response = self._session.post(
                url, data=body, headers=dict(headers), timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as reason:
            raise Undelivered(type(reason).__name__) from reason
        return response.status_code, response.headers, response.content[:_LONGEST_ANSWER]
