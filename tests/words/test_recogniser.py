"""Speech recognisers: one's own plugged in by name and run on the clip's voice; the adapter for Vosk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.running_loop import Running

from edge import clip
from edge.config import Config, Face, Transcripts, Voice, Words
from edge.errors import ConfigError, MissingExtraError, ModelError, SourceEnded
from edge.health import catalogue
from edge.hearing.hearing import Hearing
from edge.observation import AudioChunk, Observation, Transcript
from edge.runtime import senses
from edge.runtime.feeds import Inputs
from edge.runtime.recognition import RecogniserFeed
from edge.runtime.replay import replay
from edge.sources.media import MediaFile
from edge.sources.paced import PacedMedia
from edge.words.recogniser import Recogniser, open_recogniser
from edge.words.vosk import VoskRecogniser, sentence

SAID = [json.loads(line) for line in clip.transcripts().read_text("utf-8").splitlines()]


def plain(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalpha() or char in " '")


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (extra `keywords`)")
    path = tmp_path_factory.mktemp("grammar") / "said.jsgf"
    sentences = [*(plain(line["text"]) for line in SAID), "the train leaves at five", "i am not happy with this"]
    path.write_text(f"#JSGF V1.0;\ngrammar said;\npublic <said> = {' | '.join(sentences)};\n", "utf-8")
    return path


@pytest.fixture
def config(grammar: Path) -> Config:
    return Config(
        face=Face(enabled=False),
        voice=Voice(enabled=False),
        words=Words(keywords=False),
        transcripts=Transcripts(recogniser="support.sphinx_recogniser:SphinxRecogniser", recogniser_model=grammar),
    )


def sound() -> Iterator[AudioChunk]:
    with MediaFile(clip.path()) as media:
        while True:
            try:
                item = media.read()
            except SourceEnded:
                return
            if isinstance(item, AudioChunk):
                yield item


def understood(recogniser: Recogniser) -> list[Transcript]:
    """Its transcripts of the clip's sound, fed through the hearing."""
    found: list[Transcript] = []
    hearing = Hearing([RecogniserFeed(lambda chunk: found.extend(recogniser.feed(chunk)))])
    for chunk in sound():
        hearing.hear(chunk)
    hearing.flush()
    return [*found, *recogniser.flush()]


def test_a_recogniser_of_ones_own_understands_the_clip(config: Config) -> None:
    recogniser = open_recogniser(config.transcripts)
    assert isinstance(recogniser, Recogniser)
    found = understood(recogniser)
    assert [said.text for said in found] == [plain(line["text"]) for line in SAID]
    assert [said.captured_at for said in found] == pytest.approx([line["time"] for line in SAID], abs=0.3)


def test_replay_reads_what_was_recognised(config: Config) -> None:
    def words() -> list[Observation]:
        with MediaFile(clip.path()) as media:
            found = list(replay(media, senses.build(config), config))
        return [item for item in found if isinstance(item, Observation) and item.sense == "words"]

    found = words()
    assert len(found) == len(SAID)
    assert found[0].posterior[3] > 0.5  # happiness, of "I am so happy to see you"
    assert found[-1].posterior[5] > 0.5  # sadness, of "I am so sad and so lonely"
    assert [item.captured_at for item in found] == sorted(item.captured_at for item in found)
    assert [item.posterior for item in words()] == [item.posterior for item in found]


def test_the_live_loop_hears_the_same(config: Config) -> None:
    with Running(senses.build(config), Inputs(media=lambda: PacedMedia(MediaFile(clip.path()))), config) as running:
        running.until(lambda: running.ended, "the clip ends")
    counts = running.registry.snapshot().counters
    assert counts[catalogue.WORDS_TRANSCRIPTS] == len(SAID)
    assert counts[catalogue.WORDS_OBSERVATIONS] == len(SAID)
    assert counts[catalogue.WORDS_CHUNKS_DROPPED] == 0


class SlowRecogniser:
    """Blocks in its first chunk until it is released."""

    free = threading.Event()

    def __init__(self, _model: Path | None) -> None: ...

    def feed(self, _chunk: AudioChunk) -> tuple[Transcript, ...]:
        self.free.wait(30)
        raise ModelError("it cannot go on")

    def flush(self) -> tuple[Transcript, ...]:
        return ()


def test_a_slow_or_failing_recogniser_holds_up_nobody_and_is_counted() -> None:
    config = Config(
        face=Face(enabled=False),
        words=Words(keywords=False),
        transcripts=Transcripts(recogniser=f"{__name__}:SlowRecogniser"),
    )
    # The name under which pytest knows this module.
    sys.modules.setdefault(__name__, sys.modules[SlowRecogniser.__module__])
    with Running(senses.build(config), Inputs(media=lambda: PacedMedia(MediaFile(clip.path(), loop=True)))) as running:
        running.until(lambda: "voice" in running.recorder.senses(), "the voice is read meanwhile")
        SlowRecogniser.free.set()
        running.until(lambda: running.registry.count(catalogue.WORDS_CHUNKS_FAILED) > 0, "its fault is counted")


def test_without_a_configured_recogniser_there_is_none() -> None:
    assert open_recogniser(Transcripts()) is None
    assert senses.build(Config(face=Face(enabled=False), voice=Voice(enabled=False))).recogniser is None


BAD_RECOGNISERS = """
from edge.words.recogniser import Recogniser

def lies(model) -> Recogniser:
    return object()

def takes_nothing() -> Recogniser: ...

def fails(model) -> Recogniser:
    raise RuntimeError("no graphics card")

def promises_nothing(model):
    raise AssertionError("called")

def works(model) -> Recogniser | None:
    class Deaf:
        def feed(self, chunk): return ()
        def flush(self): return ()
    return Deaf()
"""


def test_a_function_annotated_to_return_a_recogniser_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good_recogniser.py").write_text(BAD_RECOGNISERS)
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(open_recogniser(Transcripts(recogniser="good_recogniser:works")), Recogniser)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("whisper", "is none of"),
        ("a:", "is none of"),
        (":b", "is none of"),
        ("no_such_module:make", "No module named"),
        ("support.sphinx_recogniser:no_such_name", "no_such_name"),
        ("support.sphinx_recogniser:PAUSE_S", "is neither a class with `feed` and `flush` nor a function"),
        ("support.sphinx_recogniser:no_recogniser", "is neither"),
        ("os:system", "is neither"),
        ("os:remove", "is neither"),
        ("os.path:exists", "is neither"),
        ("builtins:open", "is neither"),
        ("pathlib:Path", "is neither"),
        ("pathlib:Path.unlink", "is neither"),
        ("subprocess:Popen", "is neither"),
        ("bad_recognisers:lies", "no recogniser with `feed` and `flush`"),
        ("bad_recognisers:takes_nothing", "cannot be called with the path of a model"),
        ("bad_recognisers:fails", "failed: RuntimeError: no graphics card"),
        ("bad_recognisers:promises_nothing", "is neither"),
        ("fails_to_load:make", "division by zero"),
    ],
)
@pytest.mark.usefixtures("grammar")
def test_an_error_explains_a_wrong_name(name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_recognisers.py").write_text(BAD_RECOGNISERS)
    (tmp_path / "fails_to_load.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=why) as refused:
        open_recogniser(Transcripts(recogniser=name))
    assert "\n" not in str(refused.value)


def test_a_recogniser_that_cannot_be_had_leaves_the_senses(caplog: pytest.LogCaptureFixture) -> None:
    config = Config(face=Face(enabled=False), voice=Voice(enabled=False), transcripts=Transcripts(recogniser="vosk"))
    built = senses.build(config)
    assert built.recogniser is None
    assert built.words is not None
    assert "the speech recogniser is left out: vosk needs transcripts.recogniser_model" in caplog.text


# Vosk


def test_vosk_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vosk", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*vosk"):
        open_recogniser(Transcripts(recogniser="vosk", recogniser_model=tmp_path))


def test_vosk_is_not_imported_unless_asked_for() -> None:
    code = "import sys, edge.runtime.senses, edge.words.vosk; print('vosk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_vosk_refuses_a_folder_without_a_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk", reason="vosk is not installed (extra `vosk`)")
    with pytest.raises(ModelError, match="is no folder of a Vosk model; unpack one from https"):
        VoskRecogniser(tmp_path)
    with pytest.raises(ConfigError, match="recogniser_model"):
        VoskRecogniser(None)


def test_vosk_refuses_a_broken_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk", reason="vosk is not installed (extra `vosk`)")
    (tmp_path / "am").mkdir()
    (tmp_path / "am/final.mdl").write_bytes(b"\x00B no model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        VoskRecogniser(tmp_path)


RESULT = """{"result" : [
    {"conf" : 1.0, "end" : 0.6, "start" : 0.3, "word" : "so"},
    {"conf" : 0.5, "end" : 1.2, "start" : 0.6, "word" : "happy"}], "text" : "so happy"}"""


def test_a_result_of_vosk_has_text_end_and_confidence() -> None:
    assert sentence(RESULT) == ("so happy", 1.2, 0.75)
    assert sentence('{"text": "so happy"}') == ("so happy", None, 1.0)
    assert sentence('{"text": ""}') is None
    assert sentence("{}") is None


@pytest.mark.parametrize("result", ["", "[]", '{"text": 3}', '{"text": "a", "result": [{}]}', '{"result": 3}'])
def test_an_invalid_result_is_an_error(result: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        sentence(result)


class Decoder:
    """Stands in for Kaldi's decoder, which needs a model of 40 MB: it takes each second of sound for a sentence."""

    made = 0

    def __init__(self, _model: object, rate: float) -> None:
        assert rate == 16_000
        Decoder.made += 1
        self.samples = 0

    def SetWords(self, wanted: bool) -> None:  # noqa: N802
        assert wanted

    def AcceptWaveform(self, data: bytes) -> int:  # noqa: N802
        before = self.samples // 16_000
        self.samples += len(data) // 2
        return int(self.samples // 16_000 > before)

    def Result(self) -> str:  # noqa: N802
        return json.dumps(
            {"text": "so happy", "result": [{"word": "happy", "end": self.samples // 16_000 - 0.25, "conf": 0.5}]}
        )

    def FinalResult(self) -> str:  # noqa: N802
        return json.dumps({"text": "the rest" if self.samples % 16_000 else ""})


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VoskRecogniser:
    vosk = pytest.importorskip("vosk", reason="vosk is not installed (extra `vosk`)")
    (tmp_path / "final.mdl").touch()
    monkeypatch.setattr(vosk, "Model", str)
    monkeypatch.setattr(vosk, "KaldiRecognizer", Decoder)
    Decoder.made = 0
    return VoskRecogniser(tmp_path)


def second(starts_at: float, overruns: int = 0) -> AudioChunk:
    return AudioChunk(np.zeros(1600, np.float32), 16_000, starts_at, overruns)


def test_vosk_reports_the_end_time_of_the_words(stand_in: VoskRecogniser) -> None:
    found = [said for i in range(35) for said in stand_in.feed(second(500 + i / 10))]
    assert [said.text for said in found] == ["so happy"] * 3
    assert [said.captured_at for said in found] == pytest.approx([500.75, 501.75, 502.75], abs=0.01)
    assert {said.confidence for said in found} == {0.5}
    (rest,) = stand_in.flush()
    assert rest.text == "the rest"
    assert rest.captured_at == pytest.approx(503.5, abs=0.01)
    assert stand_in.flush() == ()


def test_vosk_starts_afresh_each_time_sound_is_missing(stand_in: VoskRecogniser) -> None:
    for times in (1, 2, 3):
        assert stand_in.feed(second(10.0 * times)) == ()
        (rest,) = stand_in.feed(second(10.0 * times + 5, overruns=1))
        assert rest.text == "the rest"
        assert rest.captured_at == pytest.approx(10.0 * times + 0.1)
        stand_in.flush()
        assert Decoder.made == 2 * times


def test_vosk_understands_the_clip() -> None:
    folder = os.environ.get("EMOTION_VOSK_MODEL")
    if folder is None:
        pytest.skip("no Vosk model here (EMOTION_VOSK_MODEL names the folder of an English one)")
    pytest.importorskip("vosk", reason="vosk is not installed (extra `vosk`)")
    recogniser = VoskRecogniser(Path(folder))
    found = understood(recogniser)
    assert "happy" in " ".join(said.text for said in found)
    assert all(0 <= said.captured_at <= 16 for said in found)
