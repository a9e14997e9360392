"""The tests reach nothing but this machine, whatever they try."""

import socket

import pytest
import requests
from pytest_socket import SocketConnectBlockedError

pytestmark = pytest.mark.filterwarnings("ignore:A test tried to use socket")


def test_every_socket_but_the_loopbacks_is_shut() -> None:
    with socket.socket() as line, pytest.raises(SocketConnectBlockedError):
        line.connect(("192.0.2.1", 443))  # an address of the documentation, which nobody has


def test_a_request_to_another_machine_is_refused() -> None:
    with pytest.raises(SocketConnectBlockedError):
        requests.get("http://192.0.2.1/", timeout=2)
