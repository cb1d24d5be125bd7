"""The embedded broker itself: its life, its port, the extra it needs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest
from support.brokers import PATIENCE, eventually

from edge.errors import BrokerError, MissingExtraError
from edge.mqtt.embedded import EmbeddedBroker


def test_the_embedded_broker_outlives_ctrl_c_and_not_its_process() -> None:
    pytest.importorskip("iotcore", reason="the extra `broker` is not installed")
    code = """
import signal, sys, time
from edge.publish.client import Publisher
from edge.mqtt.embedded import EmbeddedBroker
from edge.publish.topics import Topics
with EmbeddedBroker() as broker, Publisher(broker.address, Topics("emotion", "robot")) as publisher:
    publisher.require_first_connection(30)
    try:
        print(broker.address.port, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("received" if publisher.close(30) else "lost", flush=True)
    if sys.argv[1] == "kill":
        signal.raise_signal(signal.SIGKILL)
"""
    for how in ("end", "kill"):
        process = subprocess.Popen(
            [sys.executable, "-c", code, how], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "received\n"
        process.wait(PATIENCE)
        process.stdout.close()

        def closed(port: int = port) -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) != 0

        eventually(closed, f"the broker ending after its process ({how})")


def test_the_embedded_broker_says_when_its_port_is_taken() -> None:
    pytest.importorskip("iotcore", reason="the extra `broker` is not installed")
    with (
        EmbeddedBroker() as first,
        pytest.raises(BrokerError, match=rf"does not start on 127.0.0.1:{first.address.port}"),
    ):
        EmbeddedBroker(first.address.port).start()


def test_the_embedded_broker_names_the_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "iotcore", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*iotcore"):
        EmbeddedBroker()
