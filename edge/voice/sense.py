"""The voice sense: a piece of speech in, an observation out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge import config, shipped
from edge.detail import VoiceDetail
from edge.emotions import LABELS
from edge.errors import ModelError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.listener import Step
from edge.hearing.utterance import SpeechSegment
from edge.inference.card import Card
from edge.inference.embedding import embedding_of
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax
from edge.observation import Observation
from edge.voice.baseline import Baselines
from edge.voice.front_end import open_front_end
from edge.voice.pitch import PitchStream
from edge.voice.prosody import prosody
from edge.voice.voiceprint import voiceprint

_SHIPPED: Final = {"default": "voice", "small": "voice", "large": "voice_large"}
"""File of each model that `[voice] model` can name; `default` is the name that `small` had before there was another."""
_HALF_DURATION_S: Final = 0.6
"""Seconds of voice at which the duration factor of the quality is 0.5; an utterance of 2 s reaches 0.77."""
_USELESS_SNR_DB: Final = 0.0
"""Estimated signal-to-noise ratio in dB at and below which the quality is 0."""
_CLEAN_SNR_DB: Final = 35.0
"""Estimated signal-to-noise ratio in dB from which noise no longer lowers the quality.

Accuracy of the model on 348 noisy utterances of the second fold's speakers, by estimated ratio: 21 % at 5–10 dB, 35 %
at 10–15, 52 % at 15–20, 59 % at 20–25, 66 % at 30–40 and 84 % above.
"""


class VoiceSense:
    """Classifies the emotion in a speaker's voice. Not thread-safe."""

    def __init__(self, settings: config.Voice, registry: Registry | None = None, baseline: bool = True) -> None:
        """Loads the voice model.

        Args:
            settings: Settings of the voice.
            registry: Where stages are timed.
            baseline: Whether each speaker is read against the speaker's own earlier utterances.

        Raises:
            ModelError: The model is missing, invalid or not a voice model.
        """
        path = model_path(settings.model)
        self._interpreter, self.card = open_model(path)
        if self.card.labels != LABELS or self.card.output_kind != "logits":
            raise ModelError(
                f"model {path} gives {self.card.output_kind} of {self.card.labels}, not logits of our labels"
            )
        self.baselines = _open_baselines(self.card, str(path), baseline)
        """Baselines of the speakers; None if the model takes none."""
        self._front_end = open_front_end(self.card.front_end, str(path))
        self._pitch = PitchStream()
        self._registry = registry or Registry()

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        """Reads a speech segment as soon as a step completes one. Raises `ModelError`."""
        return (self.read(step.segment),) if step.segment else ()

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        """Reads the utterance that the end of the sound cut off. Raises `ModelError`."""
        return (self.read(segment),) if segment else ()

    def read(self, segment: SpeechSegment, person: str | None = None) -> Observation:
        """The observation of one speech segment, captured at its end.

        Args:
            segment: The speech. Only a final segment adds to its speaker's baseline.
            person: Identifier of the person who speaks; without one, voices of like pitch and timbre count as one.

        Raises:
            ModelError: The model cannot read the segment.
        """
        with self._registry.time(catalogue.PITCH):
            track = self._pitch.read(segment.samples, segment.position)
        with self._registry.time(catalogue.VOICE_FEATURES):
            features = self._front_end.read(segment.samples, segment.position, track)
            mark = voiceprint(segment.samples, track) if self.baselines is not None and person is None else None
        with self._registry.time(catalogue.INFER_VOICE):
            known = () if self.baselines is None else self.baselines.of(person, mark)
            outputs = self._interpreter.run(features, *known)
            posterior = softmax(outputs[0][0], self.card.temperature)
        with self._registry.time(catalogue.PROSODY):
            spoken = prosody(segment.samples, track)
        if segment.final:
            if self.baselines is not None:
                self.baselines.learn(person, mark, outputs[1][0], quality(segment))
            self._front_end.forget()
            self._pitch = PitchStream()
        return Observation(
            sense="voice",
            captured_at=segment.ends_at,
            posterior=tuple(float(p) for p in posterior),
            quality=quality(segment),
            final=segment.final,
            embedding=embedding_of(outputs),
            detail=VoiceDetail(
                duration_s=round(segment.spoken_s, 2),
                level_dbfs=round(segment.level_dbfs, 1),
                snr_db=round(segment.snr_db, 1),
                speech=round(segment.speech, 3),
                pitch_hz=_rounded(spoken.pitch_hz),
                pitch_range_semitones=_rounded(spoken.pitch_range_semitones),
                syllables_per_second=_rounded(spoken.rate_hz),
            ),
        )


def model_path(name: str) -> Path:
    """The path of the model that `[voice] model` names: `small`, `large`, `default` (small) or a path."""
    return shipped.model("voice", _SHIPPED[name]) if name in _SHIPPED else Path(name)


def _open_baselines(card: Card, model: str, enabled: bool) -> Baselines | None:
    """The speakers' baselines for a model with the inputs `baseline` and `trust`; None for one without.

    Raises `ModelError` if the inputs are others, or the embedding does not fit.
    """
    if len(card.inputs) == 1:
        return None
    shapes = [tensor.shape for tensor in card.inputs[1:]]
    embedding = card.outputs[1].shape if len(card.outputs) > 1 else ()
    if len(shapes) != 2 or shapes[0] != embedding or len(embedding) != 2 or shapes[1] != (1, 1):
        raise ModelError(
            f"model {model} has inputs of {[tensor.shape for tensor in card.inputs]} and outputs of "
            f"{[tensor.shape for tensor in card.outputs]}; it needs its embedding, (1, n), as second output and the "
            "speaker's baseline, (1, n), and trust, (1, 1), as second and third input, or one input only"
        )
    return Baselines(embedding[1], enabled)


def quality(segment: SpeechSegment) -> float:
    """Quality of a segment, 0…1: the product of factors for duration, signal-to-noise ratio, speech and clipping."""
    duration = segment.spoken_s / (segment.spoken_s + _HALF_DURATION_S)
    clear = (segment.snr_db - _USELESS_SNR_DB) / (_CLEAN_SNR_DB - _USELESS_SNR_DB)
    return duration * min(1.0, max(0.0, clear)) * min(1.0, max(0.0, segment.speech)) * (1.0 - segment.clipped)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
