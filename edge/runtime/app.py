"""Everything together: broker, publisher, terminal view, senses and the live loop, and their orderly end."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import cv2

from edge.clock import Clock
from edge.config import Config
from edge.errors import SourceError
from edge.health import catalogue
from edge.health.notify import Notifier, watchdog_interval
from edge.health.registry import Registry
from edge.mqtt import address
from edge.mqtt.address import Address
from edge.mqtt.embedded import EmbeddedBroker
from edge.observation import Estimate, Observation
from edge.output import Output
from edge.publish.client import Publisher
from edge.publish.output import MqttOutput
from edge.publish.payloads import Response, state_payload
from edge.publish.topics import ONLINE, TRANSCRIPT, Topics
from edge.runtime import senses as rooms
from edge.runtime import stop
from edge.runtime.information import describe
from edge.runtime.live import Live
from edge.runtime.selection import Selection
from edge.sources.refusals import Refusals
from edge.sources.transcripts import parse_transcript
from edge.terminal.live_view import LiveView, NoteHandler

log = logging.getLogger(__name__)

USUAL_PORT: Final = 1883
_REACHABLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, apart from the configuration."""

    broker: str
    """As in `mqtt.broker`."""
    fall_back: bool = False
    """Start an embedded broker where `broker` cannot be reached."""
    view: bool = True
    """Show the live result in the terminal."""


class _ViewOutput:
    """The terminal's share of the live loop's output."""

    def __init__(self, view: LiveView, device: str, valid_for: float) -> None:
        self._view, self._device, self._valid_for = view, device, valid_for
        self._clock = Clock.live()
        view.availability(device, ONLINE)

    def observed(self, observation: Observation) -> None:
        """Single observations are not shown; the estimate holds what came of them."""

    def estimated(self, estimate: Estimate) -> None:
        self._view.update(self._device, state_payload(estimate, self._clock, valid_for=self._valid_for))

    def tick(self, now: float, missing: dict[str, str]) -> None:
        self._clock = self._clock.anchored(time.monotonic(), time.time())


def run(config: Config, selection: Selection, options: Options) -> int:
    """Runs until SIGINT or SIGTERM, or until the recording ends; returns the exit code.

    Raises `EdgeEmotionError` where nothing can be done.
    """
    # The senses have a thread each; OpenCV's own would only take turns with them.
    cv2.setNumThreads(1)
    registry, notifier = Registry(), Notifier()
    topics = Topics(config.mqtt.prefix, config.device.name)
    senses = rooms.build(config, registry)
    info = describe(config, senses.cards, selection.sensors, Clock.live().rfc3339(time.monotonic()))
    live: Live | None = None
    publisher: Publisher | None = None

    def refuse(why: str) -> None:
        log.warning("%s: %s", topics.transcript, why)
        if publisher is not None:
            publisher.publish_response(Response(verb="transcript", ok=False, error=why))

    refusals = Refusals(refuse)

    def on_transcript(payload: bytes) -> None:
        try:
            transcript = parse_transcript(payload, time.monotonic(), time.time())
        except SourceError as error:
            registry.increment(catalogue.WORDS_TRANSCRIPTS_FAILED)
            refusals.add(str(error), time.monotonic())
            return
        if live is not None:
            live.take_transcript(transcript)

    with ExitStack() as stack:
        # Before anything that must be ended in order: a signal from here on is a wish, not the end of the process.
        asked = stack.enter_context(stop.on_signals())
        view = stack.enter_context(_shown()) if options.view else None
        broker = stack.enter_context(_broker(config, options))
        publisher = Publisher(
            broker,
            topics,
            info=info,
            protocol=config.mqtt.protocol,
            keepalive=config.mqtt.keepalive_s,
            ca_file=config.mqtt.ca_file,
            retry_max=config.mqtt.retry_max_s,
            registry=registry,
        )
        if config.transcripts.topic and senses.words:
            publisher.on(TRANSCRIPT, lambda message: on_transcript(message.payload))
        stack.enter_context(publisher)
        valid_for = config.mqtt.state_valid_s
        outputs: list[Output] = [
            MqttOutput(publisher, registry, valid_for=valid_for, health_interval=config.health.interval_s)
        ]
        if view is not None:
            outputs.append(_ViewOutput(view, config.device.name, valid_for))
        live = Live(config, senses, selection.inputs, tuple(outputs), registry)
        notifier.ready(f"publishing to {broker}")
        stack.callback(notifier.stopping)
        live.run(asked, _heart(notifier))
    return 0


def _heart(notifier: Notifier) -> Callable[[], None]:
    """Beats systemd's watchdog when it is due and the live loop says that all is well."""
    interval = watchdog_interval()
    beaten_at = float("-inf")

    def beat() -> None:
        nonlocal beaten_at
        now = time.monotonic()
        if interval is not None and now - beaten_at >= interval:
            beaten_at = now
            notifier.watchdog()

    return beat


@contextmanager
def _shown() -> Iterator[LiveView]:
    """The view, with the log below it for as long as it covers the terminal."""
    with LiveView(sys.stdout) as view:
        if not sys.stdout.isatty():
            yield view
            return
        root = logging.getLogger()
        before, note = root.handlers[:], NoteHandler(view)
        root.handlers = [note]
        try:
            yield view
        finally:
            root.handlers = before


@contextmanager
def _broker(config: Config, options: Options) -> Iterator[Address]:
    """Where to publish; an embedded broker lives as long as the block."""
    wanted = address.parse(options.broker, username=config.mqtt.username, password_file=config.mqtt.password_file)
    if options.fall_back and not wanted.embedded and not _reachable(wanted):
        log.info("no broker at %s: starting the embedded one", wanted)
        wanted = address.EMBEDDED
    if not wanted.embedded:
        yield wanted
        return
    with EmbeddedBroker(_usual_port_if_free(), protocol=config.mqtt.protocol) as broker:
        log.info(
            "embedded broker at %s; in another terminal:  edge-emotion watch --broker %s",
            broker.address,
            broker.address,
        )
        yield broker.address


def _reachable(broker: Address) -> bool:
    try:
        with socket.create_connection((broker.host, broker.port), timeout=_REACHABLE_S):
            return True
    except OSError:
        return False


def _usual_port_if_free() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
        return USUAL_PORT
