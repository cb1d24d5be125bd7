"""`edge-emotion watch`: shows what the devices on a broker say."""

from __future__ import annotations

import argparse
import logging
import queue
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from edge.commands import Commands
    from edge.config import Mqtt
    from edge.mqtt.address import Address
    from edge.publish.payloads import State

FIRST_CONNECTION_S: Final = 5.0

REFRESH_S: Final = 0.5
"""Ages in the view go on at least so often."""

Inbox: TypeAlias = queue.SimpleQueue[tuple[str, bytes]]


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
    import secrets

    from edge.config import Mqtt, load
    from edge.errors import BrokerError, ConfigError
    from edge.mqtt.connection import Connection
    from edge.publish.topics import LEVEL

    mqtt = load(arguments.config).mqtt if arguments.config else Mqtt()
    prefix: str = arguments.prefix or mqtt.prefix
    for option, level in (("--prefix", prefix), ("--device", arguments.device)):
        if level is not None and not LEVEL.fullmatch(level):
            raise ConfigError(f"{option} {level!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")
    # Availability first: what the broker has kept then comes in this order, too.
    filters = [f"{prefix}/{arguments.device or '+'}/{kind}" for kind in ("availability", "state")]
    inbox: Inbox = queue.SimpleQueue()

    connection = Connection(
        _address(arguments.broker, mqtt),
        f"edge-emotion-watch-{secrets.token_hex(4)}",
        protocol=mqtt.protocol,
        keepalive=mqtt.keepalive_s,
        ca_file=mqtt.ca_file,
        retry_max=mqtt.retry_max_s,
    )
    for each in filters:
        connection.on(each, lambda message: inbox.put((message.topic, message.payload)), accept_retained=True)
    # Until the connection stands, what goes wrong is told as the error that ends the command.
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
    except KeyboardInterrupt:
        # The way this command is meant to end.
        return 0
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
    states = _States()
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        for device, kind, payload in _received(inbox, prefix, left):
            if kind == "availability":
                availability[device] = payload.decode("utf-8", "replace")
                continue
            state = states.read(device, payload)
            if state is None:
                continue
            view = DeviceView(device, availability.get(device), state)
            if as_json:
                _print_json(device, kind, payload)
            elif sys.stdout.isatty():
                style = style_of(sys.stdout, shutil.get_terminal_size().columns)
                print("\n".join(render([view], style, time.time())), flush=True)
            else:
                print(line(view), flush=True)
            return True
    return False


def _stream(inbox: Inbox, prefix: str) -> None:
    _log_to(logging.StreamHandler())
    while True:
        for message in _received(inbox, prefix, REFRESH_S):
            _print_json(*message)


def _view(inbox: Inbox, prefix: str) -> None:
    from edge.terminal.live_view import LiveView, NoteHandler

    states = _States()
    with LiveView(sys.stdout) as view:
        _log_to(NoteHandler(view) if sys.stdout.isatty() else logging.StreamHandler())
        while True:
            for device, kind, payload in _received(inbox, prefix, REFRESH_S):
                if kind == "availability":
                    view.availability(device, payload.decode("utf-8", "replace"))
                elif (state := states.read(device, payload)) is not None:
                    view.update(device, state)
            view.refresh()


def _received(inbox: Inbox, prefix: str, patience: float) -> Iterator[tuple[str, str, bytes]]:
    """(device, kind, payload) of the next message, or of none within `patience` seconds."""
    from edge.publish.topics import parse

    try:
        topic, payload = inbox.get(timeout=patience)
    except queue.Empty:
        return
    found = parse(topic, prefix)
    # An empty payload is how a kept message is cleared.
    if found is not None and payload:
        yield *found, payload


class _States:
    """Reads states, and tells once of each device whose states it cannot read."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def read(self, device: str, payload: bytes) -> State | None:
        import msgspec

        from edge.clock import parse_rfc3339
        from edge.publish.payloads import State

        try:
            state = msgspec.json.decode(payload, type=State)
            parse_rfc3339(state.captured_at)
            parse_rfc3339(state.valid_until)
        except ValueError as error:  # msgspec's errors and those of text that is no UTF-8 or no time are all of this
            if device not in self._told:
                self._told.add(device)
                logging.getLogger(__name__).warning("%s: a state this version cannot read (%s)", device, error)
            return None
        self._told.discard(device)
        return state


def _print_json(device: str, kind: str, payload: bytes) -> None:
    import msgspec

    try:
        content: object = msgspec.json.decode(payload) if kind != "availability" else payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        logging.getLogger(__name__).warning("%s: %s is no JSON (%s)", device, kind, error)
        return
    sys.stdout.write(msgspec.json.encode({"device": device, "kind": kind, "payload": content}).decode() + "\n")
    sys.stdout.flush()


def _log_to(handler: logging.Handler) -> None:
    logger = logging.getLogger("edge")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
