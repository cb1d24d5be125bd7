from __future__ import annotations

import pytest

from edge.observation import SENSES
from edge.publish.topics import Topics, parse


def test_every_topic_of_a_device() -> None:
    topics = Topics("emotion", "robot-1")
    assert topics.availability == "emotion/robot-1/availability"
    assert topics.info == "emotion/robot-1/info"
    assert topics.state == "emotion/robot-1/state"
    assert topics.health == "emotion/robot-1/health"
    assert topics.transcript == "emotion/robot-1/words/transcript"
    assert [topics.sense(sense) for sense in SENSES] == [topics.face, topics.voice, topics.words]
    assert topics.voice == "emotion/robot-1/voice"


@pytest.mark.parametrize("level", ["", "a/b", "+", "#", "a b", "ä", "a\n", "x" * 65, "$\x00"])
def test_a_level_is_plain(level: str) -> None:
    with pytest.raises(ValueError, match=r"the device .* is no topic level"):
        Topics("emotion", level)
    with pytest.raises(ValueError, match=r"the prefix .* is no topic level"):
        Topics(level, "robot")


def test_no_topic_for_no_sense() -> None:
    with pytest.raises(ValueError, match="no sense 'smell'"):
        Topics("emotion", "robot").sense("smell")  # type: ignore[arg-type]


def test_parse_is_the_way_back() -> None:
    topics = Topics("emotion", "robot")
    assert parse(topics.state, "emotion") == ("robot", "state")
    assert parse(topics.response("transcript"), "emotion") == ("robot", "response/transcript")
    assert parse(topics.transcript, "emotion") == ("robot", "words/transcript")


@pytest.mark.parametrize(
    "topic", ["mood/robot/state", "emotion/robot", "emotion/robot/", "emotion//state", "emotion", ""]
)
def test_foreign_topics(topic: str) -> None:
    assert parse(topic, "emotion") is None
