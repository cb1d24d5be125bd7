"""Whose voice it is, through the real senses: who is seen and heard becomes the person of a voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.talkers import Utterance, events

from edge import clip, config
from edge.emotions import COUNT
from edge.errors import SourceEnded
from edge.observation import AudioChunk, Frame, Mouth, Observation, Perceived
from edge.runtime import senses as sensing
from edge.runtime.replay import replay
from edge.runtime.senses import Senses
from edge.sources.media import MediaFile
from edge.speaker import model as speaker_model


class Composed:
    """A scene in place of a media file."""

    has_video = has_audio = True

    def __init__(self, items: Iterator[Frame | AudioChunk]) -> None:
        self._items = items

    def read(self) -> Frame | AudioChunk:
        for item in self._items:
            return item
        raise SourceEnded("the scene is at its end")


def settings(**tables: object) -> config.Config:
    return config.Config(words=config.Words(keywords=False), **tables)  # type: ignore[arg-type]


@pytest.mark.corpora
def test_the_talker_of_two_is_the_person_of_the_voice(corpora: Path) -> None:
    """Two talkers of GRID before one wall: the right one speaks, the left one keeps still."""
    from models.speaker import clips, compose
    from models.speaker.scenes import plan

    talkers = [clips.load(corpora / "av" / "grid" / f"{name}.mpg") for name in ("pwij3p", "brbk7n")]
    scene = replace(plan("one of two speaks", talkers, [0, 1], 3), duration=3.6)
    right = compose.places(scene)[scene.voices[0].speaker]
    across: dict[int, float] = {}
    voices: list[Observation] = []
    for found in replay(Composed(compose.items(scene, talkers, ())), sensing.build(settings()), settings()):  # type: ignore[arg-type]
        if isinstance(found, Observation) and found.sense == "face":
            left, _, width, _ = found.detail.box  # type: ignore[union-attr]
            across[found.person] = (left + width / 2) / compose.SIZE[0]
        elif isinstance(found, Observation):
            voices.append(found)
    assert len(across) == 2
    assert [one.attribution.kind for one in voices if one.attribution] == ["person"] * len(voices)
    assert {one.final for one in voices} == {True, False}
    assert all(abs(across[one.person] - right) < 0.1 for one in voices)


def test_a_photograph_is_not_taken_for_the_speaker() -> None:
    """One picture of the built-in clip stands still while its voice speaks."""
    with MediaFile(clip.path()) as media:
        moving = [media.read() for _ in range(240)]
    still = next(item for item in moving if isinstance(item, Frame))
    items = [replace(item, image=still.image) if isinstance(item, Frame) else item for item in moving]
    assert 4.0 < items[-1].captured_at < 9.0
    found = list(replay(Composed(iter(items)), sensing.build(settings()), settings()))  # type: ignore[arg-type]
    voices = [one for one in found if isinstance(one, Observation) and one.sense == "voice"]
    assert voices
    assert {one.person for one in voices} == {0}
    assert {one.attribution.kind for one in voices if one.attribution} <= {"off_screen", "unknown", "unavailable"}


def test_without_landmarks_nothing_is_attributed() -> None:
    senses = sensing.build(settings(face=config.Face(landmarks=False)))
    assert senses.speaker is None
    given = Perceived("voice", (Observation("voice", 1.0, (1 / COUNT,) * COUNT, 0.5),))
    assert senses.attribution()(given) is given


def test_a_missing_file_costs_the_attribution_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(speaker_model, "path", lambda: tmp_path / "none.json")
    senses = sensing.build(settings())
    assert senses.speaker is None
    assert senses.face is not None
    assert "not attributed" in caplog.text


def test_each_run_has_a_memory_of_its_own() -> None:
    speaker = speaker_model.load(speaker_model.path())
    senses = Senses(face=None, ears=None, words=None, missing={}, speaker=speaker)
    said = Utterance(1.0, 2.8, seed=1)
    first, second = senses.attribution(), senses.attribution()
    for event in events({5: said, 9: None}, [said], 3.0):
        first(Perceived("face", mouths=(event,)) if isinstance(event, Mouth) else Perceived("voice", sound=(event,)))
    given = Perceived("voice", (Observation("voice", 2.5, (1 / COUNT,) * COUNT, 0.5),))
    assert first(given).observations[0].person == 5
    assert second(given).observations[0].person == 0


def test_the_direction_of_a_chunk_reaches_its_levels() -> None:
    senses = sensing.build(settings())
    rng = np.random.default_rng(0)
    chunk = AudioChunk(rng.normal(0, 0.01, 1600).astype(np.float32), 16_000, 0.0, azimuth=-20.0)
    found = senses.hear(chunk).sound
    assert {one.azimuth for one in found} == {-20.0}
    assert len(found) in {9, 10}
    later = replace(chunk, captured_at=0.1, azimuth=None)
    assert senses.hear(later).sound[-1].azimuth is None
    assert senses.fall_silent().sound == ()


def test_every_face_gives_a_mouth_and_no_face_gives_none(portrait: np.ndarray) -> None:
    senses = sensing.build(settings())
    (found,) = senses.see(Frame(portrait, 0.5)).mouths
    assert found.person == 1
    assert found.captured_at == 0.5
    assert 0.3 < found.across < 0.7
    assert senses.see(Frame(np.zeros_like(portrait), 0.7)).mouths == ()
