"""`edge-emotion watch` shows what the devices on a broker publish.

Any client of the broker may publish on these topics. So payloads are bounded in size, and unreadable ones are skipped
with a rate-limited note.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.commands import Commands
    from edge.config import Mqtt
    from edge.mqtt.address import Address
    from edge.publish.payloads import State
    from edge.terminal.inbox import Inbox

FIRST_CONNECTION_S: Final = 5.0
"""Time limit for the first connection, in seconds."""

REFRESH_S: Final = 0.5
"""Interval in seconds at which the ages in the view are refreshed."""

NOTES_PER_S: Final = 0.1
"""Largest number of notes on unreadable messages per second, after the first note."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "watch",
        help="show what the devices on a broker say",
        description="Shows, for every device on a broker, the emotion it reads, what each sense contributes and how "
        "old that is, until Ctrl-C. Where the output is no terminal it prints one line a change.",
    )
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="mqtt://[user[:password]@]host[:port] or mqtts://… (default: mqtt://localhost:1883)",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="take broker, user, password file, CA, protocol and prefix from it"
    )
    parser.add_argument("--prefix", metavar="NAME", help="first level of the topics (default: emotion)")
    parser.add_argument("--device", metavar="NAME", help="show this device only")
    parser.add_argument("--once", action="store_true", help="print the first state, which may be a kept one, and end")
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="how long --once waits (default: %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print each message as one line of JSON")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    try:
        return _watch(arguments)
    except KeyboardInterrupt:
        # Ctrl-C is the normal way to end this command, even before the connection is made.
        return 0


def _watch(arguments: argparse.Namespace) -> int:
    import secrets

    from edge.config import Mqtt, load
    from edge.errors import BrokerError, ConfigError
    from edge.mqtt.connection import Connection
    from edge.mqtt.tls import TlsFiles
    from edge.publish.topics import LEVEL
    from edge.terminal.inbox import Inbox

    mqtt = load(arguments.config).mqtt if arguments.config else Mqtt()
    prefix: str = arguments.prefix or mqtt.prefix
    for option, level in (("--prefix", prefix), ("--device", arguments.device)):
        if level is not None and not LEVEL.fullmatch(level):
            raise ConfigError(f"{option} {level!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")
    # The broker sends retained messages in the order of the subscriptions, so that availability arrives before state.
    filters = [f"{prefix}/{arguments.device or '+'}/{kind}" for kind in ("availability", "state")]
    inbox = Inbox()

    connection = Connection(
        _address(arguments.broker, mqtt),
        f"edge-emotion-watch-{secrets.token_hex(4)}",
        protocol=mqtt.protocol,
        keepalive=mqtt.keepalive_s,
        tls=TlsFiles(mqtt.ca_file, mqtt.certificate_file, mqtt.key_file),
        retry_max=mqtt.retry_max_s,
    )
    for each in filters:
        connection.on(each, lambda message: inbox.put(message.topic, message.payload), accept_retained=True)
    # Until the first connection, a failure ends the command with an error, so it is not logged too.
    logging.getLogger("edge").addHandler(logging.NullHandler())
    terminated = signal.signal(signal.SIGTERM, signal.default_int_handler)
    connection.start()
    try:
        connection.require_first_connection(FIRST_CONNECTION_S)
        if arguments.once:
            if not _once(inbox, prefix, arguments.timeout, as_json=arguments.json):
                raise BrokerError(
                    f"no state on {filters[1]} at broker {connection.address} within {arguments.timeout:g} s; "
                    "is a device running, are prefix and name right?"
                )
        elif arguments.json:
            _stream(inbox, prefix)
        else:
            _view(inbox, prefix)
    finally:
        connection.close(timeout=1.0)
        signal.signal(signal.SIGTERM, terminated)
    return 0


def _address(broker: str | None, mqtt: Mqtt) -> Address:
    from edge.errors import BrokerError
    from edge.mqtt.address import parse

    address = parse(broker or mqtt.broker, username=mqtt.username, password_file=mqtt.password_file)
    if address.embedded:
        raise BrokerError("watch needs a broker that runs; `edge-emotion run` tells the address of its embedded one")
    return address


def _once(inbox: Inbox, prefix: str, timeout: float, *, as_json: bool) -> bool:
    import shutil

    from edge.terminal.view import DeviceView, line, render, style_of

    availability: dict[str, str] = {}
    reader = _Reader(inbox, prefix)
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        for device, kind, payload in reader.received(left):
            if kind == "availability":
                availability[device] = payload.decode("utf-8", "replace")
                continue
            state = reader.state(device, payload)
            if state is None:
                continue
            view = DeviceView(device, availability.get(device), state)
            if as_json:
                sys.stdout.write(reader.json(device, kind, payload) or "")
                sys.stdout.flush()
            elif sys.stdout.isatty():
                style = style_of(sys.stdout, shutil.get_terminal_size().columns)
                print("\n".join(render([view], style, time.time())), flush=True)
            else:
                print(line(view), flush=True)
            return True
    return False


def _stream(inbox: Inbox, prefix: str) -> None:
    _log_to(logging.StreamHandler())
    reader = _Reader(inbox, prefix)
    while True:
        for message in reader.received(REFRESH_S):
            if (text := reader.json(*message)) is not None:
                sys.stdout.write(text)
                sys.stdout.flush()


def _view(inbox: Inbox, prefix: str) -> None:
    from edge.terminal.live_view import LiveView, NoteHandler

    reader = _Reader(inbox, prefix)
    with LiveView(sys.stdout) as view:
        _log_to(NoteHandler(view) if sys.stdout.isatty() else logging.StreamHandler())
        while True:
            for device, kind, payload in reader.received(REFRESH_S):
                if kind == "availability":
                    view.availability(device, payload.decode("utf-8", "replace"))
                elif (state := reader.state(device, payload)) is not None:
                    view.update(device, state)
            view.refresh()


class _Reader:
    """Reads messages of any content. Unreadable ones are logged at once, and then at most every ten seconds."""

    def __init__(self, inbox: Inbox, prefix: str) -> None:
        from edge.sources.refusals import Refusals

        self._inbox = inbox
        self._prefix = prefix
        log = logging.getLogger(__name__)
        self._refusals = Refusals(lambda why: log.warning("%s", why), burst=1, per_second=NOTES_PER_S)

    def received(self, timeout: float) -> Iterator[tuple[str, str, bytes]]:
        """Yields (device, kind, payload) of the next message, or nothing if none arrives within `timeout` seconds."""
        from edge.publish.topics import parse
        from edge.terminal.inbox import MAX_BYTES

        message = self._inbox.get(timeout)
        too_large, too_many = self._inbox.losses()
        if too_large:
            self._refuse(f"{too_large} messages of more than {MAX_BYTES} bytes were dropped")
        if too_many:
            self._refuse(f"{too_many} messages were dropped: they come faster than they can be shown")
        if message is None:
            return
        topic, payload = message
        found = parse(topic, self._prefix)
        # An empty retained message deletes the one that the broker stores.
        if found is not None and payload:
            yield *found, payload

    def state(self, device: str, payload: bytes) -> State | None:
        """Decodes a state. None if this version cannot read it."""
        from edge.clock import parse_rfc3339
        from edge.publish.decoding import decode_state

        try:
            state = decode_state(payload)
            parse_rfc3339(state.captured_at)
            parse_rfc3339(state.valid_until)
        except _UNREADABLE as error:
            self._refuse(f"{device}: a state this version cannot read ({_brief(error)})")
            return None
        return state

    def json(self, device: str, kind: str, payload: bytes) -> str | None:
        """One line of JSON for a message. None if its payload is not JSON or, for an availability, not UTF-8 text."""
        import msgspec

        try:
            content: object = payload.decode() if kind == "availability" else msgspec.json.decode(payload)
            return msgspec.json.encode({"device": device, "kind": kind, "payload": content}).decode() + "\n"
        except _UNREADABLE as error:
            self._refuse(f"{device}: {kind} is no JSON ({_brief(error)})")
            return None

    def _refuse(self, why: str) -> None:
        self._refusals.add(why, time.monotonic())


_UNREADABLE: Final = (ValueError, OverflowError, RecursionError)
"""Errors of an unreadable payload. Those of msgspec, of wrong UTF-8 and of wrong times are `ValueError`; nesting that
is too deep raises `RecursionError`."""


def _brief(error: BaseException) -> str:
    return "".join(char if char.isprintable() else " " for char in str(error))[:200]


def _log_to(handler: logging.Handler) -> None:
    logger = logging.getLogger("edge")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
