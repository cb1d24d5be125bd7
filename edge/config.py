"""The one configuration file: TOML, every key typed and known, every value checked."""

from __future__ import annotations

import re
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from edge.errors import ConfigError

MAX_BYTES: Final = 1_000_000
"""A larger file is no configuration."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0.05, le=3600)]
"""A time constant or interval: long enough to be measured, and at most an hour."""
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Level: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,64}\Z")]
"""One level of an MQTT topic: no slash, no wildcard, no space."""


def host_level(host: str) -> str:
    """A host name as one level of a topic; `robot` where nothing of it can be used or tells machines apart."""
    level = re.sub(r"[^A-Za-z0-9_.-]+", "-", host).strip("-.")[:64]
    return "robot" if not level or level.split(".")[0].lower() == "localhost" else level


def _own_name() -> str:
    return host_level(socket.gethostname())


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of the file."""


class Device(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Level = msgspec.field(default_factory=_own_name)
    """Default: the host's name, since two devices of one name cannot use the same broker."""
    purpose: str = "not declared"
    """Why this device reads emotions; published in `info` for those it watches."""


class Mqtt(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    broker: str = "mqtt://localhost:1883"
    """`mqtt://[user[:password]@]host[:port]`, `mqtts://…` (TLS) or `embedded`."""
    username: str | None = None
    password_file: Path | None = None
    """A file with the password alone, so that the configuration can be read by others."""
    ca_file: Path | None = None
    """Certificate authority for `mqtts`; default: the system's."""
    prefix: Level = "emotion"
    protocol: Literal["5", "3.1.1"] = "3.1.1"
    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 15
    retry_max_s: Annotated[float, Meta(ge=0.5, le=300)] = 5.0
    """Longest wait between two attempts to connect. The first wait is a second; each further one is twice as long."""
    state_valid_s: Annotated[float, Meta(ge=0.1, le=3600)] = 2.0
    """A reader should not act on a state that is older. It is not sent later than that, and MQTT 5 brokers forget it
    then."""


class Camera(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    source: str | int = "auto"
    """`auto`, an index, `/dev/videoN`, a GStreamer pipeline, an `rtsp://` or `http://` URL."""
    backend: Literal["auto", "opencv", "picamera2"] = "auto"
    width: Annotated[int, Meta(ge=16, le=7680)] = 640
    height: Annotated[int, Meta(ge=16, le=4320)] = 480
    """Size of the pictures as the camera gives them, before they are turned."""
    fps: Annotated[float, Meta(ge=0.1, le=240)] = 15.0
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise by which pictures are turned to be upright: 180 for a camera mounted upside down."""
    flip: Literal["none", "horizontal", "vertical"] = "none"
    """Mirrors pictures after they were turned: `horizontal` exchanges left and right, `vertical` top and bottom."""


class Microphone(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    device: str | int = "auto"
    """`auto`, an index, or a part of the name that `edge-emotion devices` shows."""
    rate: Annotated[int, Meta(ge=8000, le=96000)] = 16000


class Transcripts(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: bool = True
    """Read `words/transcript` from the broker."""
    stdin: bool = False
    """Read standard input, one transcript a line, plain text or JSON."""
    recogniser: str = "off"
    """Recognise speech from the microphone: `off`, `vosk`, or `package.module:name` of a recogniser of your own
    (`edge.words.recogniser`)."""
    recogniser_model: Path | None = None
    """What the recogniser is made with; for vosk the folder of an unpacked model."""


class Face(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    model: str = "small"
    """`small`, `large` or the path of a `.tflite` with its card."""
    landmarks: bool = True
    """Head pose, blinks and mouth from 68 landmarks."""
    detector: Literal["auto", "blazeface", "haar"] = "auto"
    min_score: Share = 0.7
    """Detections of a lower score are no face."""
    max_distance_m: Annotated[float, Meta(ge=0.1, le=20)] = 3.0
    """How far away BlazeFace looks for faces, at a field of view of 62°: near ones cost less."""
    detect_every_s: Annotated[float, Meta(ge=0.001, le=0.3)] = 0.1
    """How often faces are looked for; at most as late as a new face has to be found."""


class Voice(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    model: str = "default"
    speech_threshold: Share = 0.5
    """Speech probability above which someone speaks."""
    hangover_s: Annotated[float, Meta(ge=0.05, le=2)] = 0.5
    """Silence that ends an utterance."""


class Words(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    model: str = "default"
    keywords: bool = True
    """Spot spoken keywords on the microphone (needs the extra `keywords`)."""
    keyword_file: Path | None = None
    """A file of phrases of your own instead of the shipped one."""
    log_text: bool = False
    """Write what was said into the log, for debugging; otherwise nothing of it is kept anywhere."""


class Fusion(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rate_hz: Annotated[float, Meta(ge=0.1, le=60)] = 5.0
    """Estimates a second."""
    face_trust: Share = 0.8
    voice_trust: Share = 0.9
    words_trust: Share = 0.5
    """How much of a sense's log-posterior counts when it is fresh and of full quality."""
    face_memory_s: Seconds = 0.6
    voice_memory_s: Seconds = 4.0
    words_memory_s: Seconds = 6.0
    """Time after which evidence of that sense counts 1/e; it is `stale` after three times this."""
    smoothing_s: Seconds = 0.5
    """Time constant of the estimate; an odd observation shorter than about half of it flips nothing."""
    switch_margin: Share = 0.05
    """How much more probable another label must be before it replaces the current one."""


class Health(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    interval_s: Seconds = 5.0
    stuck_after_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """A thread that has not beaten for so long is taken as stuck."""
    retry_max_s: Annotated[float, Meta(ge=1, le=600)] = 5.0
    """Longest wait before a camera or microphone that has gone is tried again; waits double from 1 s up to this."""


class Config(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; every table may be absent."""

    device: Device = msgspec.field(default_factory=Device)
    mqtt: Mqtt = Mqtt()
    camera: Camera = Camera()
    microphone: Microphone = Microphone()
    transcripts: Transcripts = Transcripts()
    face: Face = Face()
    voice: Voice = Voice()
    words: Words = Words()
    fusion: Fusion = Fusion()
    health: Health = Health()
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def parse(text: str, origin: str = "configuration") -> Config:
    """The configuration in `text`. Raises `ConfigError` that names the first wrong key and what it should be."""
    table = _table(text, origin)
    try:
        return _convert(table)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(str(error))}") from error


def check(text: str, origin: str = "configuration") -> tuple[Config, tuple[str, ...]]:
    """The configuration that the right keys of `text` make, and one line for each wrong key in the order of the file.

    Raises `ConfigError` where it is no TOML.
    """
    right: dict[str, Any] = {}
    faults: list[str] = []
    for section, value in _table(text, origin).items():
        # Each key by itself, for msgspec stops at the first that is wrong.
        for part in [{key: each} for key, each in value.items()] if isinstance(value, dict) else [value]:
            try:
                _convert({section: part})
            except msgspec.ValidationError as error:
                faults.append(_explain(str(error)))
            else:
                right[section] = {**right.get(section, {}), **part} if isinstance(part, dict) else part
    return _convert(right), tuple(dict.fromkeys(faults))


def load(path: Path) -> Config:
    """The configuration in the file at `path`. Raises `ConfigError`."""
    return parse(read(path), str(path))


def read(path: Path) -> str:
    """The text of the configuration file at `path`, at most `MAX_BYTES` long. Raises `ConfigError`."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ConfigError(f"configuration {path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"configuration {path}: {error.strerror}; `edge-emotion config` prints a commented default"
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"configuration {path} is larger than {MAX_BYTES} bytes; is it the right file?")
    try:
        # As text files are read everywhere: a line may end as Windows ends it.
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"configuration {path} is not UTF-8 text: byte {error.start}") from error


def _table(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(f"{origin} is no TOML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{origin} is no TOML that can be read: its values are nested too deep") from error


def _convert(table: dict[str, Any]) -> Config:
    """Raises `msgspec.ValidationError`."""
    try:
        return msgspec.convert(table, Config, strict=True, dec_hook=_path)
    except RecursionError as error:
        raise msgspec.ValidationError("values are nested too deep") from error


def _path(wanted: type, value: Any) -> Any:
    """TOML has no paths; a string stands for one."""
    if wanted is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


def _explain(message: str) -> str:
    """msgspec's message with the key first: ``Expected `int`, got `str` - at `$.camera.fps` `` → `camera.fps: …`."""
    at = re.search(r" - at `\$\.?(.*)`$", message)
    where = at.group(1) if at else ""
    what = message[: at.start()] if at else message
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        key = f"{where}.{unknown.group(1)}" if where else unknown.group(1)
        return f"unknown key {key!r}; `edge-emotion config` prints every key there is"
    return f"{where}: {what[0].lower()}{what[1:]}" if where else what
