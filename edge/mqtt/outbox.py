"""Messages that wait for the network: few, the newest of each topic, and none that is too old."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from edge.mqtt.message import Message

WAITING: Final = 64
"""QoS 0 messages that may wait. One more pushes out the oldest."""

RECEIPTED: Final = 100
"""QoS 1 messages that may wait. One more is refused."""


@dataclass(slots=True)
class Losses:
    """Messages that were not sent, by reason."""

    dropped: int = 0
    """Pushed out or refused by a full queue, or waiting when the connection broke."""
    replaced: int = 0
    """A newer message on the same topic took their place."""
    expired: int = 0
    """Their deadline passed while they waited."""

    def total(self) -> int:
        return self.dropped + self.replaced + self.expired


@dataclass(slots=True)
class Outbox:
    """Two queues: QoS 1 in order, QoS 0 in order with one place for each replaceable topic. Not thread-safe."""

    losses: Losses = field(default_factory=Losses)
    _receipted: deque[Message] = field(default_factory=deque)
    _waiting: OrderedDict[object, Message] = field(default_factory=OrderedDict)

    def put(self, message: Message, now: float) -> bool:
        """Takes a message; `now`: monotonic seconds. False when it was lost at once, because it is past its deadline
        or the queue of QoS 1 is full."""
        if _expired(message, now):
            self.losses.expired += 1
            return False
        if message.qos > 0:
            if len(self._receipted) >= RECEIPTED:
                self.losses.dropped += 1
                return False
            self._receipted.append(message)
            return True
        # A replaced message keeps its place in the row, so that no topic waits for ever behind a busy one.
        key: object = message.topic if message.replaceable else object()
        if key in self._waiting:
            self.losses.replaced += 1
        elif len(self._waiting) >= WAITING:
            self._waiting.popitem(last=False)
            self.losses.dropped += 1
        self._waiting[key] = message
        return True

    def take_receipted(self, now: float) -> list[Message]:
        """Removes and returns the QoS 1 messages that are still worth sending."""
        taken, self._receipted = self._receipted, deque()
        return self._fresh(taken, now)

    def take(self, now: float, most_bytes: int) -> list[Message]:
        """Removes and returns the next QoS 0 messages: at least one where any is fresh, further ones while all payloads
        together stay within `most_bytes`."""
        batch: list[Message] = []
        size = 0
        while self._waiting:
            key, message = next(iter(self._waiting.items()))
            if _expired(message, now):
                self.losses.expired += 1
            elif batch and size + len(message.payload) > most_bytes:
                break
            else:
                batch.append(message)
                size += len(message.payload)
            del self._waiting[key]
        return batch

    def clear(self) -> None:
        """Drops everything: the connection for which it waited is gone."""
        self.losses.dropped += len(self)
        self._receipted.clear()
        self._waiting.clear()

    def __len__(self) -> int:
        return len(self._receipted) + len(self._waiting)

    def _fresh(self, messages: deque[Message], now: float) -> list[Message]:
        fresh = [message for message in messages if not _expired(message, now)]
        self.losses.expired += len(messages) - len(fresh)
        return fresh


def _expired(message: Message, now: float) -> bool:
    return message.deadline is not None and now > message.deadline
