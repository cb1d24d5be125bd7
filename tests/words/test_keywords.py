"""Spoken keywords: found where they occur, rarely elsewhere; valid and invalid keyword files."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.clip_sound import clip_sound
from support.details import keyword_detail

from edge.emotions import LABELS, top
from edge.errors import ConfigError, MissingExtraError, SourceError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.listener import Step
from edge.hearing.resample import Resampler
from edge.observation import Observation
from edge.words import keywords
from edge.words.keywords import KeywordSpotter

Sound = NDArray[np.float32]
SILENCE = np.zeros(16000, np.float32)

GOOD = """
[[keyword]]
phrase = "wonderful day"
threshold = 1e-20
emotions = { happiness = 0.6, surprise = 0.2 }
"""


@pytest.fixture(scope="module")
def spotter() -> KeywordSpotter:
    return KeywordSpotter()


def say(text: str, voice: str = "en-us+f2") -> Sound:
    """espeak-ng's voice at 16 kHz, with a pause on either side."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here (apt-get install espeak-ng)")
    import soundfile

    spoken = subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "--stdout", text], capture_output=True, check=True)
    sound, rate = soundfile.read(io.BytesIO(spoken.stdout), dtype="float32")
    return np.concatenate([SILENCE[:8000], 0.3 * Resampler(rate).push(sound), SILENCE[:8000]])


def listen(spotter: KeywordSpotter, sound: Sound, starts_at: float = 0.0) -> list[Observation]:
    """Feeds steps of 10 ms; somebody speaks from 0.4 s after the sound began, as the detector would find."""
    found: list[Observation] = []
    for start in range(0, len(sound) - 159, 160):
        now = start / 16000
        found += spotter.hear(sound[start : start + 160], starts_at + now, now > 0.9)
    return found + list(spotter.flush())


def keyword(seen: Observation) -> str:
    return keyword_detail(seen).keyword


def test_the_shipped_phrases_are_well_formed() -> None:
    shipped = keywords.read()
    assert 40 <= len(shipped) <= 80
    assert len({keyword.phrase for keyword in shipped}) == len(shipped)
    assert {top(keyword.posterior) for keyword in shipped} == set(LABELS) - {"neutral"}
    for keyword in shipped:
        assert sum(keyword.posterior) == pytest.approx(1)
        assert len(re.findall(r"[aeiouy]+", keyword.phrase)) >= 2, f"{keyword.phrase!r} has one syllable"


def test_a_spoken_phrase_is_found_with_its_time(spotter: KeywordSpotter) -> None:
    sound = say("This is wonderful!")
    found = listen(spotter, sound, starts_at=100.0)
    assert [seen for seen in found if "wonderful" in keyword_detail(seen).keyword]
    seen = found[0]
    assert seen.sense == "words"
    assert top(seen.posterior) == "happiness"
    assert seen.quality == keywords.QUALITY
    assert 100.0 + len(sound) / 16000 - 1.0 < seen.captured_at <= 100.0 + len(sound) / 16000


def test_a_phrase_said_twice_is_found_twice(spotter: KeywordSpotter) -> None:
    once = say("This is wonderful!")
    found = [keyword_detail(seen).keyword for seen in listen(spotter, np.concatenate([once, SILENCE, once]))]
    assert sum("wonderful" in phrase for phrase in found) == 2


def test_nothing_is_heard_while_nobody_speaks(spotter: KeywordSpotter) -> None:
    sound = say("This is wonderful!")
    found = [spotter.hear(sound[at : at + 160], at / 16000, False) for at in range(0, len(sound), 160)]
    assert not any(found)
    assert spotter._buffered_samples <= 0.82 * 16000
    assert spotter.flush() == ()


def test_silence_and_noise_hold_no_phrase(spotter: KeywordSpotter) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 16000 * 8).astype(np.float32)
    assert listen(spotter, np.concatenate([SILENCE, SILENCE, noise])) == []


def test_stages_are_timed() -> None:
    registry = Registry()
    listen(KeywordSpotter(registry=registry), say("This is wonderful!"))
    assert list(registry.snapshot().histograms) == [catalogue.KEYWORDS]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    assert KeywordSpotter(file).phrases == ("wonderful day",)
    posterior = keywords.read(file)[0].posterior
    assert posterior[LABELS.index("happiness")] == pytest.approx(0.6 + 0.2 / 7)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace("wonderful day", "xyzzy day"), "no 'xyzzy'"),
        (GOOD.replace("surprise", "joy"), "'joy'"),
        (GOOD.replace("0.6", "0.9"), "more than 1"),
        (GOOD.replace("1e-20", "-3.0"), "threshold"),
        (GOOD.replace("wonderful day", "Wonderful"), "phrase"),
        (GOOD.replace("threshold", "treshold"), "treshold"),
        ("", "keyword"),
        ("[[keyword", "mine.toml"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        KeywordSpotter(file)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        KeywordSpotter(tmp_path / "gone.toml")


def test_without_pocketsphinx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*pocketsphinx"):
        KeywordSpotter()


WONDERFUL = slice(round(3.0 * 16000), round(5.0 * 16000))
"""Times in the clip of the sentence "This is wonderful!"."""


def heard(spotter: KeywordSpotter, sound: Sound, *, from_s: float = 0.3, until_s: float = 1e9) -> list[Observation]:
    """What is spotted while somebody speaks from `from_s` to `until_s`, in one utterance."""
    found: list[Observation] = []
    for start in range(0, len(sound) - 159, 160):
        now = start / 16000
        found += spotter.on_step(Step(sound[start : start + 160], 50.0 + now, from_s <= now < until_s))
    return found + list(spotter.on_end(None))


def phrases(found: list[Observation]) -> list[str]:
    return [keyword(seen) for seen in found]


def test_the_phrases_of_the_clip_are_found_at_their_times(spotter: KeywordSpotter) -> None:
    found = heard(spotter, clip_sound(), from_s=0.9)
    assert phrases(found) == ["i am so happy", "wonderful", "so lonely"]
    assert [seen.captured_at for seen in found] == pytest.approx([51.61, 54.19, 63.39], abs=0.05)
    assert [top(seen.posterior) for seen in found] == ["happiness", "happiness", "sadness"]


def test_every_phrase_of_one_utterance_is_found_once(spotter: KeywordSpotter) -> None:
    sound = np.concatenate([clip_sound()[WONDERFUL]] * 3)
    found = heard(spotter, sound)
    assert phrases(found) == ["wonderful"] * 3
    times = [seen.captured_at for seen in found]
    assert np.diff(times) == pytest.approx([2.0, 2.0], abs=0.1)


def test_a_second_utterance_is_heard_as_the_first(spotter: KeywordSpotter) -> None:
    for _ in range(3):
        assert phrases(heard(spotter, clip_sound()[WONDERFUL])) == ["wonderful"]


def test_a_phrase_that_ends_with_the_utterance_is_found(spotter: KeywordSpotter) -> None:
    assert phrases(heard(spotter, clip_sound()[WONDERFUL], until_s=1.38)) == ["wonderful"]


def test_a_phrase_before_the_look_back_is_not_heard(spotter: KeywordSpotter) -> None:
    assert phrases(heard(spotter, clip_sound()[WONDERFUL], from_s=1.9)) == []


def test_the_clip_in_silence_gives_nothing(spotter: KeywordSpotter) -> None:
    assert heard(spotter, clip_sound(), from_s=1e9) == []


@pytest.mark.corpora
def test_real_speech_without_a_phrase_raises_few_alarms(spotter: KeywordSpotter, corpora: Path) -> None:
    import soundfile

    alarms, seconds = [], 0.0
    for file in sorted(Path(corpora, "voice").glob("ravdess/Actor_*/*.flac"))[::40]:
        sound, _ = soundfile.read(file, dtype="float32")
        alarms += [keyword_detail(seen).keyword for seen in listen(spotter, np.concatenate([SILENCE, sound]))]
        seconds += len(sound) / 16000
    assert len(alarms) <= 2, f"{alarms} in {seconds:.0f} s"


def test_no_room_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    with pytest.raises(SourceError, match="temporary files: Not a directory; free some space") as refused:
        KeywordSpotter()
    assert "\n" not in str(refused.value)
