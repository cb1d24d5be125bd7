"""Each tracked person has a state of their own, which lives exactly as long as the tracker remembers the person."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Collection

import pytest
from support.fusion_numbers import PRIOR, STALE_FACE_S, STALE_VOICE_S, parameters

from edge import config
from edge.emotions import COUNT, LABELS
from edge.face import tracker
from edge.fusion.fusion import FORGET_AFTER_S, MAX_PERSONS, SCENE, Fusion
from edge.fusion.history import MAX_SPANS
from edge.fusion.speakers import SpeakerError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Attribution, Contribution, Estimate, Observation, OtherPerson, Perceived, Sense

OFF_SCREEN = Attribution("off_screen", confidence=0.9)
UNKNOWN = Attribution("unknown", confidence=0.4)
UNAVAILABLE = Attribution("unavailable")


def posterior(label: str, p: float = 0.8) -> tuple[float, ...]:
    return tuple(p if name == label else (1 - p) / (COUNT - 1) for name in LABELS)


def face(label: str, at: float, person: int, p: float = 0.8) -> Observation:
    return Observation("face", at, posterior(label, p), 0.9, person)


def heard(
    sense: Sense, label: str, at: float, attribution: Attribution | None = None, speaker: str | None = None
) -> Observation:
    person = attribution.person if attribution else 0
    return Observation(sense, at, posterior(label), 0.9, person, attribution=attribution, speaker=speaker)


def by(person: int) -> Attribution:
    return Attribution("person", person, 0.9)


class Scene:
    """A fusion with what is seen and heard at one moment after the other."""

    def __init__(self, **settings: object) -> None:
        self.registry = Registry()
        self.fusion = Fusion(config.Fusion(**settings), registry=self.registry, numbers=parameters())  # type: ignore[arg-type]

    def see(self, at: float, *faces: Observation, attended: int | None = None, live: Collection[int] = ()) -> None:
        """A frame. The tracker remembers `live` and those whose faces are seen."""
        remembered = frozenset(live) | {seen.person for seen in faces}
        self.fusion.take(Perceived("face", faces, attended=attended, live=remembered), at)

    def hear(self, observation: Observation) -> None:
        self.fusion.take(Perceived(observation.sense, (observation,)), observation.captured_at)

    def of(self, now: float) -> dict[int, Estimate]:
        return {one.person: one for one in self.fusion.estimates(now)}

    def count(self, counter: object) -> int:
        return self.registry.count(counter)  # type: ignore[arg-type]


def part(estimate: Estimate, sense: Sense) -> Contribution:
    return next(each for each in estimate.contributions if each.sense == sense)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_everyone_has_an_estimate_the_attended_person_first_and_the_scene_last(scene: Scene) -> None:
    for tick in range(10):
        at = tick * 0.1
        scene.see(at, face("anger", at, 7), face("happiness", at, 2), face("sadness", at, 5), attended=7)
        estimates = scene.fusion.estimates(at)
    assert [(one.person, one.label) for one in estimates] == [
        (7, "anger"),
        (2, "happiness"),
        (5, "sadness"),
        (SCENE, "neutral"),
    ]
    first = estimates[0]
    assert first.others == tuple(OtherPerson(one.person, one.label, one.confidence) for one in estimates[1:3])
    assert {one.others for one in estimates[1:]} == {()}
    assert scene.registry.snapshot().gauges[catalogue.FUSION_PERSONS] == 3.0


def test_without_an_attended_person_the_scene_comes_first_and_once(scene: Scene) -> None:
    scene.see(0.0, face("anger", 0.0, 7), face("happiness", 0.0, 2))
    estimates = scene.fusion.estimates(0.0)
    assert [one.person for one in estimates] == [SCENE, 2, 7]
    assert [one.person for one in estimates[0].others] == [2, 7]


def test_attending_somebody_else_and_coming_back_restarts_nothing(scene: Scene) -> None:
    for tick in range(10):
        scene.see(tick * 0.1, face("anger", tick * 0.1, 1), face("happiness", tick * 0.1, 2), attended=1)
        before = scene.of(tick * 0.1)
    scene.see(1.0, attended=2, live=(1, 2))
    first, *_ = scene.fusion.estimates(1.0)
    assert (first.person, first.label, first.since) == (2, "happiness", before[2].since)
    assert part(first, "face").age == pytest.approx(0.1)
    scene.see(1.1, attended=1, live=(1, 2))
    first, *_ = scene.fusion.estimates(1.1)
    assert (first.person, first.label, first.since) == (1, "anger", before[1].since)
    assert part(first, "face").posterior == part(before[1], "face").posterior


def test_a_person_out_of_sight_keeps_everything_while_the_tracker_remembers(scene: Scene) -> None:
    scene.see(0.0, face("fear", 0.0, 4), attended=4)
    scene.hear(heard("voice", "fear", 0.1, by(4)))
    assert scene.of(0.2)[4].label == "fear"
    for tick in range(1, 20):
        scene.see(tick * 0.25, live=(4,))
        during = scene.of(tick * 0.25)
    assert part(during[4], "face").missing == "stale"
    assert part(during[4], "voice").missing is None
    scene.see(5.0, face("fear", 5.0, 4), attended=4)
    back = scene.of(5.0)[4]
    assert part(back, "voice").age == pytest.approx(4.9)
    assert [span.label for span in scene.fusion.history(4)][-1] == "fear"


def test_a_forgotten_person_is_erased_from_memory(scene: Scene) -> None:
    scene.see(0.0, face("fear", 0.0, 4), face("anger", 0.0, 5), attended=4)
    scene.hear(heard("voice", "fear", 0.1, by(4)))
    scene.fusion.name_speaker("Anna", 4)
    assert set(scene.of(0.2)) == {4, 5, SCENE}
    person = weakref.ref(scene.fusion._persons[4])
    evidence = weakref.ref(scene.fusion._persons[4].senses["voice"].evidence)
    scene.see(0.3, live=(5,))
    gc.collect()
    assert person() is None
    assert evidence() is None
    assert set(scene.of(0.4)) == {5, SCENE}
    assert scene.fusion.estimates(0.4)[0].person == SCENE
    assert scene.fusion.history(4) == ()
    assert scene.count(catalogue.FUSION_PERSONS_ERASED) == 1
    words = Perceived("words", (heard("words", "anger", 0.5, speaker="Anna"),))
    assert scene.fusion.resolve(words) is words
    # The same number would be another person, who begins with nothing.
    scene.see(0.5, face("neutral", 0.5, 4, p=0.2), live=(4, 5), attended=4)
    assert part(scene.of(0.5)[4], "voice").missing == "silence"


def test_nobody_is_erased_by_a_sense_that_does_not_track(scene: Scene) -> None:
    scene.see(0.0, face("fear", 0.0, 4), attended=4)
    scene.fusion.take(Perceived("face", condition="a model failed", failed=True), 0.1)
    scene.hear(heard("voice", "fear", 0.1))
    assert set(scene.of(0.2)) == {4, SCENE}


def test_without_news_of_a_person_the_memory_ends_by_itself(scene: Scene) -> None:
    assert FORGET_AFTER_S > tracker.MEMORY_S
    scene.see(0.0, face("fear", 0.0, 4), attended=4)
    scene.of(0.0)
    scene.see(3.0, live=(4,), attended=4)
    scene.of(3.0)
    assert set(scene.of(3.0 + FORGET_AFTER_S)) == {4, SCENE}
    assert set(scene.of(3.0 + FORGET_AFTER_S + 0.01)) == {SCENE}
    assert scene.count(catalogue.FUSION_PERSONS_ERASED) == 1


def test_attention_alone_keeps_a_person_and_a_lost_one_gets_none(scene: Scene) -> None:
    for tick in range(30):
        scene.fusion.take(Perceived("face", attended=4))
        assert scene.fusion.estimates(tick * 1.0)[0].person == 4
    scene.see(30.0, live=(5,), attended=4)
    assert scene.fusion.estimates(30.0)[0].person == SCENE
    for bad in (0, -3, 2**60):
        scene.fusion.take(Perceived("face", attended=bad))
        assert scene.fusion.estimates(30.1)[0].person == SCENE


def test_no_attended_person_leaves_attention_as_it_is(scene: Scene) -> None:
    scene.see(0.0, face("anger", 0.0, 4), attended=4)
    scene.see(0.1, live=(4,))
    assert scene.fusion.estimates(0.1)[0].person == 4


def test_a_voice_goes_to_whom_it_belongs_and_to_nobody_else(scene: Scene) -> None:
    scene.see(0.0, face("neutral", 0.0, 1), face("neutral", 0.0, 2), attended=1)
    scene.hear(heard("voice", "anger", 0.1, by(2)))
    scene.hear(heard("words", "sadness", 0.1, OFF_SCREEN))
    found = scene.of(0.2)
    assert part(found[2], "voice").attribution == by(2)
    assert part(found[2], "voice").missing is None
    assert part(found[1], "voice").missing == part(found[SCENE], "voice").missing == "somebody else"
    assert part(found[SCENE], "words").missing is None
    assert part(found[SCENE], "words").attribution == OFF_SCREEN
    assert part(found[1], "words").missing == part(found[2], "words").missing == "somebody else"


@pytest.mark.parametrize("attribution", [OFF_SCREEN, UNKNOWN])
@pytest.mark.parametrize("sense", ["voice", "words"])
def test_who_cannot_be_seen_speaking_changes_no_face(scene: Scene, sense: Sense, attribution: Attribution) -> None:
    scene.see(0.0, face("neutral", 0.0, 1), attended=1)
    alone = scene.of(0.0)[1]
    for _ in range(10):
        scene.hear(heard(sense, "anger", 0.0, attribution))
    found = scene.of(0.0)
    assert found[1].posterior == alone.posterior
    assert found[SCENE].label == "anger"


@pytest.mark.parametrize("attribution", [None, UNAVAILABLE])
def test_a_voice_of_which_nothing_can_be_said_counts_for_the_attended_person(
    scene: Scene, attribution: Attribution | None
) -> None:
    scene.see(0.0, face("neutral", 0.0, 1, p=0.3), face("neutral", 0.0, 2, p=0.3), attended=1)
    scene.hear(heard("voice", "anger", 0.0, attribution))
    found = scene.of(0.0)
    assert found[1].label == found[SCENE].label == "anger"
    assert part(found[1], "voice").attribution == attribution
    assert part(found[2], "voice").missing == "not attended to"
    # It follows the attention, since it is nobody's.
    scene.see(0.1, attended=2, live=(1, 2))
    found = scene.of(0.1)
    assert part(found[2], "voice").missing is None
    assert part(found[1], "voice").missing == "not attended to"


def test_once_voices_are_attributed_an_old_one_of_nobody_gives_way(scene: Scene) -> None:
    scene.see(0.0, face("neutral", 0.0, 1, p=0.3), attended=1)
    scene.hear(heard("voice", "anger", 0.0, UNAVAILABLE))
    assert scene.of(0.1)[1].label == "anger"
    scene.hear(heard("voice", "happiness", 1.0, by(1)))
    found = scene.of(1.0)
    assert part(found[1], "voice").posterior is not None
    assert found[1].label == "happiness"
    scene.hear(heard("voice", "sadness", 2.0, UNAVAILABLE))
    newest = part(scene.of(2.0)[1], "voice")
    assert newest.attribution == UNAVAILABLE
    assert newest.posterior is not None
    assert newest.posterior[LABELS.index("sadness")] > newest.posterior[LABELS.index("happiness")]
    scene.see(2.0 + STALE_VOICE_S, live=(1,))
    assert part(scene.of(2.0 + STALE_VOICE_S)[1], "voice").missing is None
    assert part(scene.of(2.0 + STALE_VOICE_S + 0.1)[1], "voice").missing == "stale"


def test_the_reason_tells_somebody_else_from_silence(scene: Scene) -> None:
    scene.see(0.0, face("neutral", 0.0, 1), face("neutral", 0.0, 2), attended=1)
    assert part(scene.of(0.0)[2], "voice").missing == "silence"
    scene.hear(heard("voice", "anger", 0.0, UNAVAILABLE))
    assert part(scene.of(0.1)[2], "voice").missing == "not attended to"
    scene.hear(heard("voice", "anger", 0.1, by(1)))
    assert part(scene.of(0.2)[2], "voice").missing == "somebody else"
    assert part(scene.of(0.2)[2], "words").missing == "no words"
    scene.fusion.report("voice", "silence")
    assert part(scene.of(0.3)[2], "voice").missing == "silence"
    scene.fusion.report("voice", None)
    scene.see(0.1 + STALE_VOICE_S, live=(1, 2))
    assert part(scene.of(0.1 + STALE_VOICE_S)[2], "voice").missing == "somebody else"
    assert part(scene.of(0.2 + STALE_VOICE_S)[2], "voice").missing == "silence"
    assert part(scene.of(0.2 + STALE_VOICE_S)[1], "voice").missing == "stale"


@pytest.mark.parametrize(("attribution", "label"), [(None, "anger"), (UNAVAILABLE, "anger"), (OFF_SCREEN, "neutral")])
def test_who_was_heard_before_being_seen_keeps_the_label_unless_somebody_else_was_heard(
    scene: Scene, attribution: Attribution | None, label: str
) -> None:
    scene.hear(heard("voice", "anger", 0.0, attribution))
    assert scene.fusion.estimates(0.0)[0].label == "anger"
    scene.see(0.1, face("neutral", 0.1, 1), attended=1)
    assert scene.fusion._persons[1].emotions.label == label


def test_a_second_person_takes_over_nothing(scene: Scene) -> None:
    scene.hear(heard("voice", "anger", 0.0))
    scene.of(0.0)
    scene.see(0.1, face("neutral", 0.1, 1), attended=1)
    scene.see(0.2, face("neutral", 0.2, 2), attended=2, live=(1, 2))
    assert scene.fusion._persons[2].emotions.label == "neutral"


def test_words_of_a_named_speaker_go_to_the_person(scene: Scene) -> None:
    scene.see(0.0, face("neutral", 0.0, 1), face("neutral", 0.0, 2), attended=1)
    with pytest.raises(SpeakerError, match="no person 3"):
        scene.fusion.name_speaker("Anna", 3)
    scene.fusion.name_speaker("Anna", 2)
    words = Perceived("words", (heard("words", "sadness", 0.1, speaker="Anna"),))
    resolved = scene.fusion.resolve(words)
    assert resolved.observations[0].person == 2
    scene.fusion.take(resolved, 0.1)
    found = scene.of(0.1)
    assert part(found[2], "words").missing is None
    assert {part(found[one], "words").missing for one in (1, SCENE)} == {"somebody else"}


def test_a_face_without_a_track_is_that_of_the_attended_person_or_of_the_scene(scene: Scene) -> None:
    scene.fusion.take(Perceived("face", (Observation("face", 0.0, posterior("anger"), 0.9),)))
    assert scene.of(0.0)[SCENE].label == "anger"
    scene.see(0.1, face("neutral", 0.1, 3), attended=3)
    scene.fusion.take(Perceived("face", (Observation("face", 0.2, posterior("fear", 0.99), 0.9),)))
    assert part(scene.of(0.2)[3], "face").age == 0.0


def test_the_label_has_the_time_at_which_it_began(scene: Scene) -> None:
    for tick in range(100):
        at = tick * 0.1
        scene.see(at, face("happiness" if at < 5 else "anger", at, 1), attended=1)
        estimate = scene.fusion.estimates(at)[0]
    assert estimate.label == "anger"
    assert estimate.since is not None
    assert 5.0 <= estimate.since < 6.5
    spans = scene.fusion.history(1)
    assert [span.label for span in spans] == ["happiness", "anger"]
    assert spans[0].since == 0.0
    assert spans[0].until == pytest.approx(spans[1].since - 0.1)
    assert scene.fusion.history(SCENE)[0].label == "neutral"


def test_history_is_bounded(scene: Scene) -> None:
    for tick in range(400):
        at = tick * 3.0
        scene.see(at, face("happiness" if tick % 2 else "anger", at, 1, p=0.95), attended=1)
        scene.of(at)
    assert len(scene.fusion.history(1)) == MAX_SPANS + 1


def test_a_person_without_evidence_has_the_prior(scene: Scene) -> None:
    scene.see(0.0, face("anger", 0.0, 1), attended=1)
    scene.see(STALE_FACE_S + 0.1, live=(1,))
    assert scene.of(STALE_FACE_S + 0.1)[1].posterior == pytest.approx(PRIOR)


def test_persons_are_bounded_and_the_attended_one_stays(scene: Scene) -> None:
    scene.fusion.take(Perceived("face", (face("anger", 0.0, 1),), attended=1))
    for number in range(2, 2000):
        scene.fusion.take(Perceived("face", (face("fear", 0.1, number),)))
        assert len(scene.fusion._persons) <= MAX_PERSONS
    estimates = scene.fusion.estimates(0.1)
    assert [one.person for one in estimates] == [1, *range(2000 - (MAX_PERSONS - 1), 2000), SCENE]
    assert scene.count(catalogue.FUSION_PERSONS_DROPPED) == 1999 - MAX_PERSONS
