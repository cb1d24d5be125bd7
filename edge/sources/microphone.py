"""The microphone over PyAudio."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edge import config
from edge.errors import SourceEnded, SourceError
from edge.hearing.resample import HIGHEST, LOWEST
from edge.observation import AudioChunk
from edge.quiet import quiet_stderr
from edge.sources.base import Opened
from edge.sources.portaudio import CHATTER, DeviceInfo, choose, import_pyaudio, input_devices

log = logging.getLogger(__name__)

CHUNK_S: Final = 0.032
COMMON_RATES: Final = (48_000, 44_100, 32_000)
"""Tried where a device does neither the rate asked for nor the one it calls its own."""

_STARTS_WITHIN_S: Final = 3.0
"""A device has this many seconds to deliver its first sound: some USB and Bluetooth microphones wake slowly."""
_SILENT_DEVICE_S: Final = 1.0
"""A device that then delivers nothing for this many seconds has gone; silence is delivered too."""
_CLOSES_WITHIN_S: Final = 0.5
"""A sound server that hangs keeps PortAudio in its calls for ever: closing is left to a thread after this time."""
_WAITING: Final = 300
"""Chunks between PortAudio's thread and ours, some ten seconds."""
_POLL_S: Final = 0.25
_LONGEST_LATENCY_S: Final = 1.0
"""A stream that says its sound is older than this (some ALSA plugins count from zero) is not believed."""


_hanging: Final[dict[str, threading.Thread]] = {}
"""Name → thread that still closes this microphone. PortAudio is one for the whole process, hence one table."""


class Microphone(Opened):
    """Gives chunks of 32 ms, float32, with the time of their first sample.

    Sound is mono; a device that cannot do that (an array of microphones) gives all its channels, (n, channels). One
    that cannot do the rate asked for is opened at its own; the chunks say which. With device `auto` the system's
    default is tried first, then the others.
    """

    def __init__(self, settings: config.Microphone) -> None:
        self.name = "microphone"
        self.rate = settings.rate
        """Samples a second, as opened."""
        self.channels = 1
        self._settings = settings
        self._audio: Any = None
        self._stream: Any = None
        self._chunks: queue.Queue[tuple[bytes, float, int]] = queue.Queue(_WAITING)
        self._delivered = False
        self._stop = threading.Event()
        self._closing = threading.Lock()

    def open(self) -> None:
        """Raises `SourceError` where there is no microphone, `MissingExtraError` without PyAudio."""
        pyaudio = import_pyaudio()
        self.close()
        _refuse_while_hanging()
        self._stop.clear()
        self._delivered = False
        self._chunks = queue.Queue(_WAITING)
        failures: list[str] = []
        with quiet_stderr(CHATTER):
            try:
                self._audio = pyaudio.PyAudio()
                for device in choose(input_devices(self._audio), self._settings.device):
                    try:
                        self._open_stream(pyaudio, device)
                        break
                    except (OSError, ValueError) as error:
                        failures.append(f"{device['name']} ({_reason(error)})")
            except SourceError:
                # It says already what is wrong, and is an OSError too.
                raise
            except OSError as error:
                failures.append(_reason(error))
            finally:
                if self._stream is None:
                    self.close()
        if self._stream is None:
            raise SourceError(
                f"no microphone can be opened: {', '.join(failures)}; is it in use elsewhere, "
                "are you in the group audio?"
            )
        for failure in failures:
            log.warning("%s is taken, since %s cannot be opened", self.name, failure)

    def read(self) -> AudioChunk:
        """The next chunk. Raises `SourceError` when the device gives no more."""
        deadline = time.monotonic() + (_SILENT_DEVICE_S if self._delivered else _STARTS_WITHIN_S)
        while not self._stop.is_set():
            try:
                data, at, overruns = self._chunks.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() > deadline or not self._runs():
                    break
                continue
            self._delivered = True
            samples = np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768)
            if self.channels > 1:
                samples = samples.reshape(-1, self.channels)
            return AudioChunk(samples, self.rate, at, overruns)
        if self._stop.is_set():
            raise SourceEnded(f"{self.name} was closed")
        raise SourceError(f"{self.name} gives no more sound; is it still plugged in?")

    def close(self) -> None:
        """Frees the device. Where the sound server hangs, a thread goes on with that and `open` fails meanwhile."""
        self._stop.set()
        with self._closing:
            stream, self._stream = self._stream, None
            audio, self._audio = self._audio, None
        if stream is None and audio is None:
            return
        closing = threading.Thread(target=_free, args=(stream, audio), name=f"closing {self.name}", daemon=True)
        closing.start()
        closing.join(_CLOSES_WITHIN_S)
        if closing.is_alive():
            _hanging[self.name] = closing
            log.warning("%s cannot be closed: the sound server hangs", self.name)

    def _runs(self) -> bool:
        with self._closing:
            try:
                return self._stream is not None and bool(self._stream.is_active())
            except OSError:
                return False

    def _open_stream(self, pyaudio: Any, device: DeviceInfo) -> None:
        index = int(device["index"])
        rate, channels = self._supported(pyaudio, device)
        stream = self._audio.open(
            format=pyaudio.paInt16,
            channels=channels,
            rate=rate,
            input=True,
            input_device_index=index,
            frames_per_buffer=round(CHUNK_S * rate),
            stream_callback=self._callback(pyaudio.paContinue, pyaudio.paInputOverflow, rate, channels),
        )
        self.name, self.rate, self.channels = f"microphone {device['name']}", rate, channels
        self._stream = stream

    def _supported(self, pyaudio: Any, device: DeviceInfo) -> tuple[int, int]:
        """Rate and channels, as near as the device comes to what is asked for. Raises `ValueError` where none fits."""
        own = int(device["defaultSampleRate"])
        for channels in dict.fromkeys((1, int(device["maxInputChannels"]))):
            for rate in dict.fromkeys((self._settings.rate, own, *COMMON_RATES)):
                if not LOWEST <= rate <= HIGHEST:
                    reason = f"{rate} Hz is not between {LOWEST} and {HIGHEST} Hz"
                    continue
                try:
                    self._audio.is_format_supported(
                        rate,
                        input_device=int(device["index"]),
                        input_channels=channels,
                        input_format=pyaudio.paInt16,
                    )
                except ValueError as error:
                    reason = _reason(error)
                else:
                    return rate, channels
        raise ValueError(f"it takes no rate we know: {reason}")

    def _callback(self, go_on: int, overflow: int, rate: int, channels: int) -> Callable[..., tuple[None, int]]:
        chunks = self._chunks
        lost = 0

        def take(data: bytes, _frames: int, timing: Mapping[str, float], status: int) -> tuple[None, int]:
            nonlocal lost
            now = time.monotonic()
            # How long ago the first sample was taken, on the stream's own clock.
            ago = timing["current_time"] - timing["input_buffer_adc_time"]
            duration = len(data) / 2 / channels / rate
            at = now - (ago if duration <= ago < duration + _LONGEST_LATENCY_S else duration)
            lost += bool(status & overflow)
            try:
                chunks.put_nowait((data, at, lost))
                lost = 0
            except queue.Full:
                lost += 1
            return None, go_on

        return take


def _free(stream: Any, audio: Any) -> None:
    try:
        if stream is not None:
            stream.close()
        if audio is not None:
            audio.terminate()
    except OSError as error:
        log.debug("closing: %s", error)


def _refuse_while_hanging() -> None:
    """Raises `SourceError` while PortAudio has not come back from closing: another call into it would hang too."""
    for name, closing in list(_hanging.items()):
        closing.join(_POLL_S)
        if closing.is_alive():
            raise SourceError(f"{name} hangs in the sound server; restart PulseAudio or PipeWire, or unplug it")
        _hanging.pop(name, None)


def _reason(error: Exception) -> str:
    """PortAudio's words; its errors carry a number too, in either place."""
    words = [str(part) for part in error.args if isinstance(part, str)]
    return words[0] if words else str(error) or type(error).__name__
