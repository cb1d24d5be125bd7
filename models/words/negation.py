"""Training sentences with and without a negation: made from frames and a lexicon, and from sentences of the corpora.

Corpora hold few denied emotions (GoEmotions: 14 short comments that are not happy, glad or proud), so a network learns
"happy" and not "not". Each word of `models.words.lexicon` is set into frames, plainly and denied; and a real sentence
that says one of them after a form of "to be", and is labelled so, is denied. What a denied sentence means is taken from
how people labelled such comments (`models.words.lexicon`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np

from edge.words.scope import NEGATED, marks
from edge.words.text import tokens
from models.words.corpora import Row
from models.words.lexicon import DEGREES, KINDS, OBJECTS, PEOPLE, TAILS, THING_TAILS, THINGS, Kind, Target

T = TypeVar("T")

Soft = tuple[str, Target]
"""A text with a target, 0…1, of each of its labels."""

_COPULAS: Final = {"am": "am not", "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't"} | {
    f"{who}": f"{who} not" for who in ("i'm", "it's", "he's", "she's", "that's", "we're", "they're", "you're")
}
"""Forms of "to be", and how they are denied."""
_ADVERBS: Final = frozenset({"so", "very", "really", "pretty", "too", "just", "always", "quite"})
"""Adverbs that may stand between a form of "to be" and its word."""
_LONGEST: Final = 10
"""Maximum number of tokens of a real sentence that is denied."""
_FEELS: Final = (("feel", "feels"), ("seem", "seems"), ("look", "looks"), ("sound", "sounds"))
"""Verbs beside "to be", in the plural and in the third person."""


def framed(times: int, seed: int) -> Iterator[Soft]:
    """Made sentences: each word of the lexicon `times` times, plainly and denied.

    Args:
        times: Number of pairs of each word.
        seed: The same seed gives the same sentences.
    """
    rng = np.random.default_rng(seed)
    for kind in KINDS:
        for word in kind.words:
            for _ in range(times):
                plain, denial = _attitude(word, rng) if kind.form == "attitude" else _state(kind, word, rng)
                yield _written(plain, rng), {kind.label: 0.95}
                yield _written(denial, rng), kind.denied


def denied(rows: Sequence[Row]) -> Iterator[Soft]:
    """Real sentences that say a word of the lexicon after a form of "to be" and have its label alone, denied."""
    known = {word: kind for kind in KINDS if kind.form != "attitude" for word in kind.words}
    for text, labels in rows:
        found = tokens(text)
        if len(labels) != 1 or len(found) > _LONGEST or any(mark & NEGATED for mark in marks(found)):
            continue
        for at, token in enumerate(found[:-1]):
            word = found[at + 2] if found[at + 1] in _ADVERBS and at + 2 < len(found) else found[at + 1]
            kind = known.get(word)
            if token in _COPULAS and kind and kind.label == labels[0]:
                yield " ".join([*found[:at], _COPULAS[token], *found[at + 1 :]]), kind.denied
                break


def _state(kind: Kind, word: str, rng: np.random.Generator) -> tuple[str, str]:
    """A plain sentence about a feeling or quality, and a denied one of the same subject."""
    feeling = kind.form == "feeling"
    who, copula, short = _one(PEOPLE if feeling else THINGS, rng)
    tail = _one(TAILS if feeling else THING_TAILS, rng)
    degree = _one(DEGREES, rng)
    # "Never so happy" is a superlative.
    calm = "" if degree == "so " else degree
    past = {"am": "was", "is": "was", "are": "were"}[copula]
    plain_tail = "" if tail.strip() in {"anymore", "at all"} else tail
    plain_degree = _one(("", "", "so ", "very ", "really "), rng)
    feel = _one(_FEELS if feeling else _FEELS[1:], rng)[copula == "is"]
    plain = _one(
        [f"{who} {copula} ", f"{who}{short} " if short else f"{who} {copula} ", f"{who} {past} ", f"{who} {feel} "], rng
    )
    do = "doesn't" if copula == "is" else "don't"
    have = "hasn't" if copula == "is" else "haven't"
    stem = {"feels": "feel", "seems": "seem", "looks": "look", "sounds": "sound"}.get(feel, feel)
    ways = [
        f"{who} {copula} not {degree}",
        f"{who}{short} not {degree}" if short else f"{who} {copula} not {degree}",
        f"{who} {copula}n't {degree}" if copula != "am" else f"{who} am not {degree}",
        f"{who} {past}n't {degree}",
        f"{who} {copula} not feeling {degree}" if feeling else f"{who} {past} never {calm}",
        f"{who} {do} {stem} {degree}",
        f"{who} {do} {stem} {degree}",
        f"{who} {copula} never {calm}",
        f"{who} {copula} hardly ",
        f"{who} {copula} no longer ",
        f"{who} {have} been {degree}",
        f"nobody was {degree}"
        if feeling
        else f"nothing about {who if who not in {'it', 'that', 'this'} else 'it'} was ",
        f"i don't think {who} {copula} {degree}" if who != "i" else f"i can't say that i am {degree}",
        f"i would not say {who} {copula} {degree}" if who != "i" else f"i don't think i am {degree}",
    ]
    return f"{plain}{plain_degree}{word}{plain_tail}", f"{_one(ways, rng)}{word}{tail}"


def _attitude(word: str, rng: np.random.Generator) -> tuple[str, str]:
    """A plain sentence about an attitude, and a denied one."""
    who, what = _one(("i", "we", "they", "people here"), rng), _one(OBJECTS, rng)
    tail = _one(THING_TAILS, rng)
    plain_tail = "" if tail.strip() in {"anymore", "at all"} else tail
    degree = _one(("", "", "really ", "particularly "), rng)
    ways = [
        *[f"{who} don't {degree}", f"{who} do not {degree}", f"{who} didn't {degree}", f"{who} never "],
        *[f"{who} can't {degree}", "nobody here can ", f"{who} hardly ", f"i don't think {who} {degree}"],
    ]
    return f"{who} {_one(('', '', 'really '), rng)}{word} {what}{plain_tail}", f"{_one(ways, rng)}{word} {what}{tail}"


def _written(text: str, rng: np.random.Generator) -> str:
    """As people write, with a mark at the end, or as a speech recogniser does, without."""
    return f"{text[0].upper()}{text[1:]}{_one(('.', '.', '!', ''), rng)}" if rng.random() < 0.5 else text


def _one(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]
