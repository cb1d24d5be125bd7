"""The face sense: from a frame to one observation per face."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.detail import FaceDetail
from edge.errors import ModelError
from edge.face.appearance import appearances
from edge.face.attention import Attention, Candidate
from edge.face.boxes import Detection
from edge.face.context import Scene, hidden
from edge.face.crop import FRAMINGS, SIDE, View, resampled, view
from edge.face.detector import Detector, open_detector
from edge.face.expression import Expression
from edge.face.eyes import Eyes
from edge.face.image import as_bgr
from edge.face.landmarks import Landmarks, expression_view
from edge.face.mouth import measure
from edge.face.pace import NEW_FACE_S
from edge.face.quality import assess
from edge.face.signs import SignReader, Signs
from edge.face.tracker import Track, Tracker
from edge.face.upright import UprightCheck
from edge.health import catalogue
from edge.health.registry import Registry
from edge.inference.card import Card
from edge.observation import Frame, Mouth, Observation

log = logging.getLogger(__name__)

MAX_FACES: Final = 8
"""Maximum number of faces read per frame, largest first, so that a crowd does not stall the loop."""


class FaceSense:
    """Detects, tracks and crops faces and classifies their expressions. Not thread-safe."""

    def __init__(
        self, settings: config.Face, registry: Registry | None = None, detector: Detector | None = None
    ) -> None:
        """Loads the models.

        Args:
            settings: The table `[face]` of the configuration.
            registry: Receives counters and timings; None for a registry of its own.
            detector: The face detector; None for the one named in the settings.

        Raises:
            ModelError: A model is missing or invalid.
        """
        self.expression = Expression(model_path(settings.model))
        self.detector = detector or open_detector(settings)
        self._framing = FRAMINGS[self.detector.name]
        file = shipped.model("landmarks", "landmarks68")
        self.landmarks = Landmarks(file, self.detector.name) if settings.landmarks else None
        self.eyes = Eyes(shipped.model("eyes", "eyes")) if settings.landmarks else None
        self._signs = SignReader()
        self._upright = UprightCheck(self.detector)
        self._warned = False
        """Whether the warning about an upside-down face was logged, which is done only once."""
        self._tracker = Tracker()
        self._attention = Attention()
        self._registry = registry or Registry()
        for counter in (catalogue.FACES_LEFT_OUT, catalogue.FACES_FAILED):
            self._registry.increment(counter, 0)
        self._every = settings.detect_every_s
        self._size = (0, 0)
        self._seen_at = self._detected_at = -math.inf
        self._tracks: tuple[Track, ...] = ()
        self._mouths: list[Mouth] = []

    @property
    def cards(self) -> tuple[Card, ...]:
        """Cards of the models in use."""
        landmarks = self.landmarks.card if self.landmarks else None
        eyes = self.eyes.card if self.eyes else None
        return tuple(card for card in (self.detector.card, landmarks, eyes, self.expression.card) if card is not None)

    @property
    def attended(self) -> int | None:
        """Person to whom the robot attends, who may be out of sight for a moment; None without one."""
        return self._attention.person

    @property
    def live(self) -> frozenset[int]:
        """Track ids of all persons remembered, in sight or not; everyone else has been forgotten."""
        return frozenset(track.person for track in self._tracker.live)

    @property
    def condition(self) -> str | None:
        """Why the last frame gave no observation; None if it gave one."""
        return None if self._tracks else "no face"

    @property
    def mouths(self) -> tuple[Mouth, ...]:
        """The mouths in the last frame, one for each face whose landmarks were found; empty without landmarks."""
        return tuple(self._mouths)

    def look(self, frame: Frame) -> tuple[Observation, ...]:
        """Returns one observation for each face, that of the attended person first.

        Between detections a face is read at its last known position. A face on which a model fails is left out and
        counted.

        Raises:
            SourceError: The frame is not a valid image.
            ModelError: The detector failed, or a model failed on every face.
        """
        self._mouths = []
        image = as_bgr(frame.image)
        if image.shape[:2] != self._size:
            self._begin(image.shape[:2])
        if self._due(frame.captured_at):
            with self._registry.time(catalogue.DETECT):
                faces = self.detector.detect(image, frame.captured_at)
            largest = sorted(faces, key=lambda face: -face.box.area)[:MAX_FACES]
            self._registry.increment(catalogue.FACES_LEFT_OUT, len(faces) - len(largest))
            with self._registry.time(catalogue.TRACK):
                self._track(image, largest, frame.captured_at)
            self._check_upright(image, frame.captured_at)
            self._detected_at = frame.captured_at
        self._seen_at = frame.captured_at
        if not self._tracks:
            return ()
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        found = self._read_all(frame, grey, self._scene(image))
        return tuple(sorted(found, key=lambda seen: (seen.person != self.attended, seen.person)))

    def _begin(self, size: tuple[int, int]) -> None:
        """Forgets all faces, because their positions are meaningless in frames of a different (height, width)."""
        self._size = size
        self._tracker.forget()
        self._attention = Attention()
        self._tracks = ()
        self._detected_at = -math.inf

    def _due(self, now: float) -> bool:
        since = now - self._detected_at
        # A frame that is slightly early must not delay detection by a whole frame, and a slow camera must not delay it
        # beyond `NEW_FACE_S`.
        late = since + now - self._seen_at > NEW_FACE_S
        return since < 0 or since >= self._every - 1e-3 or late

    def _track(self, image: NDArray[np.uint8], faces: Sequence[Detection], now: float) -> None:
        """Assigns the faces to persons and selects the one to attend to, by the yaw of each from the last reading."""
        self._tracks = self._tracker.update(faces, now, appearances(image, faces))
        self._signs.keep({track.person for track in self._tracker.live})
        candidates = [Candidate(t.person, t.face.box, self._signs.yaw(t.person)) for t in self._tracks]
        self._attention.update(candidates, now, (image.shape[1], image.shape[0]))

    def _check_upright(self, image: NDArray[np.uint8], now: float) -> None:
        self._upright.keep({track.person for track in self._tracker.live})
        with self._registry.time(catalogue.UPRIGHT):
            try:
                self._upright.update(self._tracks, image, now)
            except ModelError as error:
                # The faces remain valid; at worst the quality of an upside-down one is too high.
                log.debug("whether faces stand upright is not known: %s", error)
        if not self._warned and any(self._upright.inverted(track.person) for track in self._tracks):
            self._warned = True
            log.warning("a face stands on its head: is the camera upside down? camera.rotate = 180 turns its pictures")

    def _scene(self, image: NDArray[np.uint8]) -> Scene | None:
        """Returns the scene for the expression model; None if the model takes only the face."""
        size = self.expression.scene_size
        if size is None:
            return None
        with self._registry.time(catalogue.SCENE):
            return Scene(image, *size)

    def _read_all(self, frame: Frame, grey: NDArray[np.uint8], scene: Scene | None) -> list[Observation]:
        found: list[Observation] = []
        failure: ModelError | None = None
        for track in self._tracks:
            try:
                found.append(self._read(frame, grey, scene, track))
            except ModelError as error:
                self._registry.increment(catalogue.FACES_FAILED)
                failure = error
        if failure is not None and not found:
            raise failure
        return found

    def _read(self, frame: Frame, grey: NDArray[np.uint8], scene: Scene | None, track: Track) -> Observation:
        place, signs = self._place(frame, grey, track)
        with self._registry.time(catalogue.CROP):
            face = replace(place, pixels=self.expression.side).cut(grey)
            yaw, pitch = (signs.pose.yaw, signs.pose.pitch) if signs else (None, None)
            inverted = self._upright.inverted(track.person)
            quality = assess(resampled(face, SIDE), place.side, track.face.score, yaw, pitch, inverted=inverted)
        with self._registry.time(catalogue.INFER_FACE):
            around = None if scene is None else scene.without(hidden(place))
            posterior, embedding = self.expression.read(face, around)
        box = track.face.box
        detail = FaceDetail(
            box=(round(box.left, 1), round(box.top, 1), round(box.width, 1), round(box.height, 1)),
            attended=track.person == self.attended,
            detector=self.detector.name,
            size=round(quality.size, 3),
            sharpness=round(quality.sharpness, 3),
            light=round(quality.light, 3),
            detection=round(quality.detection, 3),
            frontal=round(quality.pose, 3),
            upright=round(quality.upright, 3),
        )
        return Observation(
            sense="face",
            captured_at=frame.captured_at,
            posterior=posterior,
            quality=quality.value,
            person=track.person,
            detail=signs.added_to(detail) if signs else detail,
            embedding=embedding,
        )

    def _place(self, frame: Frame, grey: NDArray[np.uint8], track: Track) -> tuple[View, Signs | None]:
        """Returns the view for the expression model, and the signs read from the landmarks.

        The view follows the landmarks, which track the face between detections; without landmarks it follows the box.
        """
        if self.landmarks is None or self.eyes is None:
            return view(track.face, self._framing), None
        with self._registry.time(catalogue.LANDMARKS):
            points = self.landmarks.find(grey, track.face)
            self._mouths.append(measure(track.person, points, frame.captured_at, grey.shape[1]))
        with self._registry.time(catalogue.EYES):
            signs = self._signs.read(track.person, points, self.eyes.openness(grey, points), frame.captured_at)
        return expression_view(points), signs


def model_path(model: str) -> Path:
    """Returns the file that `face.model` names: `small` and `large` are shipped models, anything else is a path."""
    return shipped.model("face", f"face_{model}") if model in ("small", "large") else Path(model)
