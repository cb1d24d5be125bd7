"""What an observation carries in `detail`: one frozen type for each kind of observation.

The field names and their order are those of the JSON, and the JSON Schemas are made from these types. A field that is
`UNSET` is absent from the JSON; `None` is written as null.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

Factor: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Amount: TypeAlias = Annotated[float, Meta(ge=0)]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


class FaceDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One face in one frame. The fields from `yaw` on are set where landmarks are enabled, all of them together."""

    box: Annotated[
        Box,
        Meta(description="where the face is: left, top, width and height in pixels of the picture that is looked at"),
    ]
    attended: Annotated[bool, Meta(description="whether this is the person whom `state` is about")]
    detector: Annotated[str, Meta(description="which detector found the face: `blazeface` or `haar`")]
    size: Annotated[Factor, Meta(description="part of the quality, 0…1: pixels across the face")]
    sharpness: Annotated[Factor, Meta(description="part of the quality, 0…1: how sharp the face is")]
    light: Annotated[Factor, Meta(description="part of the quality, 0…1: contrast, and how little is black or white")]
    detection: Annotated[Factor, Meta(description="part of the quality, 0…1: the detector's score")]
    frontal: Annotated[Factor, Meta(description="part of the quality, 0…1: how much the head is turned to the camera")]
    upright: (
        Annotated[Factor, Meta(description="factor of the quality: 1, or 0.1 for a face that stands on its head")]
        | UnsetType
    ) = UNSET
    yaw: (
        Annotated[
            float, Meta(ge=-180, le=180, description="head pose, degrees; above 0: turned to the picture's right")
        ]
        | UnsetType
    ) = UNSET
    pitch: Annotated[float, Meta(ge=-90, le=90, description="head pose, degrees; above 0: looking up")] | UnsetType = (
        UNSET
    )
    roll: (
        Annotated[float, Meta(ge=-180, le=180, description="head pose, degrees; above 0: tilted clockwise")] | UnsetType
    ) = UNSET
    eyes_open: (
        Annotated[
            float,
            Meta(description="eye aspect ratio, height over width, mean of both: about 0.3 open, below 0.15 shut"),
        ]
        | UnsetType
    ) = UNSET
    mouth_open: (
        Annotated[
            float, Meta(ge=0, description="gap between the lips over the mouth's width: 0 shut, about 1 wide open")
        ]
        | UnsetType
    ) = UNSET
    blinks: Annotated[int, Meta(ge=0, description="blinks counted since the person came")] | UnsetType = UNSET
    blinks_per_minute: (
        Annotated[
            Amount | None,
            Meta(
                description="over the last minute that the person was seen; null before 10 seconds, and where frames "
                "come too slowly or the eyes are too narrow to count by",
            ),
        ]
        | UnsetType
    ) = UNSET


class VoiceDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One speech segment."""

    duration_s: Annotated[float, Meta(ge=0, description="seconds with a voice in them")]
    level_dbfs: Annotated[
        float, Meta(ge=-100, description="root mean square of the voice, decibels relative to full scale; 0 is loudest")
    ]
    snr_db: Annotated[
        float, Meta(ge=-10, le=60, description="voice over noise, decibels: the quality grows with it from 0 to 35")
    ]
    speech: Annotated[Factor, Meta(description="0…1: mean probability of speech")]
    pitch_hz: Annotated[
        Amount | None, Meta(description="median fundamental frequency, hertz, 60…500; null where little is voiced")
    ]
    pitch_range_semitones: Annotated[
        Amount | None, Meta(description="from the 5th to the 95th percentile of pitch; null where little is voiced")
    ]
    syllables_per_second: Annotated[
        Amount | None, Meta(description="estimated from the peaks of intensity; null for less than 0.3 s")
    ]


class WordsDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One transcript."""

    tokens: Annotated[int, Meta(ge=1, description="words, emoji and marks that were read")]
    length: Annotated[Factor, Meta(description="part of the quality, 0…1: how much was said")]
    coverage: Annotated[Factor, Meta(description="part of the quality, 0…1: share of the words that are known")]
    confidence: Annotated[Factor, Meta(description="part of the quality, 0…1: the recogniser's")]


class KeywordDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One keyword spotted in sound."""

    keyword: Annotated[str, Meta(description="the phrase that was spotted, of those that the device listens for")]
    intent: (
        Annotated[str, Meta(description="what the keyword is taken to ask for; absent where it asks for nothing")]
        | UnsetType
    ) = UNSET


Detail: TypeAlias = FaceDetail | VoiceDetail | WordsDetail | KeywordDetail
