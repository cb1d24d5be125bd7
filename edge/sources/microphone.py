"""Microphones, read with PyAudio."""

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
"""Length of a chunk in seconds."""
COMMON_RATES: Final = (48_000, 44_100, 32_000)
"""Sampling rates in hertz to try if a device supports neither the requested rate nor its own default."""

_STARTS_WITHIN_S: Final = 3.0
"""Seconds within which a device must deliver its first chunk; some USB and Bluetooth microphones wake slowly."""
_DELIVERS_WITHIN_S: Final = 1.0
"""Seconds without a chunk after which a working device counts as lost; a working device delivers silence too."""
_CLOSES_WITHIN_S: Final = 0.5
"""Seconds for which `close` waits. A hanging sound server blocks PortAudio forever, so a thread goes on after that."""
_MAX_QUEUED: Final = 300
"""Maximum number of chunks between PortAudio's thread and the reader, about ten seconds."""
_POLL_S: Final = 0.25
"""Seconds between two checks of a waiting call whether the device was closed or lost."""
_MAX_LATENCY_S: Final = 1.0
"""Maximum credible latency of a stream in seconds; some ALSA plugins count from zero and so report far more."""

_hanging: Final[dict[str, threading.Thread]] = {}
"""Name of a microphone → thread that is still closing it. The table is global, because PortAudio is too."""


class Microphone(Opened):
    """Delivers float32 chunks of 32 ms with the time of their first sample.

    Audio is mono if the device supports it; others, such as microphone arrays, deliver all channels, (n, channels). A
    device that does not support the requested rate is opened at another one, which the chunks state. With device
    `auto` the default device of the system is tried first, then all others.
    """

    def __init__(self, settings: config.Microphone) -> None:
        self.name = "microphone"
        self.rate = settings.rate
        """Sampling rate in hertz; after `open` the actual one."""
        self.channels = 1
        """Number of channels; after `open` the actual one."""
        self._settings = settings
        self._audio: Any = None
        self._stream: Any = None
        self._chunks: queue.Queue[tuple[bytes, float, int]] = queue.Queue(_MAX_QUEUED)
        self._delivered = False
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Opens the first device that works.

        Raises `SourceError` if no microphone can be opened, `MissingExtraError` if PyAudio is missing.
        """
        pyaudio = import_pyaudio()
        self.close()
        _refuse_while_hanging()
        self._stop.clear()
        self._delivered = False
        self._chunks = queue.Queue(_MAX_QUEUED)
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
                # This error is already complete; it would be caught below as an OSError.
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
        """Returns the next chunk. Raises `SourceError` if the device delivers no more audio."""
        deadline = time.monotonic() + (_DELIVERS_WITHIN_S if self._delivered else _STARTS_WITHIN_S)
        while not self._stop.is_set():
            try:
                data, at, overruns = self._chunks.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() > deadline or not self._is_active():
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
        """Releases the device.

        If the sound server hangs, a thread continues closing, and `open` fails until that is done.
        """
        self._stop.set()
        with self._lock:
            stream, self._stream = self._stream, None
            audio, self._audio = self._audio, None
        if stream is None and audio is None:
            return
        closing = threading.Thread(target=_release, args=(stream, audio), name=f"closing {self.name}", daemon=True)
        closing.start()
        closing.join(_CLOSES_WITHIN_S)
        if closing.is_alive():
            _hanging[self.name] = closing
            log.warning("%s cannot be closed: the sound server hangs", self.name)

    def _is_active(self) -> bool:
        with self._lock:
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
        """Returns the supported rate and channels closest to the request. Raises `ValueError` if there are none."""
        default_rate = int(device["defaultSampleRate"])
        for channels in dict.fromkeys((1, int(device["maxInputChannels"]))):
            for rate in dict.fromkeys((self._settings.rate, default_rate, *COMMON_RATES)):
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

    def _callback(
        self, continue_status: int, overflow: int, rate: int, channels: int
    ) -> Callable[..., tuple[None, int]]:
        chunks = self._chunks
        lost = 0

        def receive(data: bytes, _frames: int, timing: Mapping[str, float], status: int) -> tuple[None, int]:
            nonlocal lost
            now = time.monotonic()
            # The age of the first sample, on the clock of the stream.
            latency = timing["current_time"] - timing["input_buffer_adc_time"]
            duration = len(data) / 2 / channels / rate
            at = now - (latency if duration <= latency < duration + _MAX_LATENCY_S else duration)
            lost += bool(status & overflow)
            try:
                chunks.put_nowait((data, at, lost))
                lost = 0
            except queue.Full:
                lost += 1
            return None, continue_status

        return receive


def _release(stream: Any, audio: Any) -> None:
    try:
        if stream is not None:
            stream.close()
        if audio is not None:
            audio.terminate()
    except OSError as error:
        log.debug("closing: %s", error)


def _refuse_while_hanging() -> None:
    """Raises `SourceError` while PortAudio is still closing a device, because another call into it would hang too."""
    for name, closing in list(_hanging.items()):
        closing.join(_POLL_S)
        if closing.is_alive():
            raise SourceError(f"{name} hangs in the sound server; restart PulseAudio or PipeWire, or unplug it")
        _hanging.pop(name, None)


def _reason(error: Exception) -> str:
    """Returns the text of a PortAudio error, whose arguments are a text and a number in either order."""
    words = [str(part) for part in error.args if isinstance(part, str)]
    return words[0] if words else str(error) or type(error).__name__
