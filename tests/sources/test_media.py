"""Media files: the items of intact ones, and of all kinds of broken ones."""

from __future__ import annotations

import logging
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="no PyAV here (pip install 'edge-emotion[media]')")

from numpy.typing import NDArray
from support.media_files import picture, tone, write
from support.running_loop import Running

from edge.config import Config, Face, Voice, Words
from edge.errors import MissingExtraError, SourceEnded, SourceError
from edge.health import catalogue
from edge.observation import AudioChunk, Frame
from edge.runtime import senses
from edge.runtime.feeds import Inputs
from edge.sources.media import MediaFile
from edge.sources.paced import PacedMedia

RATE = 16_000

# Rows of an MP4's display matrix, 16.16 fixed point but for the last column, 2.30.
MATRIX_IDENTITY = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
MATRIX_QUARTER_TURN = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)


def read_all(source: MediaFile, limit: int = 100_000) -> list[Frame | AudioChunk]:
    """All items; closes the source. Raises what `open` raises."""
    items: list[Frame | AudioChunk] = []
    with source:
        try:
            while len(items) < limit:
                items.append(source.read())
        except SourceEnded:
            pass
    return items


def frames(items: list[Frame | AudioChunk]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def chunks(items: list[Frame | AudioChunk]) -> list[AudioChunk]:
    return [item for item in items if isinstance(item, AudioChunk)]


def sound(items: list[Frame | AudioChunk]) -> NDArray[np.float32]:
    return np.concatenate([chunk.samples for chunk in chunks(items)])


def brightness(frame: Frame) -> float:
    """Of the lower right quarter, which carries the picture's number."""
    height, width, _ = frame.image.shape
    return float(frame.image[height * 3 // 4 :, width * 3 // 4 :].mean())


# Whole files


def test_picture_and_sound_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    media = MediaFile(write(tmp_path / "both.mp4", video_s=3, audio_s=3))
    items = read_all(media)
    assert (media.has_video, media.has_audio, media.fps) == (True, True, 10)
    assert media.duration == pytest.approx(3, abs=0.1)
    times = [item.captured_at for item in items]
    assert times == sorted(times)
    assert [frame.captured_at for frame in frames(items)] == pytest.approx(np.arange(30) / 10)
    assert [frame.sequence for frame in frames(items)] == list(range(30))
    assert [brightness(frame) for frame in frames(items)] == pytest.approx(2 * np.arange(30), abs=6)


def test_pictures_are_blue_green_red(tmp_path: Path) -> None:
    first = frames(read_all(MediaFile(write(tmp_path / "picture.mp4", video_s=1))))[0].image
    assert (first.dtype, first.shape) == (np.uint8, (120, 160, 3))
    assert first[20, 30] == pytest.approx(picture(0)[20, 30], abs=20)


def test_sound_is_mono_at_16_khz_in_chunks_of_32_ms_without_a_gap(tmp_path: Path) -> None:
    # Uncompressed, so that it can be compared.
    items = read_all(MediaFile(write(tmp_path / "tone.wav", audio_s=2, audio_codec="pcm_s16le", rate=48_000)))
    assert {chunk.rate for chunk in chunks(items)} == {RATE}
    assert {len(chunk.samples) for chunk in chunks(items)[:-1]} == {512}
    starts = np.cumsum([0, *(chunk.duration for chunk in chunks(items)[:-1])])
    assert [chunk.captured_at for chunk in chunks(items)] == pytest.approx(starts)
    heard = sound(items)
    assert heard.dtype == np.float32
    assert len(heard) == 2 * RATE
    # But for the resampler's edges it is the same tone, in the same place.
    assert heard[500:-500] == pytest.approx(tone(2, RATE)[500:-500], abs=2e-3)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "flv"])
def test_order_and_times_hold_in_every_container(tmp_path: Path, suffix: str) -> None:
    codec = {"flv": "flv", "ts": "mpeg2video"}.get(suffix, "mpeg4")
    fps = 25 if suffix == "ts" else 10
    path = write(tmp_path / f"both.{suffix}", video_s=2, audio_s=2, video_codec=codec, fps=fps)
    items = read_all(MediaFile(path))
    times = [item.captured_at for item in items]
    assert times == sorted(times)
    assert [frame.captured_at for frame in frames(items)] == pytest.approx(np.arange(2 * fps) / fps, abs=0.06)
    assert len(sound(items)) == pytest.approx(2 * RATE, abs=0.1 * RATE)


def test_order_holds_where_the_file_has_all_pictures_before_the_sound(tmp_path: Path) -> None:
    items = read_all(MediaFile(write(tmp_path / "apart.mp4", video_s=6, audio_s=6, apart=True)))
    times = [item.captured_at for item in items]
    assert times == sorted(times)
    assert len(frames(items)) == 60


def test_reordered_pictures_come_in_the_order_in_which_they_are_shown(tmp_path: Path) -> None:
    items = read_all(MediaFile(write(tmp_path / "b.mp4", video_s=3, audio_s=3, video_codec="libx264")))
    assert [frame.captured_at for frame in frames(items)] == pytest.approx(np.arange(30) / 10)
    assert [brightness(frame) for frame in frames(items)] == pytest.approx(2 * np.arange(30), abs=6)
    times = [item.captured_at for item in items]
    assert times == sorted(times)


def test_video_without_sound_and_sound_without_video(tmp_path: Path) -> None:
    silent = MediaFile(write(tmp_path / "silent.mp4", video_s=1))
    assert {type(item) for item in read_all(silent)} == {Frame}
    assert (silent.has_video, silent.has_audio) == (True, False)
    blind = MediaFile(write(tmp_path / "blind.m4a", audio_s=1))
    assert {type(item) for item in read_all(blind)} == {AudioChunk}
    assert (blind.has_video, blind.has_audio, blind.fps) == (False, True, 0)


def test_sound_that_starts_later_keeps_its_place(tmp_path: Path) -> None:
    items = read_all(MediaFile(write(tmp_path / "late.mkv", video_s=3, audio_s=1, audio_start_s=1.5)))
    assert chunks(items)[0].captured_at == pytest.approx(1.5, abs=0.05)
    assert frames(items)[0].captured_at == 0


def test_sound_that_ends_early_does_not_hold_the_picture_back(tmp_path: Path) -> None:
    items = read_all(MediaFile(write(tmp_path / "short.mp4", video_s=15, audio_s=1)))
    assert len(frames(items)) == 150
    times = [item.captured_at for item in items]
    assert times == sorted(times)


def test_large_pictures_are_scaled_down_and_keep_their_shape(tmp_path: Path) -> None:
    path = write(tmp_path / "large.mp4", video_s=0.3, size=(1280, 720))
    assert frames(read_all(MediaFile(path)))[0].image.shape == (360, 640, 3)
    assert frames(read_all(MediaFile(path, max_side=320)))[0].image.shape == (180, 320, 3)
    assert frames(read_all(MediaFile(path, max_side=4000)))[0].image.shape == (720, 1280, 3)


def test_a_film_that_a_telephone_took_upright_is_shown_upright(tmp_path: Path) -> None:
    path = write(tmp_path / "upright.mp4", video_s=0.5)
    data = path.read_bytes()
    # The matrix in the track's header, identity, becomes a quarter turn clockwise: how telephones store such films.
    header = data.index(b"tkhd")
    lying, turned = (struct.pack(">9i", *matrix) for matrix in (MATRIX_IDENTITY, MATRIX_QUARTER_TURN))
    at = data.index(lying, header)
    path.write_bytes(data[:at] + turned + data[at + len(lying) :])
    image = frames(read_all(MediaFile(path)))[0].image
    assert image.shape == (160, 120, 3)
    # The blue quarter was in the upper left.
    assert image[20, 100] == pytest.approx(picture(0)[20, 30], abs=20)
    assert image[20, 20] == pytest.approx(picture(0)[100, 30], abs=20)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "both.mp4", video_s=1, audio_s=1)
    once, again = read_all(MediaFile(path)), read_all(MediaFile(path))
    assert [item.captured_at for item in once] == [item.captured_at for item in again]
    assert all((one.image == two.image).all() for one, two in zip(frames(once), frames(again), strict=True))
    assert (sound(once) == sound(again)).all()


def test_a_loop_goes_on_growing_in_time(tmp_path: Path) -> None:
    media = MediaFile(write(tmp_path / "both.mp4", video_s=1, audio_s=1), loop=True)
    items = read_all(media, limit=150)
    times = [item.captured_at for item in items]
    assert times == sorted(times)
    assert len(frames(items)) > 25
    assert np.diff([frame.captured_at for frame in frames(items)]) == pytest.approx(0.1, abs=0.08)
    assert [frame.sequence for frame in frames(items)] == list(range(len(frames(items))))
    assert media.rounds_start > 1.9


def test_a_source_can_be_opened_again(tmp_path: Path) -> None:
    media = MediaFile(write(tmp_path / "both.mp4", video_s=1, audio_s=1))
    assert len(read_all(media)) == len(read_all(media)) > 10
    media.close()
    with pytest.raises(SourceEnded):
        media.read()


def test_closing_from_another_thread_ends_reading(tmp_path: Path) -> None:
    media = MediaFile(write(tmp_path / "both.mp4", video_s=1, audio_s=1), loop=True)
    media.open()
    ended = threading.Event()

    def read() -> None:
        try:
            while True:
                media.read()
        except SourceEnded:
            ended.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.2)
    media.close()
    assert ended.wait(10)


# Broken files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", r"empty\.mp4 is empty"),
        ("noise.mp4", bytes(range(256)) * 40, r"noise\.mp4 is no media file that can be read"),
        ("words.txt", b"What a lovely day!\n" * 200, r"words\.txt is no media file that can be read"),
        ("words.mp4", b"What a lovely day!\n" * 200, r"words\.mp4 is no media file that can be read"),
    ],
)
def test_a_file_that_is_not_media_is_one_clear_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        MediaFile(path).open()
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4: no such file"):
        MediaFile(tmp_path / "none.mp4").open()
    with pytest.raises(SourceError, match="not a file"):
        MediaFile(tmp_path).open()


def test_a_file_that_was_cut_before_its_index_cannot_be_read(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", video_s=3, audio_s=3)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"cut\.mp4 is no media file that can be read"):
        MediaFile(cut).open()


@pytest.mark.parametrize(
    ("name", "options"), [("cut.mp4", {"movflags": "faststart"}), ("cut.mkv", {}), ("cut.flv", {}), ("cut.ts", {})]
)
def test_a_truncated_file_gives_its_readable_part(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    codec = {"cut.flv": "flv", "cut.ts": "mpeg2video"}.get(name, "mpeg4")
    whole = write(
        tmp_path / f"whole{Path(name).suffix}",
        video_s=4,
        audio_s=4,
        video_codec=codec,
        fps=25,
        container_options=options,
    )
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    items = read_all(MediaFile(cut))
    assert 20 < len(frames(items)) < 90
    assert len(chunks(items)) > 20


def test_damage_in_the_middle_is_counted_reported_once_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "both.mkv", video_s=6, audio_s=6, video_codec="libx264")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(3).bytes(600)
    path.write_bytes(data)
    media = MediaFile(path)
    with caplog.at_level(logging.WARNING):
        items = read_all(media)
    assert media.refused > 0
    assert len([record for record in caplog.records if "is damaged" in record.message]) == 1
    # There is something from before the damage and from behind it.
    assert chunks(items)[0].captured_at < 0.1
    assert chunks(items)[-1].captured_at > 5.5
    assert frames(items)[-1].captured_at > 5.5
    times = [item.captured_at for item in items]
    assert times == sorted(times)


def spoilt(path: Path, out: Path, spoil: Callable[[bytes], bytes], numbers: set[int]) -> Path:
    """A copy of a film in which `spoil` was done to the packets of these numbers."""
    import av

    with av.open(str(path)) as film, av.open(str(out), "w") as copy:
        stream = copy.add_stream_from_template(film.streams.video[0])
        packets = (packet for packet in film.demux(video=0) if packet.size)
        for number, packet in enumerate(packets):
            data = bytes(packet)
            changed = av.Packet(spoil(data) if number in numbers else data)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, stream
            copy.mux(changed)
    return out


SPOIL: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda data: data[: len(data) * 6 // 10],
    "lacks a part": lambda data: data[: len(data) * 6 // 10] + data[len(data) * 9 // 10 :],
    "holds strange bytes": lambda data: (
        data[: len(data) * 6 // 10]
        + np.random.default_rng(6).bytes(len(data) - 2 - len(data) * 6 // 10)
        + data[len(data) - 2 :]
    ),
}


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4", "mpeg2video", "libx264"])
@pytest.mark.parametrize("kind", SPOIL)
def test_damaged_pictures_are_counted_and_not_given(tmp_path: Path, codec: str, kind: str) -> None:
    whole = write(tmp_path / "whole.mkv", video_s=3, video_codec=codec, noise=20)
    before = MediaFile(whole)
    assert len(frames(read_all(before))) == 30
    assert before.refused == 0
    # The last packet, so that nothing is built upon it.
    damaged = MediaFile(spoilt(whole, tmp_path / "damaged.mkv", SPOIL[kind], {29}))
    given = frames(read_all(damaged))
    assert (len(given), damaged.refused) == (29, 1)
    assert [frame.sequence for frame in given] == list(range(29))


def test_damaged_pictures_of_a_film_are_counted_in_health(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.avi", video_s=2, video_codec="mjpeg", noise=20)
    path = spoilt(whole, tmp_path / "damaged.avi", SPOIL["cut short"], set(range(5, 20, 2)))
    config = Config(face=Face(detector="haar", landmarks=False), voice=Voice(enabled=False), words=Words(enabled=False))
    inputs = Inputs(media=lambda: PacedMedia(MediaFile(path)))
    with Running(senses.build(config), inputs, config) as live:
        live.until(lambda: live.registry.count(catalogue.MEDIA_FILE_ITEMS_FAILED) == 8, "they are counted")


def test_damage_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", video_s=2, video_codec="mjpeg")
    data = path.read_bytes()
    # The frame of the container stays whole, each picture in it does not.
    spoiled = data.replace(b"\xff\xd8", b"\x00\x00").replace(b"\xff\xda", b"\x00\x00").replace(b"\xff\xc0", b"\x00\x00")
    path.write_bytes(spoiled)
    with pytest.raises(SourceError, match="damaged"):
        read_all(MediaFile(path))


def test_the_cover_of_a_song_is_not_read_as_video(tmp_path: Path) -> None:
    import av

    song = write(tmp_path / "song.mp3", audio_s=1, audio_codec="mp3")
    covered = tmp_path / "covered.mp3"
    cover = write(tmp_path / "cover.avi", video_s=0.1, video_codec="mjpeg")
    with av.open(str(song)) as sounds, av.open(str(cover)) as pictures, av.open(str(covered), "w") as out:
        streams = [out.add_stream_from_template(source.streams[0]) for source in (sounds, pictures)]
        streams[1].disposition = av.stream.Disposition.attached_pic
        for source, stream in zip((pictures, sounds), reversed(streams), strict=True):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    media = MediaFile(covered)
    assert {type(item) for item in read_all(media)} == {AudioChunk}
    assert not media.has_video


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "picture.mp4", video_s=0.2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'av>="):
        MediaFile(path).open()


# Real clips


@pytest.mark.corpora
def test_real_clips_come_whole_and_in_order(corpora: Path) -> None:
    av = corpora / "av"
    paths = sorted([*av.glob("clips/*.mp4"), *av.glob("clips/*.mov"), *av.glob("crema_d/*.flv")])
    assert paths, f"no films in {av}"
    for path in paths:
        media = MediaFile(path)
        items = read_all(media)
        times = [item.captured_at for item in items]
        assert times == sorted(times), path.name
        assert media.refused == 0, path.name
        assert len(frames(items)) == pytest.approx(media.duration * media.fps, rel=0.05, abs=2), path.name
        assert times[-1] == pytest.approx(media.duration, abs=0.1), path.name
        assert max(frames(items)[0].image.shape) <= 640
