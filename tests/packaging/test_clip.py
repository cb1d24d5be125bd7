"""The built-in clip: the senses' own detectors find its faces and its speech."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pymicro_vad import MicroVad

from edge import clip
from edge.clip import build, mouth
from edge.config import Config
from edge.detail import FaceDetail
from edge.face.blazeface import BlazeFace
from edge.face.blazeface_file import find
from edge.inference.interpreter import open_model
from edge.observation import Observation
from edge.runtime import senses
from edge.runtime.replay import replay
from edge.sources.media import MediaFile
from edge.sources.transcripts import read_transcript_file


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    with av.open(str(clip.path())) as container:
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def sound() -> NDArray[np.float32]:
    with av.open(str(clip.path())) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


@pytest.fixture(scope="module")
def observations() -> list[Observation]:
    """All that the senses observe in the clip."""
    config, said = Config(), read_transcript_file(clip.transcripts())
    with MediaFile(clip.path()) as media:
        items = replay(media, senses.build(config), config, said)
        return [item for item in items if isinstance(item, Observation)]


def pcm(sound: NDArray[np.float32]) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16).tobytes()


def at(seconds: float) -> int:
    return round(seconds * build.FPS)


def test_it_is_small_and_in_an_everyday_format() -> None:
    assert clip.path().stat().st_size < 400_000
    with av.open(str(clip.path())) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.audio[0].codec_context.name == "aac"
        assert container.streams.audio[0].rate == build.RATE


def test_picture_and_sound_are_as_long_as_each_other(
    frames: list[NDArray[np.uint8]], sound: NDArray[np.float32]
) -> None:
    assert len(frames) == build.SECONDS * build.FPS
    assert frames[0].shape == (build.HEIGHT, build.WIDTH, 3)
    assert len(sound) / build.RATE == pytest.approx(build.SECONDS, abs=0.1)


def test_blazeface_finds_the_face_that_leaves_and_comes_back(frames: list[NDArray[np.uint8]]) -> None:
    model = find()
    if model is None:
        pytest.skip("BlazeFace was not fetched (make setup fetches it where there is a network)")
    detector = BlazeFace(open_model(model)[0])
    found = [bool(detector.detect(frame)) for frame in frames]
    assert all(found[: at(4.6)])
    assert not any(found[at(5.4) : at(7.2)])
    assert all(found[at(8.0) :])


def test_the_haar_cascade_finds_it_too(frames: list[NDArray[np.uint8]]) -> None:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
    found = []
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        found.append(len(cascade.detectMultiScale(grey, 1.2, 4, minSize=(48, 48))) > 0)
    assert all(found[: at(4.6)])
    assert not any(found[at(5.4) : at(7.2)])
    assert all(found[at(8.0) :])


def test_the_speech_detector_hears_the_sentences_and_the_pause(sound: NDArray[np.float32]) -> None:
    detector, data = MicroVad(), pcm(sound)
    step = 2 * build.RATE // 100
    speech = [detector.process_10ms(data[start : start + step]) for start in range(0, len(data) - step, step)]
    for line in lines():
        assert max(speech[int(line["time"] * 100) - 50 : int(line["time"] * 100)]) > 0.9, line
    assert max(speech[500:830]) < 0.3


def test_some_of_the_words_can_be_spotted(sound: NDArray[np.float32]) -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    heard = {
        phrase: spot(pocketsphinx, pcm(sound), phrase)
        for phrase in ("wonderful", "awful", "lonely", "fantastic", "disgusting")
    }
    assert heard == {"wonderful": True, "awful": True, "lonely": True, "fantastic": False, "disgusting": False}


def spot(pocketsphinx: object, data: bytes, phrase: str) -> bool:
    decoder = pocketsphinx.Decoder(keyphrase=phrase, kws_threshold=1e-10, loglevel="FATAL")  # type: ignore[attr-defined]
    decoder.start_utt()
    decoder.process_raw(data, full_utt=True)
    heard = decoder.hyp() is not None
    decoder.end_utt()
    return heard


def lines() -> list[dict[str, float]]:
    return [json.loads(line) for line in clip.transcripts().read_text(encoding="utf-8").splitlines()]


def test_the_transcript_has_the_sentences_at_their_ends() -> None:
    assert [line["text"] for line in lines()] == [sentence.text for sentence in build.SENTENCES]
    for line, sentence, later in zip(lines(), build.SENTENCES, [*build.SENTENCES[1:], None], strict=True):
        assert sentence.starts_at < line["time"] < (later.starts_at if later else build.SECONDS)


def test_the_camera_moves_softly() -> None:
    views = [build.view_at(index / build.FPS) for index in range(round(build.SECONDS * build.FPS))]
    for before, after in pairwise(views):
        assert abs(after.x - before.x) + abs(after.y - before.y) < 70
        assert abs(after.tilt - before.tilt) < 2


def test_the_mouth_moves_during_the_sentences_and_rests_between_them(observations: list[Observation]) -> None:
    spoken = [(sentence.starts_at, line["time"]) for sentence, line in zip(build.SENTENCES, lines(), strict=True)]
    opened = {
        seen.captured_at: float(seen.detail.mouth_open)  # type: ignore[arg-type]
        for seen in observations
        if isinstance(seen.detail, FaceDetail)
    }
    # For some frames after 4.6 s, the face leaves the picture and its landmarks are not certain.
    at_rest = [
        value
        for time, value in opened.items()
        if not 4.6 < time < 8.0 and all(time < start - 0.2 or time > end + 0.2 for start, end in spoken)
    ]
    assert len(at_rest) > 40
    assert max(at_rest) - min(at_rest) < 0.05
    for start, end in spoken:
        values = [value for time, value in opened.items() if start <= time <= end]
        assert max(values) > np.median(at_rest) + 0.07
        assert np.std(values) > 3 * np.std(at_rest)


def test_voice_and_words_of_every_sentence_are_attributed_to_the_only_person(observations: list[Observation]) -> None:
    assert {seen.person for seen in observations if seen.sense == "face"} == {1}
    for sentence, line in zip(build.SENTENCES, lines(), strict=True):
        for sense in ("voice", "words"):
            attributions = [
                seen.attribution
                for seen in observations
                if seen.sense == sense and seen.final and sentence.starts_at < seen.captured_at < line["time"] + 0.5
            ]
            assert attributions, (sense, line)
            assert {(found.kind, found.person) for found in attributions if found} == {("person", 1)}, (sense, line)
            assert None not in attributions


def test_the_mouth_opens_with_the_loudness_of_the_sound_and_a_little_before_it() -> None:
    sound = np.zeros(build.RATE, np.float32)
    sound[build.RATE // 2 :] = 0.1 * np.sin(2 * np.pi * 200 * np.arange(build.RATE // 2) / build.RATE)
    sound[build.RATE * 3 // 4 :] *= 10 ** (-mouth.RANGE_DB / 2 / 20)
    early, onset, loud, quiet = mouth.openings(sound, build.RATE, np.array([0.3, 0.48, 0.6, 0.85]))
    assert early == 0
    assert onset > 0.5
    assert loud > 0.95
    assert quiet == pytest.approx(0.5**mouth.CURVE, abs=0.05)


def test_opening_the_mouth_changes_only_the_part_around_it() -> None:
    portrait = np.random.default_rng(3).integers(100, 256, (512, 512, 3)).astype(np.uint8)
    assert np.array_equal(mouth.opened(portrait, 0.0), portrait)
    moved = mouth.opened(portrait, 1.0)
    rows, columns = np.nonzero((moved != portrait).any(2))
    assert 100 <= rows.min() < rows.max() < 210
    assert 130 <= columns.min() < columns.max() < 320
    inside = (moved == mouth.INSIDE).all(2)
    assert 100 < inside.sum() < 400
    assert inside[154, 224]
    half = (mouth.opened(portrait, 0.5) == mouth.INSIDE).all(2)
    assert 0 < half.sum() < inside.sum()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng, which builds the clip")
def test_the_sound_track_can_be_built_again() -> None:
    track, built = build.sound_track()
    assert len(track) == build.SECONDS * build.RATE
    assert [line["text"] for line in built] == [line["text"] for line in lines()]
    # Another version of espeak-ng may speak a little faster or slower.
    assert [line["time"] for line in built] == pytest.approx([line["time"] for line in lines()], abs=0.3)
