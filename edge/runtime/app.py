"""Composes `edge-emotion run` from broker, publisher, terminal view, senses and live loop, and shuts them down."""

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
from edge.health import catalogue
from edge.health.notify import Notifier, watchdog_interval
from edge.health.registry import Counter, Registry
from edge.mqtt import address
from edge.mqtt.address import Address
from edge.mqtt.embedded import EmbeddedBroker
from edge.mqtt.tls import TlsFiles
from edge.observation import Estimate, Observation, Transcript
from edge.output import Output
from edge.publish.client import Publisher
from edge.publish.encoding import state_payload
from edge.publish.output import MqttOutput
from edge.publish.payloads import Response
from edge.publish.topics import ONLINE, SPEAKER_REQUEST, TRANSCRIPT, Topics
from edge.runtime import senses as sensing
from edge.runtime import stop
from edge.runtime.feeds import Inputs
from edge.runtime.information import describe
from edge.runtime.live import Live
from edge.runtime.output_guard import GuardedOutput
from edge.runtime.selection import Selection
from edge.runtime.service_status import CAMERA, MEDIA, MICROPHONE, ServiceStatus, WatchedSource
from edge.runtime.speaker_requests import Answer, SpeakerRequests
from edge.runtime.transcript_inbox import TranscriptInbox
from edge.terminal.live_view import LiveView, NoteHandler

log = logging.getLogger(__name__)

USUAL_PORT: Final = 1883
"""The port that IANA has assigned to MQTT."""
_REACHABLE_S: Final = 1.0
"""A broker that does not accept a connection within this many seconds counts as absent."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line that are not part of the configuration."""

    broker: str
    """Address of the broker, in the format of `mqtt.broker`."""
    fall_back: bool = False
    """Whether to start an embedded broker if `broker` cannot be reached."""
    view: bool = True
    """Whether to show the live result in the terminal."""


class _ViewOutput:
    """Shows the live loop's estimates in the terminal."""

    def __init__(self, view: LiveView, device: str, valid_for: float) -> None:
        self._view, self._device, self._valid_for = view, device, valid_for
        self._clock = Clock.live()
        view.availability(device, ONLINE)

    def observed(self, observation: Observation) -> None:
        """Does nothing: the observation is part of the next estimate."""

    def estimated(self, estimate: Estimate) -> None:
        self._view.update(self._device, state_payload(estimate, self._clock, valid_for=self._valid_for))

    def tick(self, now: float, missing: dict[str, str]) -> None:
        self._clock = self._clock.anchored(time.monotonic(), time.time())


def run(config: Config, selection: Selection, options: Options) -> int:
    """Runs until SIGINT or SIGTERM, or until the recording ends.

    `stopped` is published only after such an end. After an exception the connection is left to break with the process,
    so that the broker publishes the last will `offline`.

    Args:
        config: The validated configuration.
        selection: The sources to read.
        options: Options of the command line.

    Returns:
        The exit code.

    Raises:
        EdgeEmotionError: The run cannot start, for instance without any model, or a thread hangs permanently.
    """
    notifier = Notifier()
    with stop.on_signals() as stop_request:
        try:
            return _run(config, selection, options, notifier, stop_request)
        except Exception as error:
            notifier.status(f"ended by an error: {error}")
            raise


def _run(
    config: Config, selection: Selection, options: Options, notifier: Notifier, stop_request: stop.StopRequest
) -> int:
    # Each sense has its own thread; OpenCV's thread pool would only compete with them for the cores.
    cv2.setNumThreads(1)
    registry = Registry()
    topics = Topics(config.mqtt.prefix, config.device.name)
    senses = sensing.build(config, registry)
    info = describe(config, senses.cards, selection.sensors, Clock.live().rfc3339(time.monotonic()))

    def refuse(why: str) -> None:
        log.warning("%s: %s", topics.transcript, why)
        publisher.publish_response(Response(verb="transcript", ok=False, error=why))

    def accept(transcript: Transcript) -> None:
        live.take_transcript(transcript)

    def answer(given: Answer) -> None:
        publisher.publish_response(Response(verb="speaker", ok=given.ok, error=given.error))

    def assign(speaker: str, person: int | None) -> None:
        live.name_speaker(speaker, person)

    inbox = TranscriptInbox(accept, refuse, registry)
    speaker_requests = SpeakerRequests(assign, answer, registry)

    with ExitStack() as stack:
        view = stack.enter_context(_terminal_view()) if options.view else None
        broker = stack.enter_context(_broker(config, options))
        publisher = Publisher(
            broker,
            topics,
            info=info,
            protocol=config.mqtt.protocol,
            keepalive=config.mqtt.keepalive_s,
            tls=TlsFiles(config.mqtt.ca_file, config.mqtt.certificate_file, config.mqtt.key_file),
            retry_max=config.mqtt.retry_max_s,
            registry=registry,
        )
        if config.transcripts.topic and senses.words:
            publisher.on(TRANSCRIPT, lambda message: inbox.receive(message.payload))
            publisher.on(SPEAKER_REQUEST, lambda message: speaker_requests.receive(message.payload))
        valid_for = config.mqtt.state_valid_s
        sources = _watched(selection.inputs)
        outputs: dict[Counter, Output] = {
            catalogue.MQTT_MESSAGES_FAILED: MqttOutput(
                publisher, registry, valid_for=valid_for, health_interval=config.health.interval_s
            ),
            catalogue.SYSTEMD_MESSAGES_FAILED: ServiceStatus(
                notifier,
                sources,
                registry,
                opening=lambda: live.opening,
                broker=publisher.status,
                address=str(broker),
            ),
            catalogue.TRANSCRIPTS_MESSAGES_FAILED: inbox,
            catalogue.SPEAKER_MESSAGES_FAILED: speaker_requests,
        }
        if view is not None:
            outputs[catalogue.TERMINAL_MESSAGES_FAILED] = _ViewOutput(view, config.device.name, valid_for)
        guarded = tuple(GuardedOutput(output, counter, registry) for counter, output in outputs.items())
        live = Live(config, senses, selection.inputs, guarded, registry)
        if stop_request.is_set():
            return 0
        publisher.start()
        live.run(stop_request, _watchdog_feeder(notifier))
        notifier.stopping()
        publisher.close()
    return 0


def _watched(inputs: Inputs) -> tuple[WatchedSource, ...]:
    """The configured sources that systemd's status line reports."""
    sources = ((CAMERA, inputs.camera), (MICROPHONE, inputs.microphone), (MEDIA, inputs.media))
    return tuple(source for source, configured in sources if configured is not None)


def _watchdog_feeder(notifier: Notifier) -> Callable[[], None]:
    """Returns a function that feeds systemd's watchdog; the live loop calls it in each round without a stuck thread."""
    interval = watchdog_interval()
    fed_at = float("-inf")

    def feed() -> None:
        nonlocal fed_at
        now = time.monotonic()
        if interval is not None and now - fed_at >= interval:
            fed_at = now
            notifier.watchdog()

    return feed


@contextmanager
def _terminal_view() -> Iterator[LiveView]:
    """Opens the terminal view; while it covers the terminal, log messages are shown below it."""
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
    """Yields the address of the broker. An embedded broker runs until the block ends."""
    wanted = address.parse(options.broker, username=config.mqtt.username, password_file=config.mqtt.password_file)
    if options.fall_back and not wanted.embedded and not _reachable(wanted):
        log.info("no broker at %s: starting the embedded one", wanted)
        wanted = address.EMBEDDED
    if not wanted.embedded:
        yield wanted
        return
    with EmbeddedBroker(_default_port_if_free(), protocol=config.mqtt.protocol) as broker:
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


def _default_port_if_free() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
        return USUAL_PORT
