"""What the threads hand each other: one mailbox for pictures, bounded queues for everything else."""

from __future__ import annotations

from typing import Final

from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import AudioChunk, Frame, Perceived, Transcript
from edge.runtime.mailbox import BoundedQueue, Mailbox

SOUND_WAITING: Final = 500
"""Chunks of sound, about ten seconds; a sense that is further behind would describe the past."""
TEXTS_WAITING: Final = 64
"""Transcripts."""
PERCEIVED_WAITING: Final = 1000
"""Results of the senses that the loop has not taken yet."""


class Exchange:
    """Shared by sources, senses and the loop; every member is safe to use from any thread."""

    def __init__(self) -> None:
        self.frames: Mailbox[Frame] = Mailbox()
        self.sound: BoundedQueue[AudioChunk] = BoundedQueue(SOUND_WAITING, AudioChunk.after_loss)
        self.speech: BoundedQueue[AudioChunk] = BoundedQueue(SOUND_WAITING, AudioChunk.after_loss)
        """Clean sound for the speech recogniser, which has a thread of its own."""
        self.texts: BoundedQueue[Transcript] = BoundedQueue(TEXTS_WAITING)
        self.perceived: BoundedQueue[Perceived] = BoundedQueue(PERCEIVED_WAITING)

    @property
    def empty(self) -> bool:
        """Whether the senses have taken everything that the sources put in."""
        return not (self.frames.waiting or self.sound.waiting or self.speech.waiting or self.texts.waiting)

    def count_drops(self, registry: Registry) -> None:
        """Brings the counters of what nobody took in time up to date."""
        registry.raise_to(catalogue.FACE_FRAMES_SKIPPED, self.frames.skipped)
        registry.raise_to(catalogue.VOICE_CHUNKS_DROPPED, self.sound.dropped)
        registry.raise_to(catalogue.WORDS_CHUNKS_DROPPED, self.speech.dropped)
        registry.raise_to(catalogue.WORDS_TRANSCRIPTS_DROPPED, self.texts.dropped)
        registry.raise_to(catalogue.FUSION_PERCEPTIONS_DROPPED, self.perceived.dropped)
