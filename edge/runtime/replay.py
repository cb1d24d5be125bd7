"""Runs the senses over a recorded file in one synchronous, deterministic loop in media time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

from edge.config import Config
from edge.errors import SourceEnded
from edge.fusion.fusion import Fusion
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import AudioChunk, Estimate, Frame, Observation, Perceived, Transcript
from edge.runtime.senses import Senses
from edge.sources.base import NO_PICTURE, NO_SOUND
from edge.sources.media import MediaFile


def replay(
    media: MediaFile,
    senses: Senses,
    config: Config,
    transcripts: Sequence[Transcript] = (),
    registry: Registry | None = None,
) -> Iterator[Observation | Estimate]:
    """Yields the observations and estimates for a file, in the order of media time.

    Args:
        media: The opened file.
        senses: The senses.
        config: Gives the settings of fusion. Estimates are made at `config.fusion.rate_hz`, and once at the end.
        transcripts: Transcripts of the file; each is read at its time.
        registry: Where stages are timed.

    Raises:
        EdgeEmotionError: The file cannot be read (the errors of `media.read`), or the speech recogniser failed.
    """
    registry = registry or Registry()
    fusion = Fusion(config.fusion, senses.emotion_cards, registry=registry)
    attribute = senses.attribution(enabled=config.fusion.attribution)
    for sense, reason in senses.missing.items():
        fusion.report(sense, reason)
    if not media.has_video:
        fusion.report("face", NO_PICTURE)
    if not media.has_audio:
        fusion.report("voice", NO_SOUND)
    spoken = sorted(transcripts, key=lambda transcript: transcript.captured_at)
    period = 1.0 / config.fusion.rate_hz
    ticks = 0
    now = 0.0

    def take(perceived: Perceived) -> Iterator[Observation]:
        fusion.take(perceived := attribute(perceived))
        yield from perceived.observations

    def estimate(at: float) -> Estimate:
        with registry.time(catalogue.FUSE):
            return fusion.estimates(at)[0]

    def advance(until: float) -> Iterator[Observation | Estimate]:
        """Yields the results of transcripts and the estimates that are due by `until`."""
        nonlocal ticks
        while True:
            tick = (ticks + 1) * period
            if spoken and spoken[0].captured_at <= min(tick, until):
                yield from take(senses.read(spoken.pop(0)))
            elif tick <= until:
                ticks += 1
                yield estimate(tick)
            else:
                return

    def queue_sentences(sentences: Sequence[Transcript]) -> None:
        """Queues sentences of a speech recogniser, whose ends may lie slightly in the past."""
        for transcript in sentences:
            insort(spoken, transcript, key=lambda one: one.captured_at)

    if senses.ears is not None:
        senses.ears.connect_recogniser(lambda chunk: queue_sentences(senses.recognise(chunk)))
    while True:
        try:
            with registry.time(catalogue.READ):
                item = media.read()
        except SourceEnded:
            break
        yield from advance(item.captured_at)
        now = max(now, _end(item))
        yield from take(senses.see(item) if isinstance(item, Frame) else senses.hear(item))
    if media.has_audio:
        yield from take(senses.fall_silent())
        queue_sentences(senses.recognise_rest())
    now = max([now, *(transcript.captured_at for transcript in spoken)])
    yield from advance(now)
    if now > ticks * period:
        yield estimate(now)


def _end(item: Frame | AudioChunk) -> float:
    return item.captured_at + item.duration if isinstance(item, AudioChunk) else item.captured_at
