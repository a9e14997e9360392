"""One signed POST: sign the bytes that are sent, verify the bytes that come back, keep the exchange.

The question after every call is "may it have arrived?", so the ways to fail are two. ``NotSent``: the acquirer
cannot have acted on it, because the body never left. ``NoVerdict``: it may have acted, and no answer came that we may
believe: a read time-out, a line that dropped, a status other than 200, an answer unsigned, wrongly signed or
unreadable. Both carry the exchange.

The library's exceptions do not say which of the two it was (one ``ConnectionError`` covers a refused connection and a
line that dropped after the body was read), so the body itself tells: it is handed over as a stream, and as long as
nobody read from it, nothing that can be acted on has left. Only then is the same request sent again. An idle connection
that the other side closes at the moment we use it has had the body: that is NoVerdict, and somebody asks.

Plain http is for the loopback only; TLS is verified, and the environment (``REQUESTS_CA_BUNDLE``, proxies) has no say
in it. Redirects are not followed: a signature speaks for one path.
"""

import functools
import io
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # urllib3's, where requests lets it through
from requests.structures import CaseInsensitiveDict

from portal import clock
from portal.acquirer import Credentials, masking, signing
from portal.acquirer.errors import AcquirerError, NotSent, NoVerdict
from portal.acquirer.results import SignatureVerdict, WireExchange

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
CONNECT_ATTEMPTS = 3
"""The same bytes, and only while nothing has left."""
_PAUSE_SECONDS = 0.2
_CONNECTIONS_KEPT = 32
LARGEST_ANSWER_BYTES = 1_000_000
_CHUNK_BYTES = 16_384
_WORTH_ANOTHER_ATTEMPT = frozenset({"connect_failed", "connect_timeout", "name_not_resolved"})
_ANSWERED = 200
_CODE_LENGTH = 64
_STATUS_LENGTH = 8
_MESSAGE_LENGTH = 256
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Answer:
    """An answer whose signature verifies: the JSON object, its ``result`` taken apart, and the exchange."""

    body: Mapping[str, Any]
    code: str
    status: str
    message: str
    exchange: WireExchange


def milliseconds(moment: datetime) -> str:
    """Unix milliseconds."""
    return str(int(moment.timestamp() * 1000))


@dataclass(frozen=True)
class Dialect:
    """How a protocol of the family writes what all of them sign."""

    stamp: Callable[[datetime], str] = milliseconds
    """The request's time."""
    form: signing.Form = signing.Form.PERCENT
    sends_key_version: bool = True

    def signature(self, credentials: Credentials, content: bytes) -> str:
        """The value of the ``signature`` header. Raises KeyUnreadable."""
        key = signing.load_private_key(credentials.private_key_pem.reveal())
        text = signing.sign(key, content, form=self.form)
        return signing.signature_header(text, key_version=credentials.key_version if self.sends_key_version else "")


class SignedClient:
    """Speaks for one account. Thread-safe as far as its session is; keeps no state but the connection pool."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        session: requests.Session | None = None,
        dialect: Dialect | None = None,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = clock.sleep,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.credentials = credentials
        self._session = session or new_session()
        self._dialect = dialect or Dialect()
        self._now = now
        self._sleep = sleep
        self._timeouts = (connect_seconds, read_seconds)

    def post(self, api: str, path: str, message: Mapping[str, Any]) -> Answer:
        """Send ``message`` to ``path`` and return the verified answer. Raises NotSent or NoVerdict, with the exchange.

        ``api`` is the field's name of the verb, for the exchange. ``path`` is appended to the account's gateway URL.
        """
        body = _written(message).encode("utf-8", "replace")
        url = self.credentials.gateway_url.rstrip("/") + path
        shown, secrets = masking.seen(body)
        exchange = WireExchange(
            api=api,
            method="POST",
            url=url,
            request_headers={},
            request_body=body,
            sent_at=self._now(),
            duration_ms=0,
            masked_request=shown,
        )
        refusal = _refuse(url)
        if refusal:
            raise _unsendable(refusal, exchange)
        request = self._signed(exchange)
        started = time.perf_counter()
        try:
            response, answer_body = self._sent(request)
        except AcquirerError as reason:
            reason.exchange = replace(
                exchange,
                request_headers=dict(request.headers),
                duration_ms=_milliseconds(since=started),
                error=reason.code,
            )
            raise
        return self._judged(request, response, answer_body, exchange, secrets, _milliseconds(since=started))

    def _signed(self, exchange: WireExchange) -> requests.PreparedRequest:
        mine = self.credentials
        if not (mine.client_id.isascii() and mine.client_id.isprintable() and mine.key_version.isalnum()):
            raise _unsendable("credentials_not_sendable", exchange)
        try:
            request = _request(exchange.url, exchange.request_body)
            sent_at = self._dialect.stamp(exchange.sent_at)
            content = signing.content_to_sign("POST", request.path_url, mine.client_id, sent_at, exchange.request_body)
            signature = self._dialect.signature(mine, content)
        except signing.KeyUnreadable as reason:
            raise _unsendable("own_key_unreadable", exchange) from reason
        except (requests.RequestException, ValueError) as reason:
            raise _unsendable("gateway_url_invalid", exchange) from reason
        request.headers.update(
            {
                "client-id": mine.client_id,
                "request-time": sent_at,
                "signature": signature,
                "content-type": "application/json; charset=UTF-8",
                "accept": "application/json",
                "user-agent": "autodebit-portal",
                # The signature is over the bytes of the answer, so they had better come as they were signed.
                "accept-encoding": "identity",
            }
        )
        return request

    def _sent(self, request: requests.PreparedRequest) -> tuple[requests.Response, bytes]:
        attempt = 1
        while True:
            try:
                return self._sent_once(request)
            except NotSent as reason:
                if attempt == CONNECT_ATTEMPTS or reason.code not in _WORTH_ANOTHER_ATTEMPT:
                    raise
            self._sleep(_PAUSE_SECONDS * attempt)
            attempt += 1

    def _sent_once(self, request: requests.PreparedRequest) -> tuple[requests.Response, bytes]:
        try:
            # The adapter itself: redirects, cookies and hooks are what a session adds, and we want none of them.
            adapter = self._session.get_adapter(str(request.url))
            response = adapter.send(request, timeout=self._timeouts, stream=True, verify=True, proxies={})
        except requests.ConnectTimeout as reason:
            raise NotSent("connect_timeout") from reason
        except requests.Timeout as reason:
            raise NoVerdict("read_timeout") from reason
        except (requests.RequestException, BaseHTTPError, OSError) as reason:
            raise NoVerdict("connection_lost") from reason
        try:
            return response, _read(response)
        except (requests.RequestException, BaseHTTPError, OSError) as reason:
            slow = any(isinstance(cause, TimeoutError) for cause in _causes(reason))
            raise NoVerdict("read_timeout" if slow else "connection_lost") from reason
        finally:
            response.close()

    def _judged(
        self,
        request: requests.PreparedRequest,
        response: requests.Response,
        body: bytes,
        exchange: WireExchange,
        secrets: frozenset[str],
        duration_ms: int,
    ) -> Answer:
        verdict = verdict_on(self.credentials, request.path_url, response.headers, body)
        parsed = _json_object(body)
        result = parsed.get("result") if parsed is not None else None
        code, status, message = _result(result)
        message = masking.hide(message, secrets)
        exchange = replace(
            exchange,
            request_headers=dict(request.headers),
            duration_ms=duration_ms,
            http_status=response.status_code,
            response_headers=dict(response.headers),
            response_body=body,
            verdict=verdict,
            result_code=code,
            result_status=status,
            masked_response=masking.masked(body, also=secrets),
        )
        flaw = _flaw(response, body, verdict, parsed, status, client_id=self.credentials.client_id)
        if flaw or parsed is None:
            raise NoVerdict(
                flaw,
                exchange=replace(exchange, error=flaw),
                **({"status": response.status_code} if flaw == "http_status" else {}),
                **({"said": code} if code else {}),
            )
        return Answer(parsed, code, status, message, exchange)


def kept_answer(exchange: WireExchange) -> Answer | None:
    """The answer of an exchange that was kept, as it was judged when it came; None when there was none to believe."""
    if exchange.error or exchange.verdict != SignatureVerdict.VERIFIED:
        return None
    parsed = _json_object(exchange.response_body)
    if parsed is None:
        return None
    code, status, message = _result(parsed.get("result"))
    return Answer(parsed, code, status, masking.hide(message, masking.hidden_values(exchange.request_body)), exchange)


def new_session() -> requests.Session:
    """A pooled session that verifies TLS and heeds no proxy and no CA bundle of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.verify = True
    for scheme in ("https://", "http://"):
        session.mount(scheme, _WatchingAdapter(pool_maxsize=_CONNECTIONS_KEPT, max_retries=0))
    return session


def verdict_on(credentials: Credentials, uri: str, headers: Mapping[str, str], body: bytes) -> SignatureVerdict:
    """What the signature of an answer is worth. ``headers`` are found whatever their case."""
    found = {name.lower(): value for name, value in headers.items()}
    return signature_verdict(
        credentials.acquirer_keys,
        found.get("signature", ""),
        lambda: signing.content_to_sign("POST", uri, found.get("client-id", ""), found.get("response-time", ""), body),
    )


def signature_verdict(keys: Mapping[str, str], header: str, content: Callable[[], bytes]) -> SignatureVerdict:
    """Judge a ``signature`` header against the acquirer's keys by version.

    A header without ``keyVersion`` is tried with every key we hold; a version we do not hold is UNKNOWN_KEY, since
    trying others would hide that the acquirer has rotated its key.
    """
    fields = signing.parse_header(header)
    signature = fields.get("signature", "")
    if not signature:
        return SignatureVerdict.MISSING
    version = fields.get("keyVersion", "")
    candidates = [keys[version]] if version in keys else [] if version else list(keys.values())
    if not candidates:
        return SignatureVerdict.UNKNOWN_KEY
    signed = content()
    for text in candidates:
        try:
            key = signing.load_public_key(text)
        except signing.KeyUnreadable:
            continue
        if signing.verify(key, signed, signature):
            return SignatureVerdict.VERIFIED
    return SignatureVerdict.WRONG


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine by its very name: 127.0.0.0/8, ::1 or localhost. Nothing is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _WatchedBody(io.BytesIO):
    """A request body that remembers whether anybody began to read it."""

    was_read = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_read = True
        return super().read(size)

    def __iter__(self) -> Iterator[bytes]:
        self.was_read = True
        return super().__iter__()


class _WatchingAdapter(HTTPAdapter):
    """Raises NotSent where the connection failed before a byte of the body was taken to be sent.

    What the library looks up for each request anew, and finds the same each time, is looked up once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pools: dict[str | None, Any] = {}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if request.body is None:
            return super().send(request, *args, **kwargs)  # a question without a body: nothing can have been acted on
        sent = request.body
        body = _WatchedBody(sent if isinstance(sent, bytes) else b"")
        request.body = body  # type: ignore[assignment]  # a stream is allowed; Content-Length is already set
        try:
            return super().send(request, *args, **kwargs)
        except (requests.RequestException, BaseHTTPError, OSError) as reason:
            if body.was_read:
                raise
            raise NotSent(_why_not_sent(reason)) from reason
        finally:
            request.body = sent

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The URL's pool of connections, which lasts until it is closed."""
        if verify is not True or proxies or cert:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        pool = self._pools.get(request.url)
        if pool is None or pool.pool is None:
            pool = self._pools[request.url] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer as it came. Nobody keeps its cookies."""
        response = requests.Response()
        response.status_code, response.raw, response.reason = resp.status, resp, resp.reason
        response.headers = CaseInsensitiveDict(resp.headers)
        response.url, response.request = str(req.url), req
        return response


def _why_not_sent(reason: BaseException) -> str:
    if isinstance(reason, requests.Timeout):  # a TLS handshake that hangs is reported as a read time-out
        return "connect_timeout"
    if isinstance(reason, requests.exceptions.SSLError):
        return "tls_failed"
    if any(isinstance(cause, socket.gaierror) for cause in _causes(reason)):
        return "name_not_resolved"
    return "connect_failed"


def _causes(reason: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while reason is not None and id(reason) not in seen:
        yield reason
        seen.add(id(reason))
        reason = reason.__cause__ or reason.__context__


def _unsendable(code: str, exchange: WireExchange) -> NotSent:
    return NotSent(code, exchange=replace(exchange, error=code))


def _request(url: str, body: bytes) -> requests.PreparedRequest:
    """A request to this URL, without headers of ours. Raises as ``prepare``."""
    request = requests.PreparedRequest()
    request.method, request.url = "POST", _prepared(url)
    request.headers = CaseInsensitiveDict({"Content-Length": str(len(body))})
    request.body = body
    return request


@functools.lru_cache(maxsize=256)
def _prepared(url: str) -> str | None:
    """Taking a URL apart and putting it together costs half of a signature, and there are ten of them."""
    return requests.Request("POST", url).prepare().url


@functools.lru_cache(maxsize=256)
def _refuse(url: str) -> str:
    """Why nothing may be sent to this URL, as a code; empty when it may."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "gateway_url_invalid"
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return "gateway_url_invalid"
    if parts.scheme == "http" and not is_loopback(host):
        return "plain_http_refused"
    return ""


def _read(response: requests.Response) -> bytes:
    """The answer's bytes, at most one chunk more than we accept."""
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            break
    return bytes(body)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _result(result: object) -> tuple[str, str, str]:
    """Code, status and message of a ``result``, as far as they are there."""
    if not isinstance(result, dict):
        return "", "", ""
    return (
        _short(result.get("resultCode"), _CODE_LENGTH),
        _short(result.get("resultStatus"), _STATUS_LENGTH),
        _short(result.get("resultMessage"), _MESSAGE_LENGTH),
    )


def _short(value: object, length: int) -> str:
    return masking.storable(value)[:length] if isinstance(value, str) else ""


def _flaw(
    response: requests.Response,
    body: bytes,
    verdict: SignatureVerdict,
    parsed: dict[str, Any] | None,
    status: str,
    *,
    client_id: str,
) -> str:
    """Why the answer may not be believed, as a code; empty when it may."""
    if response.status_code != _ANSWERED:
        return "http_status"
    if len(body) > LARGEST_ANSWER_BYTES:
        return "answer_too_large"
    match verdict:
        case SignatureVerdict.MISSING:
            return "answer_unsigned"
        case SignatureVerdict.UNKNOWN_KEY:
            return "answer_key_unknown"
        case SignatureVerdict.WRONG:
            return "answer_wrongly_signed"
    if response.headers.get("client-id") != client_id:
        return "answer_for_another_client"
    if parsed is None:
        return "answer_not_json"
    if not status:
        return "answer_without_result"
    return ""


def _milliseconds(*, since: float) -> int:
    return int((time.perf_counter() - since) * 1000)
