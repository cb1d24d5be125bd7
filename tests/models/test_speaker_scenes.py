"""Composed scenes and the fit: deterministic, in order, with the truth that they claim."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge.observation import Frame
from edge.speaker.synchrony import STEP_S
from models.speaker import choice, compose, fit, measure
from models.speaker.choice import Choice
from models.speaker.clips import RATE, Clip, active, stretches
from models.speaker.scenes import FPS, KINDS, OFF_SCREEN, TRAINED_KINDS, plan

FRAMES = 75


def talker(seed: int) -> Clip:
    """Three seconds before a blue wall, with a voice from 0.6 to 2.0 s whose loudness follows the mouth."""
    rng = np.random.default_rng(seed)
    opening = np.interp(np.arange(FRAMES), np.arange(0, FRAMES, 4), rng.choice([0.0, 1.0], 19))
    speech = (0.6, 2.0)
    opening[: int(speech[0] * 25) - 2] = opening[int(speech[1] * 25) + 2 :] = 0.0
    loud = np.interp(np.arange(3 * RATE) / RATE - 0.04, np.arange(FRAMES) / 25, opening)
    voice = np.where((np.arange(3 * RATE) / RATE >= 0.6) & (np.arange(3 * RATE) / RATE < 2.0), 0.02 + 0.2 * loud, 1e-4)
    image = np.full((72, 90, 3), (180, 90, 30), np.uint8)
    image[20:, 25:65] = (60 + seed, 90, 170)
    return Clip(
        name=f"talker{seed}",
        talker=f"talker{seed}",
        fps=25.0,
        frames=(image,) * FRAMES,
        sound=(voice * rng.normal(0, 1, 3 * RATE)).astype(np.float32),
        mouths=np.column_stack(
            [2 + 9 * opening, 48 - 2 * opening, 66 + 7 * opening, 36 + 8 * opening, np.full(FRAMES, 60.0)]
        ),
        speech=(speech,),
    )


@pytest.fixture(scope="module")
def talkers() -> list[Clip]:
    return [talker(seed) for seed in range(4)]


NOISE = (np.random.default_rng(0).normal(0, 0.1, 5 * RATE).astype(np.float32),)


@pytest.mark.parametrize("kind", TRAINED_KINDS)
def test_the_same_seed_gives_the_same_scene_and_another_seed_another(talkers: list[Clip], kind: str) -> None:
    def frames(seed: int) -> list[np.ndarray]:
        return [face.frames for face in plan(kind, talkers, [0, 1, 2], seed).faces]

    assert all(np.array_equal(a, b) for a, b in zip(frames(1), frames(1), strict=True))
    assert any(
        len(frames(seed)) != len(frames(1))
        or any(not np.array_equal(a, b) for a, b in zip(frames(seed), frames(1), strict=False))
        for seed in range(2, 6)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_who_speaks_shows_the_frames_that_belong_to_the_sound(talkers: list[Clip], kind: str) -> None:
    scene = plan(kind, talkers, [0, 1, 2], 5)
    assert all(len(face.frames) == round(scene.duration * FPS) for face in scene.faces)
    for voice in scene.voices:
        if voice.speaker == OFF_SCREEN:
            continue
        face = scene.faces[voice.speaker]
        assert face.clip == voice.clip
        first = round(voice.begins_at * FPS)
        shown = face.frames[first + 20 : first + 60]
        assert np.abs(shown - np.arange(20, 60)).max() <= 1


def test_scenes_say_what_has_to_be_attributed(talkers: list[Clip]) -> None:
    turns = plan("two in turn", talkers, [0, 1, 2], 5).speech(talkers)
    assert len({speaker for _, _, speaker in turns}) == 2
    assert turns[0][1] < turns[1][0]
    assert plan("nobody speaks, one mouth moves", talkers, [0, 1, 2], 5).speech(talkers) == ()
    assert [who for _, _, who in plan("off screen", talkers, [0, 1, 2], 5).speech(talkers)] == [OFF_SCREEN]
    second = plan("second voice at -10 dB", talkers, [0, 1, 2], 5)
    assert len(second.voices) == 2
    assert len(second.speech(talkers)) == 1


def test_a_shifted_mouth_keeps_its_distance_from_its_own_sound(talkers: list[Clip]) -> None:
    for seed in range(20):
        scene = plan("shifted", talkers, [0, 1, 2], seed)
        middle = talkers[0].speech[-1][1] / 2
        at = int((scene.voices[0].begins_at + middle) * FPS)
        assert abs(scene.faces[0].frames[at] / 25 - middle) > 0.4


def test_noise_and_second_voice_have_the_level_they_should(talkers: list[Clip]) -> None:
    def level(samples: np.ndarray) -> float:
        return float(10 * np.log10(np.square(samples).mean()))

    noisy = plan("noise at 10 dB", talkers, [0, 1, 2], 5)
    mixed = compose.sound(noisy, talkers, NOISE)
    begin, end, _ = noisy.speech(talkers)[0]
    speech = mixed[round(begin * RATE) : round(end * RATE)]
    assert level(mixed[: RATE // 2]) == pytest.approx(compose.VOICE_DBFS - 10, abs=0.7)
    assert level(speech) == pytest.approx(compose.VOICE_DBFS + 0.4, abs=1.0)


def test_frames_and_sound_come_in_the_order_of_time(talkers: list[Clip]) -> None:
    scene = replace(plan("one of four speaks", talkers, [0, 1, 2], 5), duration=1.6)
    found = list(compose.items(scene, talkers, NOISE))
    ends = [one.captured_at if isinstance(one, Frame) else one.captured_at + one.duration for one in found]
    frames = [one for one in found if isinstance(one, Frame)]
    assert all(later > earlier - 1e-9 for earlier, later in pairwise(ends))
    assert len(frames) == round(scene.duration * FPS)
    assert frames[0].image.shape == (360, 640, 3)
    # The people are there, and the wall that they stood before is not.
    image = frames[0].image.astype(int)
    people = np.abs(image - (60, 90, 170)).max(2) < 12
    wall = np.abs(image - (180, 90, 30)).max(2) < 12
    assert people.mean() > 0.08
    assert wall.mean() < 0.01


def test_speech_is_found_above_noise_and_across_short_pauses() -> None:
    rng = np.random.default_rng(1)
    loudness = np.full(3 * RATE, 0.001)
    loudness[RATE : round(1.5 * RATE)] = loudness[round(1.6 * RATE) : 2 * RATE] = 0.2
    loudness[round(2.5 * RATE) : round(2.55 * RATE)] = 0.2  # a click
    ((begin, end),) = stretches(active(loudness * rng.normal(0, 1, 3 * RATE)))
    assert (begin, end) == pytest.approx((1.0, 2.0), abs=0.03)


def test_the_prediction_finds_a_relation_that_is_there(talkers: list[Clip]) -> None:
    scale = fit.scale_of(talkers[:3])
    scene = plan("one of two speaks", talkers, [3, 0, 1], 5)
    begin, end, speaker = scene.speech(talkers)[0]
    spans = [(begin - 0.3, end + 0.3, speaker)]
    (one,) = fit.choices(scene, talkers, NOISE, {clip.talker: scale for clip in talkers}, spans)
    assert one.features[speaker, 1] > 0.5
    assert one.features[1 - speaker, 1] < 0.1
    assert one.seconds == pytest.approx(end - begin + 0.24, abs=3 * STEP_S)


def test_the_choice_learns_weights_that_made_the_choices() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(3000):
        features, seconds = rng.normal(0, 1, (rng.integers(1, 4), 2)), float(rng.uniform(0.3, 2))
        scores = np.concatenate([[0.5 + 1.0 * np.log(seconds + 0.1)], features @ np.array([1.0, 2.0])])
        chosen = int((scores + rng.gumbel(0, 1, len(scores))).argmax())
        found.append(Choice(features, seconds, chosen - 1 if chosen else OFF_SCREEN, "made up"))
    weights = choice.fit(found)
    p = choice.probabilities(found, weights)
    assert p.sum(1) == pytest.approx(np.ones(len(found)))
    true = choice.probabilities(found, choice.Weights((1.0, 2.0), (0.5, 1.0)))
    rows, right = np.arange(len(found)), choice.answers(found)
    assert np.log(p[rows, right]).mean() > np.log(true[rows, right]).mean() - 0.005
    other = choice.probabilities(found, choice.Weights((1.5, 1.5), (0.5, 1.0)))
    assert np.log(p[rows, right]).mean() > np.log(other[rows, right]).mean() + 0.01


def test_a_tally_counts_seconds_by_their_fate() -> None:
    from support.talkers import Utterance, events

    from edge.observation import Mouth
    from edge.speaker import model

    said, other = Utterance(1.0, 2.8, seed=1), Utterance(1.0, 2.8, seed=2)
    shipped = model.load(model.path())

    def score(mouths: dict[int, Utterance | None], speaker: int) -> measure.Tally:
        seen = [
            (one.captured_at if isinstance(one, Mouth) else one.ends_at, one) for one in events(mouths, [said], 3.5)
        ]
        recording = measure.Recording(tuple(seen), ((1.0, 2.8, speaker),), (0.5,), 3.5)
        return measure.score(recording, shipped)

    right = score({5: said}, 0)
    assert right.attributed > 1.6
    assert right.total == pytest.approx(1.8, abs=0.05)
    assert right.latencies[0] < 0.7
    assert score({5: said}, OFF_SCREEN).wrong > 1.4
    assert score({5: None}, 0).to_nobody > 1.4
    assert score({5: None}, OFF_SCREEN).attributed > 1.4
    assert score({5: other}, 0).latencies == []
    right.add(score({5: None}, 0))
    assert right.total == pytest.approx(3.6, abs=0.1)
    assert right.stretches == 2
