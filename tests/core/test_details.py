"""The fields of `detail` in observations are described in their schemas with unit and range."""

from __future__ import annotations

import json
from collections import defaultdict

import jsonschema
import pytest

pytest.importorskip("av", reason="no PyAV here (pip install 'edge-emotion[media]')")

from edge import clip
from edge.clock import REPLAY
from edge.config import Config
from edge.observation import SENSES, Observation
from edge.publish import schema
from edge.publish.encoding import encode, observation_payload
from edge.runtime import senses
from edge.runtime.replay import replay
from edge.sources.media import MediaFile
from edge.sources.transcripts import read_transcript_file

SPOTTED = {"keyword", "intent"}
"""Fields of a keyword spotted in sound, which needs an extra."""


def test_every_field_that_the_senses_send_for_the_clip_is_described() -> None:
    config = Config()
    contracts = {sense: json.loads(schema.text(sense)) for sense in SENSES}
    carried: dict[str, set[str]] = defaultdict(set)
    with MediaFile(clip.path()) as media:
        for item in replay(media, senses.build(config), config, read_transcript_file(clip.transcripts())):
            if isinstance(item, Observation):
                message = json.loads(encode(observation_payload(item, REPLAY)))
                carried[item.sense] |= set(message["detail"])
                jsonschema.validate(message, contracts[item.sense])
    for sense, contract in contracts.items():
        described = contract["properties"]["detail"]["properties"]
        assert described.keys() - SPOTTED == carried[sense] - SPOTTED
        assert all(described[key]["description"] for key in described)


@pytest.mark.parametrize("sense", SENSES)
def test_a_detail_out_of_its_range_breaks_the_schema_and_an_unknown_one_does_not(sense: str) -> None:
    detail = json.loads(schema.text(sense))["properties"]["detail"]
    share = {"face": "sharpness", "voice": "speech", "words": "coverage"}[sense]
    jsonschema.validate({share: 0.5, "of another version": "x"}, detail)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({share: 1.5}, detail)
