"""The checks of `config --check` beyond the keys: all that `run` would open, except devices and the network."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from edge.config import Config
from edge.errors import EdgeEmotionError, MissingExtraError
from edge.sources.masking import masked


def faults(config: Config) -> tuple[str, ...]:
    """Finds everything that would make `run` fail: one line each, with credentials masked."""
    found: list[str] = []
    for check in (_broker, _camera, _face, _voice, _words):
        for attempt in check(config):
            try:
                attempt()
            except (EdgeEmotionError, OSError, ValueError) as error:
                line = masked(" ".join(str(error).split()))
                if line not in found:
                    found.append(line)
    return tuple(found)


def _broker(config: Config) -> Iterator[Callable[[], object]]:
    from edge.mqtt import address
    from edge.mqtt.tls import TlsFiles

    mqtt = config.mqtt
    yield lambda: address.parse(mqtt.broker, username=mqtt.username)
    if mqtt.broker == "embedded":
        return
    password_file = mqtt.password_file
    if password_file is not None:
        yield lambda: address.read_password(password_file)
        yield lambda: _refuse_open_to_others(password_file)
    yield TlsFiles(mqtt.ca_file, mqtt.certificate_file, mqtt.key_file).context
    if mqtt.key_file is not None:
        key_file = mqtt.key_file
        yield lambda: _refuse_open_to_others(key_file, "private key")


def _refuse_open_to_others(path: Path, what: str = "password file") -> None:
    """Raises `EdgeEmotionError` if all users of the machine can read or change the file. `what`: its name in errors."""
    if path.is_file() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise EdgeEmotionError(f"{what} {path} can be read or written by everybody; chmod 0640 {path}")


def _camera(config: Config) -> Iterator[Callable[[], object]]:
    from edge.sources.camera import check_source

    if config.camera.enabled and config.camera.backend != "picamera2":
        yield lambda: check_source(config.camera.source)


def _face(config: Config) -> Iterator[Callable[[], object]]:
    from edge import shipped
    from edge.face.detector import open_detector
    from edge.face.expression import Expression
    from edge.face.eyes import Eyes
    from edge.face.landmarks import Landmarks
    from edge.face.sense import model_path

    face = config.face
    if not face.enabled:
        return
    # Each model separately, because the sense stops at the first invalid one.
    yield lambda: Expression(model_path(face.model))
    yield lambda: open_detector(face)
    if face.landmarks:
        yield lambda: Landmarks(shipped.model("landmarks", "landmarks68"), "haar")
        yield lambda: Eyes(shipped.model("eyes", "eyes"))


def _voice(config: Config) -> Iterator[Callable[[], object]]:
    from edge.runtime.ears import Ears
    from edge.voice.sense import VoiceSense

    if config.voice.enabled:
        yield lambda: VoiceSense(config.voice)
        yield lambda: Ears(config.voice)


def _words(config: Config) -> Iterator[Callable[[], object]]:
    from edge.words import keywords
    from edge.words.recogniser import open_recogniser
    from edge.words.sense import WordsSense

    words = config.words
    if not words.enabled:
        return
    yield lambda: WordsSense(words)
    if words.keywords:
        yield lambda: keywords.read(words.keyword_file)
        # Without the optional package `run` works without keywords, as in a default installation. If the configuration
        # names a keyword file, however, its phrases would silently never be spotted.
        if find_spec("pocketsphinx") is not None:
            yield lambda: keywords.KeywordSpotter(words.keyword_file)
        elif words.keyword_file is not None:
            yield _lacks_keywords
    yield lambda: open_recogniser(config.transcripts)


def _lacks_keywords() -> None:
    raise MissingExtraError("spotting spoken keywords", "keywords")
