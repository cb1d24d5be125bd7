"""Makes pictures and sound of a planned scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.observation import AudioChunk, Frame
from models.speaker.clips import RATE, Clip, active
from models.speaker.scenes import FPS, Scene

SIZE: Final = (640, 360)
"""Width and height of a scene in pixels."""
VOICE_DBFS: Final = -26.0
"""Level of the speech of each voice, before its gain."""
ROOM_DBFS: Final = -65.0
"""Level of the hiss of a quiet room."""
CHUNK: Final = 512
"""Samples in a chunk of sound: 32 ms."""
_PERSON_HEIGHT: Final = 0.86
"""Height of a person's image relative to that of the scene, at full size."""


def sound(scene: Scene, clips: Sequence[Clip], noises: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Returns (n,) float32 at 16 kHz: the voices, each at `VOICE_DBFS` plus its gain, and the noise.

    Args:
        scene: The plan.
        clips: All clips.
        noises: Recordings of noise at 16 kHz, of which the scene's seed chooses one; they may be empty for scenes
            without noise.
    """
    rng = np.random.default_rng(scene.seed)
    mixed = rng.normal(0, 10 ** (ROOM_DBFS / 20), round(scene.duration * RATE))
    for voice in scene.voices:
        source = _faded(clips[voice.clip].sound)
        speech = np.repeat(active(clips[voice.clip].sound), RATE // 100)
        source = source * 10 ** ((VOICE_DBFS + voice.gain_db - _dbfs(source[: len(speech)][speech])) / 20)
        begin = round(voice.begins_at * RATE)
        first = max(0, -begin)
        piece = source[first : first + len(mixed) - max(0, begin)]
        mixed[max(0, begin) : max(0, begin) + len(piece)] += piece
    if scene.noise_db is not None:
        noise = noises[int(rng.integers(len(noises)))]
        start = rng.integers(max(1, len(noise) - len(mixed)))
        piece = np.resize(noise[start:], len(mixed))
        mixed += piece * 10 ** ((VOICE_DBFS - scene.noise_db - _dbfs(piece)) / 20)
    return np.clip(mixed, -1, 1).astype(np.float32)


def pictures(scene: Scene, clips: Sequence[Clip]) -> Iterator[NDArray[np.uint8]]:
    """Yields the frames of a scene, (360, 640, 3) BGR: each person cut out and pasted side by side into a room."""
    rng = np.random.default_rng([scene.seed, 1])
    room = _room(rng)
    width, height = SIZE
    count = len(scene.faces)
    tall = height * _PERSON_HEIGHT * (1.0 if count <= 2 else 0.9 if count == 3 else 0.8)
    spots = [spot * width for spot in places(scene)]
    sizes = [tall * rng.uniform(0.92, 1.0) for _ in range(count)]
    masks: dict[tuple[int, int], NDArray[np.float32]] = {}
    for at in range(round(scene.duration * FPS)):
        image = room.copy()
        for face, middle, size in zip(scene.faces, spots, sizes, strict=True):
            source = clips[face.clip].frames[int(face.frames[at])]
            alpha = masks.get((face.clip, int(face.frames[at])))
            if alpha is None:
                alpha = masks[face.clip, int(face.frames[at])] = _mask(source)
            if face.mirrored:
                source, alpha = np.ascontiguousarray(source[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
            _paste(image, source, alpha, middle, size)
        yield image


def places(scene: Scene) -> tuple[float, ...]:
    """Horizontal position of the middle of each person, 0 at the left edge of the image, 1 at the right."""
    rng = np.random.default_rng([scene.seed, 2])
    count = len(scene.faces)
    return tuple((index + 0.5 + float(rng.uniform(-0.04, 0.04))) / count for index in range(count))


def items(scene: Scene, clips: Sequence[Clip], noises: Sequence[NDArray[np.float32]]) -> Iterator[Frame | AudioChunk]:
    """Yields frames and sound of a scene in the order of time, as a camera and a microphone give them."""
    mixed = sound(scene, clips, noises)
    given = 0
    for index, image in enumerate(pictures(scene, clips)):
        while (given + CHUNK) / RATE <= index / FPS:
            yield AudioChunk(mixed[given : given + CHUNK], RATE, given / RATE)
            given += CHUNK
        yield Frame(image, index / FPS, index)
    for start in range(given, len(mixed) - CHUNK + 1, CHUNK):
        yield AudioChunk(mixed[start : start + CHUNK], RATE, start / RATE)


def _paste(
    image: NDArray[np.uint8], person: NDArray[np.uint8], opacity: NDArray[np.float32], middle: float, tall: float
) -> None:
    """Pastes a person into `image`, standing on its lower edge, `middle` pixels from the left, `tall` pixels high."""
    factor = tall / person.shape[0]
    size = (round(person.shape[1] * factor), round(tall))
    small = cv2.resize(person, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = cv2.resize(opacity, size, interpolation=cv2.INTER_AREA)[..., None]
    left, top = round(middle - size[0] / 2), image.shape[0] - size[1]
    cut = max(0, -left), max(0, left + size[0] - image.shape[1])
    small, alpha = small[:, cut[0] : size[0] - cut[1]], alpha[:, cut[0] : size[0] - cut[1]]
    place = image[top:, left + cut[0] : left + cut[0] + small.shape[1]]
    place[:] = np.round(small * alpha + place * (1 - alpha)).astype(np.uint8)


def _mask(person: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Opacity of a person before a plain wall, 0…1: how far the colour differs from that of the upper corners."""
    lab = cv2.cvtColor(person, cv2.COLOR_BGR2LAB).astype(np.float32)
    side = person.shape[1] // 8
    top = person.shape[0] // 3
    walls = [np.median(lab[:top, :side].reshape(-1, 3), axis=0), np.median(lab[:top, -side:].reshape(-1, 3), axis=0)]
    # Light differs over the wall more than its colour does.
    weights = np.array([0.2, 1.0, 1.0], np.float32)
    far = np.min([np.linalg.norm((lab - wall) * weights, axis=2) for wall in walls], axis=0)
    solid = cv2.morphologyEx((far > 18).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    # The person is the largest piece; shadows on the wall are others.
    _, pieces, sizes, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    person_only = pieces == 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax()) if len(sizes) > 1 else solid > 0
    return np.asarray(cv2.GaussianBlur(person_only.astype(np.float32), (0, 0), 1.5), np.float32)


def _room(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A wall in a plain light that falls off to one side, with the grain of a camera."""
    width, height = SIZE
    light = np.linspace(rng.uniform(90, 130), rng.uniform(140, 190), width)[None, :, None]
    shade = np.linspace(1.05, 0.8, height)[:, None, None]
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    return np.clip(light * shade * tint + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)


def _faded(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sound with 20 ms of fading at its ends, so that a clip begins and ends without a click."""
    ramp = np.minimum(1, np.arange(len(sound)) / (0.02 * RATE))
    return np.asarray(sound * ramp * ramp[::-1], np.float64)


def _dbfs(samples: NDArray[np.floating]) -> float:
    """Root mean square in dB of full scale."""
    return float(10 * np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))
