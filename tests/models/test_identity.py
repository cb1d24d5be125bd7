"""IDF1 and switches on cases small enough to count by hand; the scenes that the tracker is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.face.boxes import Box
from models.face.protocols import actors, rendering, scenes
from models.face.protocols.identity import IdentityScore, Moment, score
from models.face.protocols.tracking import clips, measure, noisy, table

A, B = Box(0, 0, 10, 10), Box(50, 0, 10, 10)
NOWHERE = Box(500, 500, 10, 10)


def test_ids_that_hold_are_worth_everything() -> None:
    result = score([Moment({0: A, 1: B}, (), {7: A, 9: B})] * 5)
    assert (result.right, result.truth, result.tracked, result.found, result.switches) == (10, 10, 10, 10, 0)
    assert result.idf1 == result.recall == 1


def test_an_identity_swap_costs_all_later_frames() -> None:
    before, after = Moment({0: A, 1: B}, (), {1: A, 2: B}), Moment({0: A, 1: B}, (), {2: A, 1: B})
    result = score([before] * 6 + [after] * 4)
    assert result.switches == 2
    assert result.idf1 == pytest.approx(0.6)
    assert result.recall == 1


def test_an_id_that_is_lost_for_a_new_one_costs_the_shorter_part() -> None:
    result = score([Moment({0: A}, (), {1: A})] * 3 + [Moment({0: A}, (), {})] + [Moment({0: A}, (), {2: A})] * 6)
    assert (result.switches, result.right, result.truth, result.tracked) == (1, 6, 10, 9)


def test_missed_and_invented_faces_cost_but_hidden_ones_do_not() -> None:
    assert score([Moment({0: A, 1: B}, (), {1: A})]).idf1 == pytest.approx(2 / 3)
    assert score([Moment({0: A}, (), {1: A, 2: NOWHERE})]).idf1 == pytest.approx(2 / 3)
    assert score([Moment({0: A}, (B,), {1: A, 2: B})]).idf1 == 1


def test_scores_add_up() -> None:
    one, two = score([Moment({0: A}, (), {1: A})]), score([Moment({0: A}, (), {})])
    assert (one + two).idf1 == pytest.approx(2 / 3)
    assert IdentityScore().idf1 == 0


def test_noise_misses_few_and_moves_little() -> None:
    rng = np.random.default_rng(0)
    face = rendering.Seen(0, Box(100, 100, 80, 80), 1.0)
    found = [noisy([face], rng) for _ in range(500)]
    assert 0.94 < sum(map(len, found)) / 500 < 0.99
    assert min(one[0].box.iou(face.box) for one in found if one) > 0.6
    assert noisy([rendering.Seen(0, face.box, 0.1)], rng) == []


@pytest.mark.corpora
def test_a_scene_shows_each_person_at_the_true_box(corpora: Path) -> None:
    folder = corpora / "face/landmarks68"
    rng = np.random.default_rng(0)
    names = list(actors.videos(folder))[:2]
    plan = scenes.SCENES["crossing"](rng)
    shots = list(rendering.play(plan, actors.cast(folder, names), rng, rate=4))
    assert len(shots) == round(4 * plan.seconds)
    assert {seen.person for seen in shots[0].faces} == {0, 1}
    assert all(seen.visible > 0.8 for seen in shots[0].faces)
    # In the middle of the crossing the farther one is hidden.
    assert min(seen.visible for shot in shots for seen in shot.faces) < 0.3
    near = [shot.faces[0].box for shot in shots]
    patches = [shot.image[int(box.top) :, int(box.left) :][:60, :60] for shot, box in zip(shots, near, strict=True)]
    assert np.abs(patches[0].astype(int).mean() - patches[-1].astype(int).mean()) < 40


@pytest.mark.corpora
def test_the_tracker_is_better_than_overlap_on_scenes(corpora: Path) -> None:
    folder = corpora / "face/landmarks68"
    results = measure(clips(folder, 2, seed=5, kinds=("crossing", "occlusion")), ["truth"], seed=5)
    tracker, overlap = (
        sum((s for (_, name, _), scores in results.items() if name == wanted for s in scores), IdentityScore())
        for wanted in ("place and looks", "overlap")
    )
    assert tracker.idf1 > overlap.idf1 + 0.05
    assert tracker.idf1 > 0.8
    assert "| truth | place and looks |" in table(results)
