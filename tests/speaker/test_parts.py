"""The parts of the speaker attribution: levels, memory, utterances, synchrony, directions and the file of numbers."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.talkers import LOUD, QUIET, Utterance, heard, levels_of, mouth

from edge.errors import ModelError
from edge.hearing.listener import Step
from edge.speaker import memory, model
from edge.speaker.direction import azimuth_of, log_ratio, mean_direction
from edge.speaker.envelope import Envelope, levels
from edge.speaker.memory import MAX_PERSONS, MEMORY_S, Memory, Series
from edge.speaker.model import SpeakerModel
from edge.speaker.synchrony import LAGS, LONGEST_S, features_of, lagged, motion_of, sound_between
from edge.speaker.utterances import utterance_at


def tone(hz: float, amplitude: float = 0.1, n: int = 320) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(n) / 16_000)).astype(np.float32)


def test_ten_times_the_amplitude_is_two_decades() -> None:
    soft, loud = levels(tone(1500, 0.01)), levels(tone(1500, 0.1))
    assert [b - a for a, b in zip(soft, loud, strict=True)] == pytest.approx([2.0, 2.0], abs=0.01)


def test_the_middle_band_hears_the_second_formant_and_neither_pitch_nor_hiss() -> None:
    assert levels(tone(1800))[1] > levels(tone(300))[1] + 2
    assert levels(tone(1800))[1] > levels(tone(5000))[1] + 2


def test_hum_is_no_sound_and_silence_is_finite() -> None:
    assert levels(tone(50))[0] < levels(tone(300))[0] - 1
    assert all(map(math.isfinite, levels(np.zeros(320, np.float32))))


def test_the_envelope_gives_one_level_a_step_with_its_time_speech_and_direction() -> None:
    envelope = Envelope()
    for index in range(3):
        samples = tone(500, n=160)
        assert envelope.on_step(Step(samples, index / 100, True, None, 0.25 * index, 10.0 * index)) == ()
    found = envelope.take()
    assert [one.ends_at for one in found] == pytest.approx([0.01, 0.02, 0.03])
    assert [(one.speech, one.azimuth) for one in found] == [(0.0, 0.0), (0.25, 10.0), (0.5, 20.0)]
    assert envelope.take() == ()


def test_the_envelope_forgets_sound_before_an_interruption_and_keeps_ten_seconds() -> None:
    envelope = Envelope()
    loud, silent = Step(tone(500, n=160), 0.0, True), Step(np.zeros(160, np.float32), 0.01, True)
    envelope.on_step(loud)
    envelope.on_end(None)
    for _ in range(1200):
        envelope.on_step(silent)
    found = envelope.take()
    assert len(found) == 1000
    envelope.on_step(loud)
    envelope.on_end(None)
    envelope.on_step(silent)
    assert envelope.take()[-1].level == found[-1].level


def test_a_series_keeps_some_seconds_in_order() -> None:
    series = Series()
    for step in range(2000):
        series.add(step / 100, 1.0)
    series.add(15.0, 9.0)
    rows = series.array()
    assert rows[0, 0] == pytest.approx(19.99 - MEMORY_S, abs=0.011)
    assert rows[-1].tolist() == [19.99, 1.0]


def test_a_series_is_bounded_however_fast_samples_come() -> None:
    series = Series()
    for step in range(5000):
        series.add(step * 1e-6, 1.0)
    assert len(series.array()) == memory._MAX_SAMPLES


def test_a_time_far_back_begins_a_series_anew() -> None:
    series = Series()
    series.add(100.0, 1.0)
    series.add(99.0, 2.0)
    series.add(1.0, 3.0)
    assert series.array().tolist() == [[1.0, 3.0]]


def test_who_was_seen_longest_ago_is_forgotten_first() -> None:
    kept = Memory()
    for person in range(MAX_PERSONS):
        kept.see(mouth(person, 1.0, 0.0))
    kept.see(mouth(0, 1.1, 0.0))
    kept.see(mouth(99, 1.1, 0.0))
    assert sorted(kept.mouths(0.0, 2.0)) == [0, *range(2, MAX_PERSONS), 99]


def test_only_those_seen_in_a_span_are_given() -> None:
    kept = Memory()
    kept.see(mouth(1, 1.0, 0.0))
    kept.see(mouth(2, 2.0, 0.0))
    assert list(kept.mouths(1.5, 2.5)) == [2]


def rows_of(*loud: tuple[float, float], until: float = 6.0, speech: float = 1.0) -> np.ndarray:
    steps = [step / 100 for step in range(1, round(until * 100) + 1)]
    level = [LOUD if any(a < at <= b for a, b in loud) else QUIET for at in steps]
    return np.array([(at, one, one, speech if one == LOUD else 0.0) for at, one in zip(steps, level, strict=True)])


def test_an_utterance_spans_short_pauses_and_ends_at_long_ones() -> None:
    rows = rows_of((1.0, 1.5), (1.7, 2.0), (3.0, 4.0))
    assert utterance_at(rows, 1.8, 0.0) == pytest.approx((1.0, 2.0), abs=0.03)
    assert utterance_at(rows, 3.5, 0.0) == pytest.approx((3.0, 4.0), abs=0.03)
    assert utterance_at(rows, 2.6, 0.5) is None
    assert utterance_at(rows, 2.6, 0.7) == pytest.approx((1.0, 2.0), abs=0.03)
    assert utterance_at(rows, 0.9, 5.0) is None


def test_an_utterance_contains_speech() -> None:
    assert utterance_at(rows_of((1.0, 2.0), speech=0.4), 1.5, 0.0) is None
    late = rows_of((1.0, 2.0), speech=0.0)
    late[230, 3] = 0.9  # the detector lags
    assert utterance_at(late, 1.5, 0.0) is not None
    assert utterance_at(np.zeros((0, 0)), 1.5, 0.0) is None


def test_motion_does_not_depend_on_the_size_of_the_face_nor_on_the_frame_rate() -> None:
    said = Utterance(0.5, 2.5, seed=1)
    times = np.arange(10, 70, dtype=np.float64) * 0.04

    def motion(scale: float, fps: float) -> np.ndarray:
        found = [mouth(1, i / fps, said.opening(i / fps), scale) for i in range(round(3 * fps))]
        rows = [(one.captured_at, one.gap, one.width, one.jaw, one.lower, one.scale, 0.5) for one in found]
        return motion_of(np.array(rows), times)[0]

    assert motion(30.0, 25.0) == pytest.approx(motion(90.0, 25.0))
    assert np.corrcoef(motion(60.0, 25.0)[:, 0], motion(60.0, 50.0)[:, 0])[0, 1] > 0.95


def test_a_mouth_is_not_seen_in_long_gaps_nor_before_or_after() -> None:
    at = [*np.arange(1.0, 2.0, 0.04), *np.arange(2.5, 3.0, 0.04)]
    rows = np.array([(one, 2.0, 48.0, 66.0, 36.0, 60.0, 0.5) for one in at])
    times = np.arange(0, 100, dtype=np.float64) * 0.04
    seen = motion_of(rows, times)[1]
    assert times[seen].min() == pytest.approx(1.0)
    assert times[seen].max() < 3.0
    assert not seen[(times > 2.0) & (times < 2.46)].any()


def test_lags_shift_the_motion_to_later_sound() -> None:
    motion = np.zeros((20, 4))
    motion[10, 2] = 1.0
    shifted = lagged(motion)
    assert shifted.shape == (20, 7, 4)
    assert [np.flatnonzero(shifted[:, k, 2]).tolist() for k in range(7)] == [[10 + lag] for lag in LAGS]


def test_sound_is_compared_around_what_is_loud_and_within_the_longest_span() -> None:
    rows = rows_of((2.0, 3.0))
    found = sound_between(rows, 0.0, 5.0)
    assert found is not None
    compared = found.times[found.compared]
    assert (compared.min(), compared.max()) == pytest.approx((1.88, 3.12), abs=0.05)
    long = sound_between(rows, 0.0, 6.0)
    assert long is not None
    assert long.times[0] == pytest.approx(6.0 - LONGEST_S)
    assert sound_between(rows, 7.0, 8.0) is None
    assert sound_between(np.zeros((0, 0)), 0.0, 1.0) is None


def test_synchrony_falls_when_the_mouth_is_late() -> None:
    shipped = model.load(model.path())
    said = Utterance(1.0, 3.0, seed=1)
    sound = sound_between(levels_of(said, 4.0), 0.7, 3.3)
    assert sound is not None

    def features(shift: float) -> np.ndarray:
        found = [mouth(1, i / 25, said.opening(i / 25 - shift)) for i in range(100)]
        rows = np.array([(one.captured_at, one.gap, one.width, one.jaw, one.lower, one.scale, 0.5) for one in found])
        return features_of(sound, {1: rows}, shipped.scale)[0][1]

    assert features(0.0)[1] > 3 * abs(features(0.4)[1])
    assert features(0.0)[0] == pytest.approx(features(0.4)[0], abs=0.2)


def test_who_is_seen_too_briefly_has_no_features() -> None:
    sound = sound_between(rows_of((1.0, 3.0)), 0.7, 3.3)
    assert sound is not None
    rows = np.array([(2.0 + i / 25, 2.0, 48.0, 66.0, 36.0, 60.0, 0.5) for i in range(4)])
    found, seconds = features_of(sound, {1: rows}, model.load(model.path()).scale)
    assert found == {}
    assert seconds == pytest.approx(2.2, abs=0.1)


def test_positions_become_directions() -> None:
    assert [azimuth_of(x, 62.0) for x in (0.0, 0.5, 1.0)] == pytest.approx([-31.0, 0.0, 31.0])
    assert azimuth_of(0.75, 90.0) == pytest.approx(math.degrees(math.atan(0.5)))


def test_the_mean_of_directions_is_circular() -> None:
    assert mean_direction(np.array([170.0, -170.0])) == pytest.approx(180.0)
    assert mean_direction(np.array([10.0, 20.0])) == pytest.approx(15.0)
    assert mean_direction(np.array([0.0, 180.0])) is None
    assert mean_direction(np.zeros(0)) is None


def test_a_near_direction_is_evidence_for_and_a_far_one_against() -> None:
    assert log_ratio(10.0, 10.0) > 2.0
    assert log_ratio(-179.0, 179.0) == pytest.approx(log_ratio(0.0, 2.0))
    assert log_ratio(10.0, 100.0) == pytest.approx(math.log(0.05))
    assert log_ratio(0.0, 10.0) > 0 > log_ratio(0.0, 40.0)


def test_the_shipped_file_is_small_and_says_how_it_was_made() -> None:
    file = model.path()
    parameters = model.load(file).parameters
    assert file.stat().st_size < 5_000
    assert parameters.train_command.startswith("python -m models.speaker.train")
    assert [corpus.terms for corpus in parameters.training] == ["CC BY 4.0", "ODbL 1.0, DbCL 1.0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0]}, "not edge-emotion/speaker/1"),
        ({"schema": "edge-emotion/speaker/9"}, "not edge-emotion/speaker/1"),
        ({"drive": [[[0.0, 0.0]]] * 7}, r"not the shape \(7, 4, 2\)"),
        ({"rise": [0.0, 1.0]}, "> 0"),
        ({"least_person": 1.5}, "<= 1"),
        ({"more": 1}, "unknown field"),
    ],
)
def test_a_file_with_wrong_numbers_is_refused_in_one_line(tmp_path: Path, change: dict, message: str) -> None:
    numbers = msgspec.json.decode(model.path().read_bytes()) | change
    file = tmp_path / "speaker.json"
    file.write_bytes(msgspec.json.encode(numbers))
    with pytest.raises(ModelError, match=message) as caught:
        model.load(file)
    assert "\n" not in str(caught.value)


def test_a_missing_or_huge_file_or_one_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="whole installation"):
        model.load(tmp_path / "none.json")
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * (model.MAX_BYTES + 1))
    with pytest.raises(ModelError, match="larger"):
        model.load(huge)
    huge.write_bytes(b"{")
    with pytest.raises(ModelError, match="speaker model"):
        model.load(huge)


def test_probabilities_add_up_and_other_evidence_counts() -> None:
    shipped = SpeakerModel(model.load(model.path()).parameters)
    features = np.array([[1.4, 0.8], [1.4, 0.0], [0.1, 0.0]])
    plain = shipped.probabilities(features, 1.0)
    assert plain.sum() == pytest.approx(1.0)
    assert plain.argmax() == 1
    assert shipped.probabilities(features, 1.0, np.array([0.0, 6.0, 0.0])).argmax() == 2


def test_levels_without_speech_are_kept_as_such() -> None:
    kept = Memory()
    kept.hear(heard(1.0, LOUD))
    kept.hear(heard(1.01, QUIET, azimuth=12.0))
    assert kept.sound.array()[:, 3].tolist() == [1.0, 0.0]
    assert kept.azimuth.array().tolist() == [[1.01, 12.0]]
