"""Training of the small voice network: batches with baselines and a teacher, the nets, and what is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.voice.baseline import trust
from edge.voice.logmel import BANDS, FRAMES
from edge.voice.packed import SIZE as FEATURES
from edge.voice.standardizer import SIZE, Standardizer
from models.voice.clips import Clip
from models.voice.data import LEVELS
from models.voice.protocols.folds import OUTPUTS, SHARED, head
from models.voice.small.augment import timed
from models.voice.small.variants import KINDS, Material
from models.voice.utterances import of

pytest.importorskip("keras")

SPEAKERS = ("02", "03", "08")


def material(clips: int = 12) -> Material:
    """Clips of three actors of RAVDESS, each with a class of its own in every other clip."""
    names = ("happy", "sad", "angry", "fearful")
    shown = [
        Clip("RAVDESS", speaker, names[i % 4], lambda: np.zeros(0, np.float32), f"03-01-01-01-{i}-{speaker}")
        for speaker in SPEAKERS
        for i in range(clips)
    ]
    rng = np.random.default_rng(0)
    count = len(shown)
    mels = rng.integers(1, LEVELS + 1, (count, FRAMES, BANDS)).astype(np.uint8)
    mels[:, 100:] = 0
    values = rng.normal(size=(count, SIZE)).astype(np.float32)
    times = np.tile(np.array([1, 0], np.float32), (count, 1))
    return Material(of(shown), [mels] * len(KINDS), [values] * len(KINDS), [times] * len(KINDS))


def teacher(shown: Material):  # type: ignore[no-untyped-def]
    from models.voice.small.net import TEACHER
    from models.voice.small.teacher import Teacher

    # Each frame of a clip tells its clip and its place.
    frames = np.zeros((len(shown) * 150, TEACHER), np.float16)
    frames[:, 0] = np.repeat(np.arange(len(shown)), 150)
    frames[:, 1] = np.tile(np.arange(150), len(shown))
    rng = np.random.default_rng(1)
    return Teacher(
        frames,
        np.arange(len(shown) + 1) * 150,
        rng.normal(size=(len(shown), TEACHER)).astype(np.float32),
        rng.normal(size=(len(shown), 40)).astype(np.float16),
    )


def lesson(shown: Material):  # type: ignore[no-untyped-def]
    from models.voice.small.batches import Lesson
    from models.voice.training.heads import targets

    rows = np.arange(len(shown))
    standard = Standardizer(np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32))
    affect = np.zeros((len(rows), 2), np.float32)
    return Lesson(shown, rows, targets(shown.spoken), affect, teacher(shown), standard)


def test_a_baseline_is_made_of_other_clips_of_the_same_speaker() -> None:
    from models.voice.small.batches import ABSENT, baselines

    rng = np.random.default_rng(2)
    speakers, rows = np.repeat(np.arange(6), 10), np.arange(60)
    rows[1] = rows[0]  # a clip drawn twice
    labels = np.eye(OUTPUTS, dtype=np.float32)[rng.integers(0, 4, 60)]
    absent, kinds = [], []
    for _ in range(40):
        found = baselines(speakers, labels, rows, rng)
        assert not (found[speakers[:, None] != speakers]).any()
        assert not np.diag(found).any()
        assert found[0, 1] == found[1, 0] == 0
        counts = np.count_nonzero(found, axis=1)
        np.testing.assert_allclose(found.sum(1), [trust(int(count)) for count in counts], rtol=1e-6)
        absent.append((counts == 0).mean())
        kinds += [len(set(labels[row > 0].argmax(1))) for row, count in zip(found, counts, strict=True) if count > 2]
    assert np.mean(absent) == pytest.approx(ABSENT, abs=0.05)
    # Some baselines are of one emotion, most are not.
    assert 0.1 < np.mean(np.array(kinds) == 1) < 0.6


def test_mixing_keeps_the_sum_and_half_of_the_clips() -> None:
    from models.voice.small.batches import MIXUP_SHARE, mixed

    rng = np.random.default_rng(3)
    found = np.stack([mixed(50, rng) for _ in range(40)])
    np.testing.assert_allclose(found.sum(2), 1, rtol=1e-5)
    assert (np.diagonal(found, axis1=1, axis2=2) == 1).mean() == pytest.approx(1 - MIXUP_SHARE, abs=0.08)


def test_a_batch_has_several_clips_of_each_speaker_and_the_teachers_frames() -> None:
    from models.voice.small.batches import BATCH, CLIPS, Batches
    from models.voice.small.net import STEPS, TEACHER

    shown = material()
    batches = Batches(lesson(shown), 5)
    (features, baselines, mixing), (labels, affect, frames, clip) = batches[0]
    assert features.shape == (BATCH, FEATURES)
    assert np.isfinite(features).all()
    assert baselines.shape == mixing.shape == (BATCH, BATCH)
    assert (labels.shape, affect.shape) == ((BATCH, OUTPUTS), (BATCH, 2))
    assert frames.shape == (BATCH, STEPS, TEACHER + 1)
    assert clip.shape == (BATCH, TEACHER + 1)
    rows = batches.order(np.random.default_rng((5, 0)))[:BATCH]
    speakers = shown.spoken.speakers[rows].reshape(-1, CLIPS)
    assert (speakers == speakers[:, :1]).all()
    # The 100 frames with sound are 25 steps; each knows the frame of the teacher at its centre.
    known = frames[..., -1] > 0
    assert known[:, :25].all()
    assert not known[:, 25:].any()
    np.testing.assert_array_equal(frames[:, 0, 0], rows)
    centres = (4 * np.arange(25) + 3) * 256 / 16_000 / 0.02
    np.testing.assert_allclose(frames[0, :25, 1], np.rint(centres))
    again = Batches(lesson(shown), 5)[0]
    np.testing.assert_array_equal(again[0][0], features)


@pytest.mark.parametrize("seed", range(6))
def test_the_time_of_an_augmented_clip_is_known(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mel = np.zeros((BANDS, FRAMES), np.float32)
    mel[:, :150] = 0.3
    bursts = np.array([20, 60, 100, 140])
    mel[10:50, bursts] = 1.0
    found, (rate, start) = timed(mel, rng)
    level = found[15:45].mean(0)
    loud = [i for i in range(1, FRAMES - 1) if level[i] > 0.75 and level[i] >= max(level[i - 1], level[i + 1])]
    assert loud
    for frame in loud:
        assert np.abs(bursts - (rate * frame + start)).min() < 1.5


def test_softmax_regression_tells_separable_classes_and_leaves_other_heads_alone() -> None:
    from models.voice.small.softmax_regression import regression

    rng = np.random.default_rng(4)
    truth = rng.integers(0, 7, 700)
    values = (np.eye(7)[truth] * 3 + rng.normal(size=(700, 7))).astype(np.float32)
    targets = np.zeros((700, OUTPUTS), np.float32)
    targets[np.arange(700), head(SHARED).start + truth] = 1
    kernel, bias = regression(values, targets)
    logits = values @ kernel + bias
    assert (logits[:, head(SHARED)].argmax(1) == truth).mean() > 0.85
    assert not np.any(logits[:, head("RAVDESS")])


def test_posteriors_of_the_teacher_are_those_of_speakers_it_has_not_heard() -> None:
    from models.voice.small import teacher as teachers
    from models.voice.training.heads import targets

    shown, rng = material(), np.random.default_rng(6)
    taught = teacher(shown)
    hard = targets(shown.spoken)
    rows = np.arange(len(shown))
    before = teachers.posteriors(taught, shown, rows, hard, 0)
    # What a speaker's clips are labelled changes nothing in the posteriors of that speaker's clips.
    own = shown.spoken.speakers == shown.spoken.speakers[0]
    other = hard.copy()
    other[own] = hard[own][rng.permutation(own.sum())]
    after = teachers.posteriors(taught, shown, rows, other, 0)
    np.testing.assert_allclose(after[own], before[own], atol=1e-5)
    assert not np.allclose(after[~own], before[~own], atol=1e-3)


def test_the_baseline_reaches_the_logits_and_never_the_embedding() -> None:
    from models.voice.small import net as small

    net = small.device(small.trunk(), small.head(7))
    rng = np.random.default_rng(7)
    features = rng.normal(size=(1, FEATURES)).astype(np.float32)
    one = rng.normal(size=(1, small.EMBEDDING)).astype(np.float32)

    def run(baseline: NDArray[np.float32], trusted: float) -> list[NDArray[np.float32]]:
        return [np.asarray(value) for value in net([features, baseline, np.full((1, 1), trusted, np.float32)])]

    nothing, untrusted, known = run(0 * one, 0), run(one, 0), run(one, 0.8)
    np.testing.assert_allclose(untrusted[0], nothing[0], atol=1e-5)
    assert not np.allclose(known[0], nothing[0], atol=1e-3)
    np.testing.assert_allclose(known[1], nothing[1], atol=1e-5)
    assert np.abs(known[2]).max() <= 1


@pytest.mark.slow
def test_training_resumes_where_it_was_and_shares_the_layers_of_the_pupil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.voice.small import batches, student

    monkeypatch.setattr(batches, "EPOCH", 1)
    shown = lesson(material())
    net = student.train(shown, 2, 1, tmp_path / "run")
    before = [np.array(value) for value in net.trunk.get_weights()]
    again = student.train(shown, 2, 1, tmp_path / "run")
    for one, other in zip(before, again.trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    finished = student.finish(net, shown, 1, 1, tmp_path / "run")
    after = finished.trunk.get_weights()
    changed = [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    # Both parts of the embedding have learnt, and none of the convolutions.
    assert sum(changed) > 1
    convolutions = [i for i, one in enumerate(before) if one.ndim == 3]
    assert len(convolutions) == 4
    assert not any(changed[i] for i in convolutions)
    third = student.finish(student.train(shown, 2, 1, tmp_path / "run"), shown, 1, 1, tmp_path / "run")
    for one, other in zip(after, third.trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
