"""A bounded queue of messages to send, which keeps the newest state of each topic and drops expired messages."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from edge.mqtt.message import Message

WAITING: Final = 64
"""Largest number of waiting QoS 0 messages. A further message evicts the oldest."""

RECEIPTED: Final = 100
"""Largest number of waiting QoS 1 messages. A further message is refused."""


@dataclass(slots=True)
class Losses:
    """Numbers of messages that were not sent, by reason."""

    dropped: int = 0
    """Messages evicted or refused because a queue was full, or discarded because the connection broke."""
    replaced: int = 0
    """Messages replaced by a newer message on the same topic."""
    expired: int = 0
    """Messages whose deadline passed before they could be sent."""

    def total(self) -> int:
        """The number of unsent messages for all reasons together."""
        return self.dropped + self.replaced + self.expired


@dataclass(slots=True)
class Outbox:
    """Two first-in, first-out queues, for QoS 1 and QoS 0. A topic of replaceable messages has only one place
    in the QoS 0 queue. Not thread-safe."""

    losses: Losses = field(default_factory=Losses)
    """Messages that were lost so far."""
    _receipted: deque[Message] = field(default_factory=deque)
    _waiting: OrderedDict[object, Message] = field(default_factory=OrderedDict)

    def put(self, message: Message, now: float) -> bool:
        """Queues a message. False if it was lost at once, because its deadline has passed or the QoS 1 queue is full.

        `now`: monotonic seconds.
        """
        if _expired(message, now):
            self.losses.expired += 1
            return False
        if message.qos > 0:
            if len(self._receipted) >= RECEIPTED:
                self.losses.dropped += 1
                return False
            self._receipted.append(message)
            return True
        # The replacement keeps the place in the queue, so that no topic waits for ever behind a busy one.
        key: object = message.topic if message.replaceable else object()
        if key in self._waiting:
            self.losses.replaced += 1
        elif len(self._waiting) >= WAITING:
            self._waiting.popitem(last=False)
            self.losses.dropped += 1
        self._waiting[key] = message
        return True

    def take_receipted(self, now: float) -> list[Message]:
        """Removes the QoS 1 messages and returns those whose deadline has not passed. `now`: monotonic seconds."""
        taken, self._receipted = self._receipted, deque()
        return self._fresh(taken, now)

    def take(self, now: float, most_bytes: int) -> list[Message]:
        """Removes and returns the next QoS 0 messages whose deadline has not passed. The first one may have any size;
        further ones follow while the total payload stays within `most_bytes`. `now`: monotonic seconds."""
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
        """Drops all messages, since the connection for which they waited is gone."""
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
