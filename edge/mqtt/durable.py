"""An outbox on disk for messages that must survive a lost broker, a restart and a power cut.

A message is committed to an SQLite database before `put` returns, and is deleted when the broker has acknowledged it.
After a restart the unacknowledged messages are sent again, so a message can arrive twice: readers tell by its id. The
database uses a write-ahead log with `synchronous = FULL`, which SQLite documents as durable over a loss of power
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.health import catalogue
from edge.health.registry import Registry

log = logging.getLogger(__name__)

MAX_MESSAGES: Final = 10_000
"""Largest number of kept messages. A further message evicts the oldest."""

MAX_AGE_S: Final = 7 * 24 * 3600.0
"""Age in seconds beyond which a message is discarded, by the wall clock."""

MAX_PAYLOAD: Final = 16_384
"""Largest payload in bytes. With `MAX_MESSAGES` it bounds the size of the file."""

FRESH_S: Final = 5.0
"""A message that is sent within this many seconds after `put`, by the same process, is not historical."""

_BUSY_S: Final = 0.2
"""Longest wait in seconds for another process that has locked the database."""

_VERSION: Final = 1
"""Number of the table's layout, kept in `user_version`."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    created_at REAL NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that waits for its acknowledgement."""

    number: int
    """Key of the message in the outbox. Later messages have larger numbers."""
    topic: str
    """Topic without wildcards."""
    payload: bytes
    """Content of the message."""
    historical: bool
    """Whether the message was put by an earlier process, or more than `FRESH_S` ago."""


class DurableOutbox:
    """A first-in, first-out queue of messages on disk. Every method may be called from any thread, and none raises
    an exception for the disk: without a usable file the messages are kept in memory, and `fault` says why."""

    def __init__(
        self,
        path: Path | None,
        registry: Registry,
        *,
        max_messages: int = MAX_MESSAGES,
        max_age_s: float = MAX_AGE_S,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the database, or makes it.

        A file that is not a valid database of this kind is renamed to `*.corrupt` and replaced by a new one.

        Args:
            path: Database file; None to keep the messages in memory only.
            registry: Holds the counters.
            max_messages: Largest number of kept messages, 1 or more.
            max_age_s: Age in seconds beyond which a message is discarded.
            wall_clock: Gives seconds since 1970; it may jump.
            clock: Gives monotonic seconds.
        """
        self._path = path
        self._registry = registry
        self._max_messages = max_messages
        self._max_age_s = max_age_s
        self._wall_clock = wall_clock
        self._clock = clock
        self._lock = threading.Lock()
        self._fault: str | None = None
        self._put_at: dict[int, float] = {}
        """Number → monotonic time of `put`, for the messages of this process that are still fresh."""
        for counter in (catalogue.MQTT_OUTBOX_LOST, catalogue.MQTT_OUTBOX_FAULTS):
            registry.increment(counter, 0)
        self._database = self._open()
        self._discard_old()
        self._report()

    @property
    def fault(self) -> str | None:
        """Why messages are kept in memory only, in one line; None if they are on disk."""
        return self._fault

    def put(self, topic: str, payload: bytes) -> bool:
        """Stores a message; it is on disk when this returns, unless there is a `fault`.

        Args:
            topic: Topic without wildcards.
            payload: Content of the message.

        Returns:
            False if the message is longer than `MAX_PAYLOAD` and was refused.
        """
        if len(payload) > MAX_PAYLOAD:
            self._registry.increment(catalogue.MQTT_OUTBOX_LOST)
            log.warning("%s: a message of %d bytes is too long for the outbox", topic, len(payload))
            return False
        with self._lock:
            number = self._write(
                "INSERT INTO outbox (topic, payload, created_at) VALUES (?, ?, ?)",
                (topic, payload, self._wall_clock()),
            )
            self._put_at[number] = self._clock()
            self._forget_stale()
            self._evict()
            self._report()
        return True

    def next(self, after: int, limit: int) -> tuple[Entry, ...]:
        """The oldest messages with a number above `after`, at most `limit`."""
        if limit <= 0:
            return ()
        with self._lock:
            self._discard_old()
            rows = self._read(
                "SELECT number, topic, payload FROM outbox WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
            )
            now = self._clock()
            return tuple(
                Entry(number, topic, payload, historical=now - self._put_at.get(number, -FRESH_S * 2 + now) > FRESH_S)
                for number, topic, payload in rows
            )

    def acknowledge(self, number: int) -> None:
        """Deletes a message that the broker has received. An unknown number is ignored."""
        with self._lock:
            self._write("DELETE FROM outbox WHERE number = ?", (number,))
            self._put_at.pop(number, None)
            self._report()

    def __len__(self) -> int:
        with self._lock:
            return self._count()

    def close(self) -> None:
        """Closes the file. The messages in it remain for the next process."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._database.close()

    # The methods below need the lock.

    def _open(self) -> sqlite3.Connection:
        if self._path is None:
            return _database(":memory:")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _database(str(self._path))
        except sqlite3.OperationalError as error:
            return self._in_memory(str(error))
        except sqlite3.DatabaseError as error:
            return self._replaced(str(error))
        except OSError as error:
            return self._in_memory(error.strerror or str(error))

    def _replaced(self, reason: str) -> sqlite3.Connection:
        """Sets a corrupt file aside, so that its content can be examined, and begins a new one."""
        assert self._path is not None
        aside = self._path.with_name(self._path.name + ".corrupt")
        self._registry.increment(catalogue.MQTT_OUTBOX_FAULTS)
        log.warning("outbox %s is corrupt (%s); it is kept as %s, and a new one begins", self._path, reason, aside.name)
        try:
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return _database(str(self._path))
        except (OSError, sqlite3.Error) as error:
            return self._in_memory(str(error))

    def _in_memory(self, reason: str) -> sqlite3.Connection:
        self._registry.increment(catalogue.MQTT_OUTBOX_FAULTS)
        if self._fault is None:
            log.warning("outbox %s: %s; messages are kept in memory and would be lost at a restart", self._path, reason)
        self._fault = f"outbox {self._path}: {reason}"
        return _database(":memory:")

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        """Runs a statement and commits it. After a failure of the disk it is repeated in memory.

        Returns:
            The number of the last inserted message.
        """
        try:
            with self._database:
                return self._database.execute(statement, values).lastrowid or 0
        except sqlite3.Error as error:
            self._move_to_memory(str(error))
            with self._database:
                return self._database.execute(statement, values).lastrowid or 0

    def _read(self, statement: str, values: tuple[object, ...]) -> list[tuple[int, str, bytes]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._move_to_memory(str(error))
            return self._database.execute(statement, values).fetchall()

    def _move_to_memory(self, reason: str) -> None:
        """Continues in memory with the messages that can still be read from the file, under their numbers."""
        rows: list[tuple[object, ...]] = []
        highest = 0
        with contextlib.suppress(sqlite3.Error):
            rows = self._database.execute("SELECT number, topic, payload, created_at FROM outbox").fetchall()
        with contextlib.suppress(sqlite3.Error):
            highest = int(self._database.execute("SELECT seq FROM sqlite_sequence").fetchone()[0])
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        highest = max(highest, *self._put_at, 0)
        self._database = self._in_memory(reason)
        with self._database:
            self._database.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?)", rows)
            # Numbers must never be given twice: an acknowledgement on its way would delete the wrong message.
            self._database.execute("INSERT OR REPLACE INTO sqlite_sequence VALUES ('outbox', ?)", (highest,))

    def _discard_old(self) -> None:
        """Discards messages that are too old. A message from the future, after a step of the clock, is kept."""
        oldest = self._wall_clock() - self._max_age_s
        with contextlib.suppress(sqlite3.Error), self._database:
            gone = self._database.execute("DELETE FROM outbox WHERE created_at < ?", (oldest,)).rowcount
            self._registry.increment(catalogue.MQTT_OUTBOX_LOST, max(0, gone))

    def _evict(self) -> None:
        extra = self._count() - self._max_messages
        if extra > 0:
            self._write(
                "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox ORDER BY number LIMIT ?)", (extra,)
            )
            self._registry.increment(catalogue.MQTT_OUTBOX_LOST, extra)

    def _forget_stale(self) -> None:
        oldest = self._clock() - FRESH_S
        self._put_at = {number: at for number, at in self._put_at.items() if at >= oldest}

    def _count(self) -> int:
        try:
            return int(self._database.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])
        except sqlite3.Error:
            return 0

    def _report(self) -> None:
        self._registry.set(catalogue.MQTT_OUTBOX_WAITING, self._count())


def _database(name: str) -> sqlite3.Connection:
    """Opens a database and makes the table in it. Raises `sqlite3.Error`, also for a file of another kind."""
    database = sqlite3.connect(name, timeout=_BUSY_S, check_same_thread=False)
    try:
        if name != ":memory:":
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("it fails SQLite's integrity check")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"it has version {version}; this program writes version {_VERSION}")
        with database:
            database.execute(_TABLE)
            database.execute(f"PRAGMA user_version = {_VERSION}")
        # A table of the same name with other columns passes `IF NOT EXISTS`.
        database.execute("SELECT number, topic, payload, created_at FROM outbox LIMIT 1").fetchall()
    except sqlite3.OperationalError as error:
        database.close()
        # A missing column is a fault of the content; a locked, full or read-only disk is not.
        if "no such column" in str(error):
            raise sqlite3.DatabaseError(str(error)) from error
        raise
    except BaseException:
        database.close()
        raise
    return database
