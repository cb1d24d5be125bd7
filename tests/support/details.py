"""The `detail` of an observation under the type that its sense gives it."""

from __future__ import annotations

from edge.detail import FaceDetail, KeywordDetail, VoiceDetail
from edge.observation import Observation


def face_detail(seen: Observation) -> FaceDetail:
    assert isinstance(seen.detail, FaceDetail)
    return seen.detail


def voice_detail(seen: Observation) -> VoiceDetail:
    assert isinstance(seen.detail, VoiceDetail)
    return seen.detail


def keyword_detail(seen: Observation) -> KeywordDetail:
    assert isinstance(seen.detail, KeywordDetail)
    return seen.detail
