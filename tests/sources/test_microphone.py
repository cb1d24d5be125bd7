"""The microphone: against PyAudio and a virtual sound card, and against a stand-in for what no virtual one does."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from support import virtual_microphone
from support.virtual_microphone import RATE, VirtualMicrophone

from edge import config
from edge.errors import MissingExtraError, SourceEnded, SourceError
from edge.quiet import quiet_stderr
from edge.sources import microphone as microphone_module
from edge.sources.fake_hardware import FakeDevice, fake_pyaudio
from edge.sources.microphone import CHUNK_S, Microphone
from edge.sources.portaudio import CHATTER, choose

RECORD = """
import sys, time
import numpy as np
from edge import config
from edge.errors import SourceError
from edge.sources.microphone import Microphone

out, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
with Microphone(config.Microphone(rate=rate)) as microphone:
    chunks = [microphone.read()]
    print("recording", flush=True)
    started = time.monotonic()
    try:
        while time.monotonic() - started < seconds:
            chunks.append(microphone.read())
    except SourceError as error:
        print(error, flush=True)
np.savez(
    out,
    samples=np.concatenate([chunk.samples for chunk in chunks]),
    starts=[chunk.captured_at for chunk in chunks],
    lengths=[len(chunk.samples) for chunk in chunks],
    rates=[chunk.rate for chunk in chunks],
    overruns=sum(chunk.overruns for chunk in chunks),
    started=started,
)
"""


@pytest.fixture(scope="module")
def sound_card() -> Iterator[VirtualMicrophone]:
    yield from virtual_microphone.running()


@pytest.fixture
def spoken(tmp_path: Path) -> tuple[Path, NDArray[np.int16]]:
    """Two seconds that no two stretches of are alike: a rising tone with noise."""
    soundfile = pytest.importorskip("soundfile")
    time = np.arange(2 * RATE) / RATE
    noise = np.random.default_rng(7).standard_normal(len(time))
    wave = 0.4 * np.sin(2 * np.pi * (200 + 400 * time) * time) + 0.02 * noise
    samples = np.asarray(np.clip(wave, -1, 1) * 32767, np.int16)
    path = tmp_path / "spoken.wav"
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path, samples


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    return out, err


def wait_until_recording(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "recording\n", line + (process.communicate()[1])


def test_played_sound_is_recorded_sample_for_sample(
    sound_card: VirtualMicrophone, spoken: tuple[Path, NDArray[np.int16]], tmp_path: Path
) -> None:
    wav, samples = spoken
    recorder = sound_card.python(RECORD, str(tmp_path / "heard.npz"), "6", str(RATE))
    wait_until_recording(recorder)
    assert sound_card.play(wav).wait(timeout=30) == 0
    _, err = finish(recorder)
    heard = np.load(tmp_path / "heard.npz")
    recorded = np.rint(heard["samples"] * 32768).astype(np.int16)
    # A second from the middle: the sound server may trim the ends.
    probe = samples[RATE // 2 : RATE // 2 + RATE]
    # Found by its loudest 64 samples, then compared as a whole.
    windows = np.lib.stride_tricks.sliding_window_view(recorded, 64)
    starts = [start for start in np.flatnonzero((windows == probe[:64]).all(axis=1)) if start + RATE <= len(recorded)]
    assert starts, "the recording does not hold what was played"
    assert any((recorded[start : start + RATE] == probe).mean() > 0.999 for start in starts)
    assert "ALSA" not in err
    assert "jack" not in err


def test_chunks_follow_each_other_in_time(sound_card: VirtualMicrophone, tmp_path: Path) -> None:
    recorder = sound_card.python(RECORD, str(tmp_path / "heard.npz"), "2", str(RATE))
    finish(recorder)
    heard = np.load(tmp_path / "heard.npz")
    assert set(heard["rates"]) == {RATE}
    assert set(heard["lengths"]) == {round(CHUNK_S * RATE)}
    # Where the machine was too busy to record, sound was lost, and said to be.
    if heard["overruns"] == 0:
        steps = np.diff(heard["starts"])
        assert (steps > 0).all()
        assert abs(np.median(steps) - CHUNK_S) < CHUNK_S / 4
    # The first chunk lay in the past when its reader got it.
    assert heard["starts"][0] < heard["started"]


def test_the_end_of_the_sound_server_is_reported(tmp_path: Path) -> None:
    lacking = virtual_microphone.missing()
    if lacking:
        pytest.skip(lacking)
    card = VirtualMicrophone()
    try:
        recorder = card.start().python(RECORD, str(tmp_path / "heard.npz"), "30", str(RATE))
        wait_until_recording(recorder)
        card.unplug()
        out, _ = finish(recorder)
    finally:
        card.stop()
    assert "gives no more sound; is it still plugged in?" in out
    assert len(out.strip().splitlines()) == 1


HANGS = """
import sys, time
from edge import config
from edge.errors import SourceError
from edge.sources.microphone import Microphone

microphone = Microphone(config.Microphone())
microphone.open()
microphone.read()
print("recording", flush=True)
last = time.monotonic()
try:
    while True:
        microphone.read()
        last = time.monotonic()
except SourceError as error:
    print(error, flush=True)
microphone.close()
print(time.monotonic() - last, flush=True)
for _ in range(2):
    try:
        microphone.open()
    except SourceError as error:
        print(error, flush=True)
sys.stdin.readline()
for _ in range(100):
    try:
        microphone.open()
        break
    except SourceError:
        time.sleep(0.1)
print(len(microphone.read().samples), flush=True)
"""


def test_a_sound_server_that_hangs_is_named_at_once_and_does_not_hang_us() -> None:
    lacking = virtual_microphone.missing()
    if lacking:
        pytest.skip(lacking)
    card = VirtualMicrophone()
    try:
        recorder = card.start().python(HANGS, stdin=subprocess.PIPE)
        wait_until_recording(recorder)
        card.freeze()
        assert recorder.stdout is not None
        lines = [recorder.stdout.readline() for _ in range(4)]
        assert "gives no more sound; is it still plugged in?" in lines[0]
        # Twice a second and a half of what it takes, for a machine that is busy.
        assert float(lines[1]) < 3.0
        for line in lines[2:]:
            assert "hangs in the sound server; restart PulseAudio or PipeWire" in line
        card.thaw()
        out, err = recorder.communicate("\n", timeout=60)
        assert out == "512\n", err
    finally:
        card.thaw()
        card.stop()


def test_no_sound_card_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("pyaudio")
    code = (
        "from edge import config\nfrom edge.errors import SourceError\nfrom edge.sources.microphone import Microphone\n"
        "try:\n    Microphone(config.Microphone()).open()\nexcept SourceError as error:\n    print(error)\n"
    )
    bare = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    bare |= {"PULSE_SERVER": f"unix:{tmp_path}/none"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, timeout=60, check=True
    )
    if not done.stdout:
        pytest.skip("this machine has a microphone")
    assert done.stdout.startswith("no microphone ")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


# Behaviour that no virtual sound card shows.


def install(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", module)


def test_full_scale_is_one_and_lost_sound_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("USB microphone", overflow_at=2)))
    with Microphone(config.Microphone()) as microphone:
        assert microphone.name == "microphone USB microphone"
        chunks = [microphone.read() for _ in range(4)]
    assert [chunk.overruns for chunk in chunks] == [0, 0, 1, 0]
    assert chunks[0].samples.dtype == np.float32
    assert np.abs(chunks[0].samples).max() == pytest.approx(0.5, abs=1e-3)
    assert chunks[0].duration == pytest.approx(CHUNK_S)


def test_chunks_that_nobody_took_in_time_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("USB microphone", chunks=6)))
    with Microphone(config.Microphone()) as microphone:
        data, clock = bytes(1024), {"current_time": 0.032, "input_buffer_adc_time": 0.0}
        microphone._chunks = chunks = queue.Queue(2)  # type: ignore[var-annotated]
        take = microphone._callback(0, 2, 16_000, 1)
        for _ in range(5):
            take(data, 512, clock, 0)
        assert [chunks.get_nowait()[2] for _ in range(2)] == [0, 0]
        take(data, 512, clock, 2)
        take(data, 512, clock, 0)
        # Three found no room, and the device lost something besides; after that nothing.
        assert [chunks.get_nowait()[2] for _ in range(2)] == [4, 0]


@pytest.mark.parametrize(("ago", "believed"), [(0.0, 0.032), (0.032, 0.032), (0.5, 0.5), (-3.0, 0.032), (900.0, 0.032)])
def test_the_streams_own_clock_is_believed_where_it_can_be_true(
    monkeypatch: pytest.MonkeyPatch, ago: float, believed: float
) -> None:
    monkeypatch.setattr(microphone_module.time, "monotonic", lambda: 1000.0)  # type: ignore[attr-defined]
    microphone = Microphone(config.Microphone())
    take = microphone._callback(0, 2, 16_000, 1)
    take(bytes(1024), 512, {"current_time": ago, "input_buffer_adc_time": 0.0}, 0)
    assert microphone._chunks.get_nowait()[1] == pytest.approx(1000.0 - believed)


def test_a_device_that_cannot_do_the_rate_is_opened_at_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("old sound card", rates=(44_100,))))
    with Microphone(config.Microphone(rate=16_000)) as microphone:
        chunk = microphone.read()
    assert chunk.rate == 44_100
    assert len(chunk.samples) == round(CHUNK_S * 44_100)


def test_a_rate_that_nobody_can_read_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("studio interface", rates=(192_000, 48_000))))
    with Microphone(config.Microphone(rate=16_000)) as microphone:
        assert microphone.read().rate == 48_000
    install(monkeypatch, fake_pyaudio(FakeDevice("studio interface", rates=(192_000,))))
    with pytest.raises(SourceError, match="no microphone can be opened: studio interface"):
        Microphone(config.Microphone(rate=16_000)).open()


def test_an_array_of_microphones_gives_all_its_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("array", channels=(6,))))
    with Microphone(config.Microphone()) as microphone:
        chunk = microphone.read()
    assert chunk.samples.shape == (512, 6)
    assert chunk.duration == pytest.approx(0.032)
    assert (chunk.samples[:, 0] == chunk.samples[:, 5]).all()


def test_a_busy_default_device_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("headset", busy=True), FakeDevice("webcam")))
    with caplog.at_level(logging.WARNING), Microphone(config.Microphone()) as microphone:
        assert microphone.read().rate == 16_000
    assert "microphone webcam is taken, since headset (Device unavailable) cannot be opened" in caplog.text


def test_a_device_that_is_named_is_not_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("headset", busy=True), FakeDevice("webcam")))
    with pytest.raises(SourceError, match=r"headset.*Device unavailable.*in use elsewhere"):
        Microphone(config.Microphone(device="headset")).open()


def test_an_unplugged_microphone_is_reported_and_can_be_reopened(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("USB microphone", chunks=2)))
    microphone = Microphone(config.Microphone())
    for _ in range(2):
        with microphone:
            microphone.read()
            microphone.read()
            with pytest.raises(SourceError, match="USB microphone gives no more sound"):
                microphone.read()


def test_closing_ends_a_waiting_read(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake_pyaudio(FakeDevice("USB microphone")))
    microphone = Microphone(config.Microphone())
    microphone.open()
    ended = []

    def read_all() -> None:
        try:
            while True:
                microphone.read()
        except SourceEnded as error:
            ended.append(error)

    reader = threading.Thread(target=read_all, daemon=True)
    reader.start()
    microphone.close()
    microphone.close()
    reader.join(timeout=10)
    assert ended


@pytest.mark.parametrize(
    ("devices", "wanted", "message"),
    [
        ((), "auto", "no microphone found; plug one in"),
        ((FakeDevice("speaker", channels=()),), "auto", "no microphone found; plug one in"),
        ((FakeDevice("webcam"),), "headset", "no microphone 'headset'; there are: 0 'webcam'"),
        ((FakeDevice("webcam"),), 3, "no microphone 3; there are: 0 'webcam'"),
    ],
)
def test_a_microphone_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, devices: tuple[FakeDevice, ...], wanted: str | int, message: str
) -> None:
    install(monkeypatch, fake_pyaudio(*devices, default=None))
    with pytest.raises(SourceError, match=message):
        Microphone(config.Microphone(device=wanted)).open()


def test_devices_are_chosen_by_index_by_name_or_by_a_part_of_it() -> None:
    devices = [FakeDevice(name).info(index) for index, name in enumerate(("USB Audio: pro", "webcam", "usb audio"))]

    def names(wanted: str | int) -> list[str]:
        return [device["name"] for device in choose(devices, wanted)]

    assert names("auto") == ["USB Audio: pro", "webcam", "usb audio"]
    assert names(1) == names("1") == ["webcam"]
    # The whole name comes before a part of another.
    assert names("usb audio") == ["usb audio"]
    assert names("USB") == ["USB Audio: pro", "usb audio"]


def test_without_pyaudio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(MissingExtraError, match=r"portaudio19-dev.*pip install 'pyaudio"):
        Microphone(config.Microphone()).open()


def test_only_the_audio_libraries_chatter_is_kept_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr(CHATTER), quiet_stderr(CHATTER):
        os.write(2, b"ALSA lib pcm.c:2666:(snd_pcm_open_noupdate) Unknown PCM surround71\n")
        os.write(2, b"jack server is not running or cannot be started\n")
        os.write(2, b"another thread's word\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "another thread's word\nafterwards\n"
