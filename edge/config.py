"""The configuration file: TOML with a fixed set of keys, each with a type and a range that are checked."""

from __future__ import annotations

import math
import re
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from edge.emotions import LABELS
from edge.errors import ConfigError

MAX_BYTES: Final = 1_000_000
"""A configuration file larger than this is refused."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0.05, le=3600)]
"""A time constant or interval in seconds: long enough to be measured, and at most an hour."""
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
"""A fraction or probability, 0…1."""
Level: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,64}\Z")]
"""One level of an MQTT topic, without slashes, wildcards or spaces."""
Label: TypeAlias = Literal["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
"""One of `edge.emotions.LABELS`."""

_LEARNT: Final = {
    *(f"fusion.{sense}_{what}" for sense in ("face", "voice", "words") for what in ("trust", "memory_s")),
    "fusion.smoothing_s",
    "fusion.switch_margin",
}
"""Keys of earlier versions whose numbers are now learnt from data."""


def host_level(host: str) -> str:
    """Converts a host name to one topic level; `robot` if nothing of it is usable or it is only `localhost`."""
    level = re.sub(r"[^A-Za-z0-9_.-]+", "-", host).strip("-.")[:64]
    return "robot" if not level or level.split(".")[0].lower() == "localhost" else level


def _own_name() -> str:
    return host_level(socket.gethostname())


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base class of every table of the configuration file."""


class Device(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[device]`: the identity of this device."""

    name: Level = msgspec.field(default_factory=_own_name)
    """Topic level of this device. The default is the host name, because names must be unique at a broker."""
    purpose: str = "not declared"
    """Why this device reads emotions, published in `info` for the people it observes."""


class Mqtt(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[mqtt]`: the broker and the connection to it."""

    broker: str = "mqtt://localhost:1883"
    """Address of the broker: `mqtt://[user[:password]@]host[:port]`, `mqtts://…` (TLS) or `embedded`."""
    username: str | None = None
    """User name at the broker; None for anonymous access or a user in the address."""
    password_file: Path | None = None
    """A file that contains only the password, so that the configuration itself may be readable by others. This and the
    other files of this table may be written as `credential:NAME`, for a credential passed by systemd."""
    ca_file: Path | None = None
    """Certificate authority for `mqtts`; by default the certificates of the system."""
    certificate_file: Path | None = None
    """The device's own certificate in PEM, for a broker that asks for one (mutual TLS)."""
    key_file: Path | None = None
    """Private key of `certificate_file` in PEM, without a pass phrase; None if it stands in the same file."""
    prefix: Level = "emotion"
    """First level of every topic."""
    protocol: Literal["5", "3.1.1"] = "3.1.1"
    """MQTT protocol version."""
    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 15
    """MQTT keep-alive interval in seconds; the last will is published one and a half intervals after a device died."""
    retry_max_s: Annotated[float, Meta(ge=0.5, le=300)] = 5.0
    """Maximum back-off in seconds between two attempts to connect; it doubles from 1 s up to this."""
    state_valid_s: Annotated[float, Meta(ge=0.1, le=3600)] = 2.0
    """Seconds for which a state is valid. Older states are not sent, an MQTT 5 broker discards them, and readers should
    not act on them."""


class Camera(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[camera]`: the camera and the format of its images."""

    enabled: bool = True
    """Whether the camera is used."""
    source: str | int = "auto"
    """Which camera: `auto`, an index, `/dev/videoN`, a GStreamer pipeline, or an `rtsp://` or `http://` URL."""
    backend: Literal["auto", "opencv", "picamera2"] = "auto"
    """Library that reads the camera."""
    width: Annotated[int, Meta(ge=16, le=7680)] = 640
    """Width in pixels of the images as the camera delivers them, before rotation."""
    height: Annotated[int, Meta(ge=16, le=4320)] = 480
    """Height in pixels of the images as the camera delivers them, before rotation."""
    fps: Annotated[float, Meta(ge=0.1, le=240)] = 15.0
    """Frame rate requested from the camera, in frames per second."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Clockwise rotation in degrees that makes the images upright: 180 for a camera mounted upside down."""
    flip: Literal["none", "horizontal", "vertical"] = "none"
    """Mirroring after the rotation: `horizontal` exchanges left and right, `vertical` exchanges top and bottom."""


class Microphone(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[microphone]`: the microphone and its sampling rate."""

    enabled: bool = True
    """Whether the microphone is used."""
    device: str | int = "auto"
    """Which microphone: `auto`, an index, or part of a name listed by `edge-emotion devices`."""
    rate: Annotated[int, Meta(ge=8000, le=96000)] = 16000
    """Sampling rate requested from the microphone, in hertz."""


class Transcripts(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[transcripts]`: where transcripts of speech come from."""

    topic: bool = True
    """Whether transcripts are read from the topic `words/transcript` of the broker."""
    stdin: bool = False
    """Whether transcripts are read from standard input, one per line as plain text or JSON."""
    recogniser: str = "off"
    """Speech recogniser on the microphone: `off`, `vosk`, or `package.module:name` of a custom recogniser
    (`edge.words.recogniser`)."""
    recogniser_model: Path | None = None
    """Path passed to the recogniser; for `vosk` the folder of an unpacked model."""


class Face(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[face]`: face detection and facial expression."""

    enabled: bool = True
    """Whether the face sense runs."""
    model: str = "small"
    """Expression model: `small`, `large` or the path of a `.tflite` file with its card."""
    landmarks: bool = True
    """Whether head pose, blinks and mouth opening are measured from 68 landmarks."""
    detector: Literal["auto", "blazeface", "haar"] = "auto"
    """Face detector; `auto` is BlazeFace if its file is installed, else the Haar cascade."""
    min_score: Share = 0.7
    """Minimum score of a detection, 0…1; detections with a lower score are discarded."""
    max_distance_m: Annotated[float, Meta(ge=0.1, le=20)] = 3.0
    """Distance in metres up to which BlazeFace searches for faces, at a field of view of 62°. Less distance costs less
    computing time."""
    detect_every_s: Annotated[float, Meta(ge=0.001, le=0.3)] = 0.1
    """Interval in seconds between two detections. Its maximum is the time within which a new face must be found."""


class Voice(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[voice]`: emotion from the sound of the voice."""

    enabled: bool = True
    """Whether the voice sense runs."""
    model: str = "small"
    """Voice model: `small`, `large` (for a Raspberry Pi 5 or a Jetson; `default` is `small`) or the path of a `.tflite`
    file with its card."""
    speech_threshold: Share = 0.5
    """Speech probability, 0…1, above which audio counts as speech."""
    hangover_s: Annotated[float, Meta(ge=0.05, le=2)] = 0.5
    """Seconds of silence that end an utterance."""


class Words(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[words]`: emotion from transcripts and spoken keywords."""

    enabled: bool = True
    """Whether the words sense runs."""
    model: str = "default"
    """Text model: `default` or the path of a `.tflite` file with its card."""
    keywords: bool = True
    """Whether spoken keywords are spotted on the microphone; needs the extra `keywords`."""
    keyword_file: Path | None = None
    """A file of phrases that replaces the shipped one."""
    log_text: bool = False
    """Whether the spoken text is written to the log, for debugging. Otherwise the text is not stored anywhere."""


class Fusion(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[fusion]`: how the senses are combined."""

    rate_hz: Annotated[float, Meta(ge=0.1, le=60)] = 5.0
    """Number of estimates per second."""
    mode: Literal["decision", "feature"] = "decision"
    """What is fused: `decision` combines what each sense decides by itself, `feature` joins the embeddings of the
    senses' models in one small network. Where an embedding is missing, decisions are fused."""
    prior: dict[Label, Annotated[float, Meta(gt=0, lt=1)]] = {}
    """How often emotions occur in this robot's world, for example `{ neutral = 0.7 }`; labels that are not named share
    the rest alike. Without any, the frequencies of the parameters apply."""
    baseline: bool = True
    """Whether each person is read against that person's own neutral face and voice. It is kept in memory only, and
    forgotten with the person."""
    attribution: bool = True
    """Whether voice and words count only for the person who is seen to speak. Otherwise all of them count for the
    attended person, such as with a voice from another room's microphone."""
    parameters: Path | None = None
    """File of the fusion's learnt numbers that replaces the shipped one (`python -m models.fusion.train` makes it)."""

    def __post_init__(self) -> None:
        named, rest = sum(self.prior.values()), len(LABELS) - len(self.prior)
        if self.prior and not (named < 0.999 if rest else math.isclose(named, 1.0, abs_tol=0.01)):
            raise ValueError(
                f"the probabilities add up to {named:g}: "
                + ("less than 1, so that something is left for the labels that are not named" if rest else "exactly 1")
            )

    def world_prior(self, learnt: tuple[float, ...]) -> tuple[float, ...]:
        """How often each label occurs, seven probabilities in the order of `edge.emotions.LABELS`.

        `learnt`: the frequencies that apply where the configuration names none.
        """
        if not self.prior:
            return learnt
        rest = (1.0 - sum(self.prior.values())) / max(1, len(LABELS) - len(self.prior))
        found = [self.prior.get(label, rest) for label in LABELS]
        return tuple(value / sum(found) for value in found)


class Health(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[health]`: health messages and the supervision of threads and sources."""

    interval_s: Seconds = 5.0
    """Seconds between two messages on the topic `health`."""
    stuck_after_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """Seconds without a heartbeat after which a thread counts as stuck."""
    retry_max_s: Annotated[float, Meta(ge=1, le=600)] = 5.0
    """Maximum back-off in seconds before a lost camera or microphone is reopened; it doubles from 1 s up to this."""


class Config(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration file. Every table is optional."""

    device: Device = msgspec.field(default_factory=Device)
    """Identity of this device."""
    mqtt: Mqtt = Mqtt()
    """Broker and connection."""
    camera: Camera = Camera()
    """Camera and image format."""
    microphone: Microphone = Microphone()
    """Microphone and sampling rate."""
    transcripts: Transcripts = Transcripts()
    """Sources of transcripts."""
    face: Face = Face()
    """Face sense."""
    voice: Voice = Voice()
    """Voice sense."""
    words: Words = Words()
    """Words sense."""
    fusion: Fusion = Fusion()
    """Combination of the senses."""
    health: Health = Health()
    """Health messages and supervision."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written to the log."""


def parse(text: str, origin: str = "configuration") -> Config:
    """Parses the configuration in `text`; `origin` names it in error messages.

    Raises `ConfigError`, which names the first wrong key and what was expected.
    """
    table = _table(text, origin)
    try:
        return _convert(table)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(str(error))}") from error


def check(text: str, origin: str = "configuration") -> tuple[Config, tuple[str, ...]]:
    """Parses `text` and collects all wrong keys instead of stopping at the first; `origin` names it in error messages.

    Returns the configuration made of the valid keys, and one line for each wrong key in the order of the file. Raises
    `ConfigError` if the text is not valid TOML.
    """
    right: dict[str, Any] = {}
    faults: list[str] = []
    for section, value in _table(text, origin).items():
        # Each key is converted by itself, because msgspec stops at the first error.
        for part in [{key: each} for key, each in value.items()] if isinstance(value, dict) else [value]:
            try:
                _convert({section: part})
            except msgspec.ValidationError as error:
                faults.append(_explain(str(error)))
            else:
                right[section] = {**right.get(section, {}), **part} if isinstance(part, dict) else part
    return _convert(right), tuple(dict.fromkeys(faults))


def load(path: Path) -> Config:
    """Reads and parses the configuration file at `path`. Raises `ConfigError`."""
    return parse(read(path), str(path))


def read(path: Path) -> str:
    """Reads the text of the configuration file at `path`, at most `MAX_BYTES` long. Raises `ConfigError`."""
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
        # Windows line endings are accepted, as text mode would.
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
    """Converts a TOML table to `Config`. Raises `msgspec.ValidationError`."""
    try:
        return msgspec.convert(table, Config, strict=True, dec_hook=_path)
    except RecursionError as error:
        raise msgspec.ValidationError("values are nested too deep") from error


def _path(wanted: type, value: Any) -> Any:
    """Converts a string to a path, because TOML has no type for paths."""
    if wanted is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


def _explain(message: str) -> str:
    """Puts the key of a msgspec message first: ``Expected `int`, got `str` - at `$.camera.fps` `` → `camera.fps: …`."""
    at = re.search(r" - at `\$\.?(.*)`$", message)
    where = at.group(1) if at else ""
    what = message[: at.start()] if at else message
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        key = f"{where}.{unknown.group(1)}" if where else unknown.group(1)
        if key in _LEARNT:
            return (
                f"{key} is learnt from data since version 0.2: remove the key (`fusion.parameters` names other numbers)"
            )
        return f"unknown key {key!r}; `edge-emotion config` prints every key there is"
    return f"{where}: {what[0].lower()}{what[1:]}" if where else what
