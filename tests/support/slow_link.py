"""A link between a client and a broker that carries a few bytes a second uphill, as a bad mobile network does."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

from edge.mqtt.address import Address

_STEP_S: Final = 0.05


class SlowLink:
    """Accepts clients at `address` and passes their bytes on at `bytes_per_second`; answers come back at once."""

    def __init__(self, broker: Address, bytes_per_second: int) -> None:
        self._broker, self._step = broker, max(1, round(bytes_per_second * _STEP_S))
        self._server = socket.create_server(("127.0.0.1", 0))
        # What the kernel keeps would hide the slowness from the client.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self._server.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                broker = socket.create_connection((self._broker.host, self._broker.port))
                threading.Thread(target=self._pass, args=(client, broker, self._step), daemon=True).start()
                threading.Thread(target=self._pass, args=(broker, client, 65536), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, step: int) -> None:
        with contextlib.suppress(OSError):
            while not self._ended.is_set() and (data := source.recv(step)):
                sink.sendall(data)
                if step < 65536:
                    time.sleep(_STEP_S)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
