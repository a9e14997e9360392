"""A stand-in for the acquirer that costs next to nothing: it answers every call of an API with the same signed bytes.

The signature is real and is verified; it was made once, since an answer that names no id of ours, says the one amount
that everything here costs, and was written at one moment is the same bytes every time. The sandbox itself would cost
more than what is measured, and would hide it.
"""

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from portal.acquirer import signing

AMOUNT = {"currency": "PHP", "value": "49900"}
_SUCCESS = {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success."}
_PAY, _INQUIRE = "/ams/api/v1/payments/pay", "/ams/api/v1/payments/inquiryPayment"
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length:"


class _Line(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, answers: dict[bytes, bytes], seconds: float = 0.0) -> None:
        self._answers, self._seconds = answers, seconds
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(_HEAD_ENDS)) >= 0:
            head = self._heard[:end]
            start = head.lower().find(_LENGTH)
            length = int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            whole = end + len(_HEAD_ENDS) + length
            if len(self._heard) < whole:
                return
            self._heard = self._heard[whole:]
            answer = self._answers[head.split(b" ", 2)[1]]
            if self._seconds:
                asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answer)
            else:
                self._transport.write(answer)


def answers(key: rsa.RSAPrivateKey, client_id: str) -> dict[bytes, bytes]:
    """The whole answer by path, headers and all."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    bodies = {
        _PAY: {
            "result": _SUCCESS,
            "paymentId": "2026010119401080010018888",
            "paymentAmount": AMOUNT,
            "paymentTime": now,
            "paymentCreateTime": now,
        },
        _INQUIRE: {
            "result": _SUCCESS,
            "paymentStatus": "SUCCESS",
            "paymentResultCode": "SUCCESS",
            "paymentId": "2026010119401080010018888",
            "paymentAmount": AMOUNT,
            "paymentTime": now,
        },
    }
    return {path.encode(): _answer(key, client_id, path, now, body) for path, body in bodies.items()}


def _answer(key: rsa.RSAPrivateKey, client_id: str, path: str, now: str, said: dict[str, object]) -> bytes:
    body = json.dumps(said, separators=(",", ":")).encode()
    signature = signing.sign(key, signing.content_to_sign("POST", path, client_id, now, body))
    head = (
        "HTTP/1.1 200 OK\r\n"
        "content-type: application/json; charset=UTF-8\r\n"
        f"content-length: {len(body)}\r\n"
        f"client-id: {client_id}\r\n"
        f"response-time: {now}\r\n"
        f"signature: {signing.signature_header(signature)}\r\n\r\n"
    )
    return head.encode() + body


async def _listen(key: rsa.RSAPrivateKey, client_id: str, seconds: float = 0.0) -> asyncio.Server:
    known = answers(key, client_id)
    return await asyncio.get_running_loop().create_server(lambda: _Line(known, seconds), "127.0.0.1", 0)


@contextmanager
def in_a_thread(key: rsa.RSAPrivateKey, client_id: str) -> Iterator[str]:
    """Answer from a thread of this process, for a small run; its URL."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_listen(key, client_id))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        loop.close()


async def _serve(key: rsa.RSAPrivateKey, client_id: str, seconds: float) -> None:
    server = await _listen(key, client_id, seconds)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--key", required=True, type=Path, help="The acquirer's private key, PEM.")
    parser.add_argument("--milliseconds", type=int, default=0, help="How long it takes to answer.")
    given = parser.parse_args()
    key = signing.load_private_key(given.key.read_text())
    asyncio.run(_serve(key, given.client_id, given.milliseconds / 1000))
