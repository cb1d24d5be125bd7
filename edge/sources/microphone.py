"""The microphone over PyAudio."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from edge import config
from edge.errors import MissingExtraError, SourceEnded, SourceError
from edge.observation import AudioChunk
from edge.sources.base import Opened

CHUNK_S: Final = 0.032

_SILENT_DEVICE_S: Final = 3.0
"""A device that delivers nothing for so long has gone."""
_WAITING: Final = 300
"""Chunks between PortAudio's thread and ours, some ten seconds."""


class Microphone(Opened):
    """Gives mono float32 chunks of 32 ms with the time of their first sample.

    A device that cannot do the rate asked for is opened at its own; the chunks say which.
    """

    def __init__(self, settings: config.Microphone) -> None:
        self.name = "microphone"
        self._settings = settings
        self._audio: Any = None
        self._stream: Any = None
        self._rate = settings.rate
        self._chunks: queue.Queue[tuple[bytes, float, int]] = queue.Queue(_WAITING)
        self._lost = 0
        self._stop = threading.Event()

    def open(self) -> None:
        """Raises `SourceError` where there is no microphone, `MissingExtraError` without PyAudio."""
        pyaudio = import_pyaudio()
        self._stop.clear()
        self._chunks = queue.Queue(_WAITING)
        self._lost = 0
        with quiet_stderr():
            self._audio = pyaudio.PyAudio()
            try:
                device = find_device(input_devices(self._audio), self._settings.device)
                self.name = f"microphone {device['name']}"
                self._rate = self._supported_rate(pyaudio, device)
                self._stream = self._audio.open(
                    format=pyaudio.paInt16,
                    channels=1,
                    rate=self._rate,
                    input=True,
                    input_device_index=int(device["index"]),
                    frames_per_buffer=round(CHUNK_S * self._rate),
                    stream_callback=self._callback(pyaudio.paContinue, pyaudio.paInputOverflow),
                )
            except (OSError, ValueError) as error:
                self.close()
                reason = error.args[-1] if error.args else error
                raise SourceError(f"{self.name} cannot be opened: {reason}; is it in use elsewhere?") from error
            except SourceError:
                self.close()
                raise

    def read(self) -> AudioChunk:
        """The next chunk. Raises `SourceError` when the device gives no more."""
        deadline = time.monotonic() + _SILENT_DEVICE_S
        while not self._stop.is_set():
            try:
                data, at, overruns = self._chunks.get(timeout=0.25)
            except queue.Empty:
                stream = self._stream
                if stream is None or time.monotonic() > deadline or not stream.is_active():
                    break
                continue
            samples = np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768)
            return AudioChunk(samples, self._rate, at, overruns)
        if self._stop.is_set():
            raise SourceEnded(f"{self.name} was closed")
        raise SourceError(f"{self.name} gives no more sound; is it still plugged in?")

    def close(self) -> None:
        """Frees the device."""
        self._stop.set()
        stream, self._stream = self._stream, None
        audio, self._audio = self._audio, None
        if stream is not None:
            stream.close()
        if audio is not None:
            audio.terminate()

    def _supported_rate(self, pyaudio: Any, device: Mapping[str, Any]) -> int:
        own = int(device["defaultSampleRate"])
        for rate in (self._settings.rate, own):
            try:
                self._audio.is_format_supported(
                    rate, input_device=int(device["index"]), input_channels=1, input_format=pyaudio.paInt16
                )
            except ValueError:
                continue
            return rate
        return own

    def _callback(self, go_on: int, overflow: int) -> Any:
        def take(data: bytes, _frames: int, timing: Mapping[str, float], status: int) -> tuple[None, int]:
            now = time.monotonic()
            # How long ago the first sample was taken, on the stream's own clock.
            ago = timing["current_time"] - timing["input_buffer_adc_time"]
            duration = len(data) / 2 / self._rate
            at = now - (ago if duration <= ago < duration + 1.0 else duration)
            self._lost += bool(status & overflow)
            try:
                self._chunks.put_nowait((data, at, self._lost))
                self._lost = 0
            except queue.Full:
                self._lost += 1
            return None, go_on

        return take


def import_pyaudio() -> Any:
    """The module. Raises `MissingExtraError`."""
    try:
        import pyaudio
    except ImportError as error:
        raise MissingExtraError("the microphone", "microphone") from error
    return pyaudio


def input_devices(audio: Any) -> list[Mapping[str, Any]]:
    """PortAudio's descriptions of the devices that can record, the default one first."""
    found = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    found = [device for device in found if device["maxInputChannels"] > 0]
    try:
        default = audio.get_default_input_device_info()["index"]
    except OSError:
        default = None
    return sorted(found, key=lambda device: device["index"] != default)


def find_device(devices: list[Mapping[str, Any]], wanted: str | int) -> Mapping[str, Any]:
    """The device with this index, or whose name holds `wanted`; the first for `auto`. Raises `SourceError`."""
    if not devices:
        raise SourceError("no microphone found; plug one in (arecord -l lists them) or set microphone.enabled = false")
    if wanted == "auto":
        return devices[0]
    for device in devices:
        if device["index"] == wanted or (isinstance(wanted, str) and wanted.lower() in str(device["name"]).lower()):
            return device
    raise SourceError(f"no microphone {wanted!r}; `edge-emotion devices` lists those there are")


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Sends what C libraries write to standard error nowhere: ALSA and JACK talk of every device that is not there."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
