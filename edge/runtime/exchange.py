"""The queues between threads: one mailbox for frames, bounded queues for everything else."""

from __future__ import annotations

from typing import Final

from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import AudioChunk, Frame, Perceived, Transcript
from edge.runtime.mailbox import BoundedQueue, Mailbox

SOUND_WAITING: Final = 500
"""Maximum number of queued chunks of sound, about ten seconds; older sound is dropped to limit the latency."""
TEXTS_WAITING: Final = 64
"""Maximum number of queued transcripts."""
PERCEIVED_WAITING: Final = 1000
"""Maximum number of queued results of the senses."""


class Exchange:
    """Queues that sources, senses and the loop share; every member is safe to use from any thread."""

    def __init__(self) -> None:
        self.frames: Mailbox[Frame] = Mailbox()
        """The newest frame, for the face sense."""
        self.sound: BoundedQueue[AudioChunk] = BoundedQueue(SOUND_WAITING, AudioChunk.after_loss)
        """Sound of the source, for hearing."""
        self.speech: BoundedQueue[AudioChunk] = BoundedQueue(SOUND_WAITING, AudioChunk.after_loss)
        """Clean sound for the speech recogniser, which has its own thread."""
        self.texts: BoundedQueue[Transcript] = BoundedQueue(TEXTS_WAITING)
        """Transcripts for the words sense."""
        self.perceived: BoundedQueue[Perceived] = BoundedQueue(PERCEIVED_WAITING)
        """Results of the senses, for the loop."""

    @property
    def empty(self) -> bool:
        """Whether the senses have taken all items of the sources."""
        return not (self.frames.waiting or self.sound.waiting or self.speech.waiting or self.texts.waiting)

    def count_drops(self, registry: Registry) -> None:
        """Updates the counters of dropped and skipped items."""
        registry.raise_to(catalogue.FACE_FRAMES_SKIPPED, self.frames.skipped)
        registry.raise_to(catalogue.VOICE_CHUNKS_DROPPED, self.sound.dropped)
        registry.raise_to(catalogue.WORDS_CHUNKS_DROPPED, self.speech.dropped)
        registry.raise_to(catalogue.WORDS_TRANSCRIPTS_DROPPED, self.texts.dropped)
        registry.raise_to(catalogue.FUSION_PERCEPTIONS_DROPPED, self.perceived.dropped)
