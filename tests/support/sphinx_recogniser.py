"""A recogniser of one's own, as a team would plug it in: pocketsphinx with a small grammar, sentence by sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pocketsphinx

from edge.hearing.resample import Resampler
from edge.observation import AudioChunk, Transcript

PAUSE_S = 0.5
QUIET = 0.01


class SphinxRecogniser:
    """Takes what it was made with as the file of a JSGF grammar. A sentence ends with a pause of `PAUSE_S`."""

    def __init__(self, grammar: Path | None) -> None:
        assert grammar is not None
        self._decoder = pocketsphinx.Decoder(jsgf=str(grammar), loglevel="FATAL")
        self._resampler: Resampler | None = None
        self._ends_at = self._voiced_at = 0.0
        self._voiced = False

    def feed(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        found = self.flush() if chunk.overruns else ()
        if self._resampler is None:
            self._resampler = Resampler(chunk.rate)
            self._decoder.start_utt()
        samples = chunk.samples if chunk.samples.ndim == 1 else chunk.samples.mean(axis=1)
        sound = self._resampler.push(np.asarray(samples, np.float32))
        if len(sound):
            self._decoder.process_raw(np.asarray(sound * 32767, "<i2").tobytes(), False, False)
        self._ends_at = chunk.captured_at + chunk.duration
        if len(samples) and float(np.sqrt(np.mean(np.square(samples)))) > QUIET:
            self._voiced, self._voiced_at = True, self._ends_at
        return (*found, *self.flush()) if self._voiced and self._ends_at - self._voiced_at > PAUSE_S else found

    def flush(self) -> tuple[Transcript, ...]:
        if self._resampler is None:
            return ()
        self._resampler, self._voiced = None, False
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return (Transcript(heard.hypstr, self._voiced_at),) if heard and heard.hypstr else ()


def no_recogniser(_model: Path | None) -> object:
    return object()
