"""Inbound messages reach their handlers; one that fails costs its message only."""

from __future__ import annotations

import logging

import pytest

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.message import Inbound
from edge.mqtt.routes import Handler, Route, Routes


def inbound(topic: str = "a/b", *, retained: bool = False) -> Inbound:
    return Inbound(topic, b"secret", retained, 1.0)


def routes(registry: Registry, handler: Handler, *, accept_retained: bool = False) -> Routes:
    made = Routes(registry)
    made.add(Route("a/+", handler, 1, accept_retained))
    return made


def test_a_retained_message_is_counted_and_ignored_unless_wanted(caplog: pytest.LogCaptureFixture) -> None:
    registry, heard = Registry(), list[Inbound]()
    made = routes(registry, heard.append)
    for _ in range(3):
        made.deliver(inbound(retained=True))
    made.deliver(inbound())
    assert [message.retained for message in heard] == [False]
    assert registry.count(catalogue.MQTT_RETAINED) == 3
    assert len(caplog.records) == 1
    assert "without retain" in caplog.text
    routes(registry, heard.append, accept_retained=True).deliver(inbound(retained=True))
    assert heard[-1].retained
    assert registry.count(catalogue.MQTT_RETAINED) == 3


def test_a_handler_that_raises_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    registry, calls = Registry(), list[Inbound]()

    def handler(message: Inbound) -> None:
        calls.append(message)
        raise RuntimeError(message.payload.decode())

    made = routes(registry, handler)
    with caplog.at_level(logging.DEBUG):
        for i in range(5):
            made.deliver(inbound(f"a/{i}"))
    assert len(calls) == 5
    assert registry.count(catalogue.MQTT_HANDLERS_FAILED) == 5
    assert len(caplog.records) == 1
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_an_oversized_message_is_counted_and_not_handled(caplog: pytest.LogCaptureFixture) -> None:
    registry, heard = Registry(), list[Inbound]()
    made = routes(registry, heard.append)
    made.deliver(inbound(), oversized=1_000_000)
    made.deliver(inbound(), oversized=2_000_000)
    assert heard == []
    assert registry.count(catalogue.MQTT_OVERSIZED) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "a/b: a message of 1000000 bytes was thrown away; further ones are only counted (mqtt.oversized_dropped in "
        "health)"
    ]


def test_a_foreign_topic_reaches_nobody() -> None:
    registry, heard = Registry(), list[Inbound]()
    made = routes(registry, heard.append)
    made.deliver(inbound("b/a"))
    made.deliver(inbound("a/b/c"))
    assert heard == []
    with pytest.raises(ValueError, match="a handler already"):
        made.add(Route("a/+", heard.append, 0, False))
