"""`python -m models.words.challenge`: accuracy of a words model on hand-written minimal pairs, by category.

A pair is two texts that differ only in a detail such as a negation, an emoji or a capital. A label pair is right if
both texts get their expected label (chance level 1 in 49). An intensity pair is right if the text that expresses more
of a label has the higher probability of it (chance level 1 in 2). After Gardner et al., Evaluating Models' Local
Decision Boundaries via Contrast Sets, Findings of EMNLP 2020. The pairs are never used for training.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from edge import shipped
from edge.config import Words
from edge.emotions import LABELS, top
from edge.errors import ConfigError, EdgeEmotionError
from edge.inference import card as cards
from edge.observation import Transcript
from edge.words.sense import WordsSense

FILE: Final = Path(__file__).parents[2] / "tests/challenge/minimal_pairs.tsv"
"""Path of the pairs."""
HEADER: Final = "category\tfirst\tsecond\texpected first\texpected second"
"""First line of a file of pairs."""
NOTE: Final = "minimal pairs right"
"""Beginning of the note in the card."""

Posterior = tuple[float, ...]
"""Seven probabilities in the order of `LABELS`."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that differ minimally."""

    category: str
    """Kind of difference, such as negation."""
    texts: tuple[str, str]
    """The two texts."""
    expected: tuple[str, str]
    """One label for each text, or `more <label>` and `less <label>` in either order."""

    @property
    def intense(self) -> str | None:
        """The label of an intensity pair; None for a label pair."""
        return self.expected[0].split()[1] if " " in self.expected[0] else None

    def right(self, first: Posterior, second: Posterior) -> bool:
        """Whether the posteriors of the two texts are as expected."""
        if self.intense is None:
            return (top(first), top(second)) == self.expected
        column = LABELS.index(self.intense)
        more, less = (first, second) if self.expected[0].startswith("more") else (second, first)
        return more[column] > less[column]


@dataclass(frozen=True, slots=True)
class Tally:
    """Result for a group of pairs."""

    right: int
    """Number of right pairs."""
    n: int
    """Number of all pairs."""

    @property
    def share(self) -> float:
        """Share of right pairs, 0…1."""
        return self.right / self.n if self.n else 0.0


def read(path: Path = FILE) -> tuple[Pair, ...]:
    """Reads a file of pairs. Raises `ConfigError`, which names the faulty line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"minimal pairs {path}: {error.strerror}; --pairs names the file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"minimal pairs {path} is not UTF-8 text: byte {error.start}") from error
    if not lines or lines[0] != HEADER:
        raise ConfigError(f"minimal pairs {path}: the first line must be the header, five columns between tabs")
    return tuple(_pair(line, f"minimal pairs {path}, line {number}") for number, line in enumerate(lines[1:], 2))


def posteriors(model: Path) -> Callable[[str], Posterior]:
    """Returns a function from a text to the device's posterior with the model at `model`. Raises `ModelError`."""
    sense = WordsSense(Words(model=str(model)))

    def of(text: str) -> Posterior:
        observation = sense.read(Transcript(text, 0.0))
        if observation is None:
            raise ConfigError(f"the pair text {text!r} has nothing to read in it")
        return observation.posterior

    return of


def score(pairs: Iterable[Pair], posterior: Callable[[str], Posterior]) -> dict[str, Tally]:
    """One tally per category in order of appearance, then `label pairs`, `intensity pairs` and `all`."""
    outcomes = [(pair, pair.right(*map(posterior, pair.texts))) for pair in pairs]

    def tally(outcomes_of: Iterator[bool]) -> Tally:
        found = list(outcomes_of)
        return Tally(sum(found), len(found))

    categories = dict.fromkeys(pair.category for pair, _ in outcomes)
    found = {name: tally(right for pair, right in outcomes if pair.category == name) for name in categories}
    found["label pairs"] = tally(right for pair, right in outcomes if pair.intense is None)
    found["intensity pairs"] = tally(right for pair, right in outcomes if pair.intense is not None)
    found["all"] = tally(right for _, right in outcomes)
    return found


def note(tallies: dict[str, Tally]) -> str:
    """The score as one line for a card."""
    whole = tallies["all"]
    parts = ", ".join(f"{name} {part.right}/{part.n}" for name, part in tallies.items() if name != "all")
    return f"{NOTE}: {whole.right}/{whole.n} ({whole.share:.1%}); {parts}"


def with_note(card: cards.Card, tallies: dict[str, Tally]) -> cards.Card:
    """Returns the card with the score in its notes; it replaces an older score."""
    others = [line for line in card.notes if not line.startswith(NOTE)]
    return msgspec.structs.replace(card, notes=(*others, note(tallies)))


def _pair(line: str, where: str) -> Pair:
    cells = line.split("\t")
    if len(cells) != 5 or not all(cell.strip() for cell in cells):
        raise ConfigError(f"{where}: five filled columns between tabs are needed")
    category, first, second, *expected = cells
    for one, other in (expected, expected[::-1]):
        degree, _, label = one.rpartition(" ")
        opposite = {"": other, "more": f"less {label}", "less": f"more {label}"}.get(degree)
        if label not in LABELS or other != opposite:
            raise ConfigError(f"{where}: {one!r} and {other!r} are no labels, nor `more` and `less` of one label")
    return Pair(category, (first, second), (expected[0], expected[1]))


def _as_json(model: str, tallies: dict[str, Tally]) -> str:
    rows: dict[str, Any] = {
        name: {"right": part.right, "n": part.n, "share": round(part.share, 4)} for name, part in tallies.items()
    }
    return json.dumps({"model": model, **rows})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.words.challenge", description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped.model("words", "words"), help="a .tflite with its card")
    parser.add_argument("--pairs", type=Path, default=FILE, help="a file of pairs (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--wrong", action="store_true", help="list the pairs read wrongly too")
    parser.add_argument("--write-card", action="store_true", help="put the score into the notes of the model's card")
    options = parser.parse_args(arguments)
    try:
        pairs, posterior = read(options.pairs), posteriors(options.model)
        tallies = score(pairs, posterior)
        if options.write_card:
            path = cards.card_path(options.model)
            cards.write(with_note(cards.read(path), tallies), path)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    if options.json:
        print(_as_json(options.model.name, tallies))
        return 0
    for name, part in tallies.items():
        print(f"{name:<28} {part.right:>3} of {part.n:>3}  {part.share:.1%}")
    for pair in pairs if options.wrong else ():
        found = tuple(map(posterior, pair.texts))
        if not pair.right(*found):
            print(f"{pair.category}: " + " | ".join(_read_as(pair, i, found[i]) for i in range(2)))
    return 0


def _read_as(pair: Pair, side: int, found: Posterior) -> str:
    label = pair.intense or top(found)
    return f"{pair.texts[side]} ({pair.expected[side]}; {label} {found[LABELS.index(label)]:.2f})"


if __name__ == "__main__":
    sys.exit(main())
