"""The voice sense with a model that takes the speaker's baseline: a small stand-in whose embedding is known."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.voices import RATE, Sound, speechlike

from edge import config, shipped
from edge.emotions import LABELS
from edge.errors import ModelError
from edge.hearing.utterance import SpeechSegment
from edge.inference import card as cards
from edge.voice.baseline import trust
from edge.voice.sense import VoiceSense, model_path
from edge.voice.whisper_mel import FRONT_END


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits: trust in the first label, the baseline in the second, nothing elsewhere. Embedding: 1 for any sound."""
    import keras

    from converters import tflite
    from converters.cards import make_card, save

    mel, baseline, share = keras.Input((300, 80)), keras.Input((2,)), keras.Input((1,))
    embedding = keras.ops.max(mel, axis=(1, 2), keepdims=True)[:, 0] * np.ones((1, 2), np.float32)
    logits = keras.ops.concatenate([share, baseline[:, :1], embedding * 0, embedding * 0, share * 0], axis=1)
    data = tflite.convert(keras.Model([mel, baseline, share], [logits, embedding]), "float32")
    path = tmp_path_factory.mktemp("voice") / "known.tflite"
    card = make_card(
        data, file=path.name, name="known", task="voice", labels=LABELS, output_kind="logits", front_end=FRONT_END
    )
    save(data, card, path)
    return path


def segment(sound: Sound, snr_db: float = 40.0, final: bool = True) -> SpeechSegment:
    return SpeechSegment(sound, 0, len(sound) / RATE, final, 2.0, -26.0, -70.0, 1.0, 0.0, snr_db)


def logits(posterior: tuple[float, ...]) -> list[float]:
    return (np.log(posterior) - np.log(posterior[-1])).tolist()


def test_what_a_person_has_said_is_the_baseline_of_the_next_utterance(model: Path) -> None:
    sense, sound = VoiceSense(config.Voice(model=str(model))), speechlike(1.5, 1)
    for count in range(3):
        interim = sense.read(segment(sound, final=False), "ada")
        assert logits(interim.posterior)[:3] == pytest.approx([trust(count), float(count > 0), 0], abs=1e-5)
        assert sense.read(segment(sound), "ada").posterior == interim.posterior
    assert logits(sense.read(segment(sound), "bob").posterior)[0] == pytest.approx(0, abs=1e-5)


def test_without_a_name_the_same_voice_is_known_and_noise_is_not_learnt(model: Path) -> None:
    sense, sound = VoiceSense(config.Voice(model=str(model))), speechlike(1.5, 1)
    sense.read(segment(sound, snr_db=3.0))
    assert logits(sense.read(segment(sound)).posterior)[0] == pytest.approx(0, abs=1e-5)
    assert logits(sense.read(segment(sound)).posterior)[0] == pytest.approx(trust(1), abs=1e-5)


def test_baselines_can_be_switched_off(model: Path) -> None:
    sense, sound = VoiceSense(config.Voice(model=str(model)), baseline=False), speechlike(1.5, 1)
    for _ in range(3):
        assert logits(sense.read(segment(sound), "ada").posterior)[0] == pytest.approx(0, abs=1e-5)


def test_a_model_with_other_inputs_is_refused(model: Path, tmp_path: Path) -> None:
    import keras

    from converters import tflite
    from converters.cards import make_card, save

    mel, share = keras.Input((300, 80)), keras.Input((1,))
    data = tflite.convert(keras.Model([mel, share], keras.layers.Dense(7)(mel[:, 0]) + share), "float32")
    path = tmp_path / "other.tflite"
    front_end = cards.read(cards.card_path(model)).front_end
    save(
        data,
        make_card(
            data, file=path.name, name="other", task="voice", labels=LABELS, output_kind="logits", front_end=front_end
        ),
        path,
    )
    with pytest.raises(ModelError, match="it needs its embedding"):
        VoiceSense(config.Voice(model=str(path)))


def test_models_by_name() -> None:
    assert config.Voice().model == "small"
    assert model_path("default") == model_path("small")
    assert model_path("large") == shipped.model("voice", "voice_large")
    assert model_path("/some/model.tflite") == Path("/some/model.tflite")
    assert msgspec.structs.replace(config.Voice(), model="large").model == "large"


def test_the_large_model_reads_speech_and_knows_its_speaker_the_second_time() -> None:
    sense, sound = VoiceSense(config.Voice(model="large")), speechlike(2.0, 5)
    assert model_path("large").stat().st_size <= 6_000_000
    first, second = (sense.read(segment(sound), "ada") for _ in range(2))
    assert sum(first.posterior) == pytest.approx(1)
    assert first.posterior != second.posterior
    stranger = VoiceSense(config.Voice(model="large"), baseline=False)
    assert [stranger.read(segment(sound), "ada").posterior for _ in range(2)] == [first.posterior] * 2
