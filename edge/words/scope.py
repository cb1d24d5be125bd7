"""Scope of negation and contrast: which tokens of a text are negated, and which a later clause overrides.

The rules follow the field's usual ones: a list of cues and of expressions that only look like cues (NegEx: Chapman et
al., J. Biomed. Inform. 34, 2001), a scope that runs from the cue to the end of the clause (Councill et al., 2010), and
contrastive discourse connectives, of whose two clauses one prevails (Polanyi & Zaenen, 2006). They work without
punctuation, because speech recognisers give none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from edge.words import cues

NEGATED: Final = 1
"""Mark of a token in the scope of a negation."""
OVERRIDDEN: Final = 2
"""Mark of a token in a clause that a contrast overrides, as the first one of "…, but …"."""
MARKS: Final = 4
"""Number of different marks of a token: the sum of `NEGATED` and `OVERRIDDEN`, or of one of them, or 0."""

_SCOPE: Final = 9
"""Maximum number of words in the scope of one negation."""


def marks(tokens: Sequence[str]) -> list[int]:
    """The mark of each token of `edge.words.text.tokens`: 0, or the sum of `NEGATED` and `OVERRIDDEN` that apply.

    Only words are marked, and the cues of a negation are not.
    """
    overridden = _overridden(tokens)
    return [
        (NEGATED * negated + OVERRIDDEN * (at in overridden)) if tokens[at][0].isalpha() else 0
        for at, negated in enumerate(_negated(tokens))
    ]


def _negated(tokens: Sequence[str]) -> list[bool]:
    found = [False] * len(tokens)
    left, negated, at = 0, False, 0
    while at < len(tokens):
        skipped = _first(cues.NO_CUES, tokens, at)
        if skipped or _asks(tokens, at) or _surpasses(tokens, at) or _answers(tokens, at):
            left, negated = 0, False
            at += skipped or 1
            continue
        long = _first(cues.LONG_CUES, tokens, at)
        if long or _cue(tokens[at]):
            # A second "no" or "never" emphasises in colloquial English; a second "not" reverses.
            negated = not (negated and left and not long and _reverses(tokens[at]))
            left = _SCOPE if negated else 0
            at += long or 1
            continue
        if _ends(tokens, at, begun=left < _SCOPE):
            left, negated = 0, False
        elif left and tokens[at][0].isalpha():
            found[at] = True
            left -= 1
        at += 1
    return found


def _cue(token: str) -> bool:
    return token in cues.CUES or token.endswith("n't")


def _reverses(token: str) -> bool:
    return token in cues.REVERSING or token.endswith("n't")


def _first(expressions: Sequence[tuple[str, ...]], tokens: Sequence[str], at: int) -> int:
    """Number of tokens of the first expression that begins at this token; 0 if none does."""
    return next((len(one) for one in expressions if tuple(tokens[at : at + len(one)]) == one), 0)


def _ends(tokens: Sequence[str], at: int, begun: bool) -> bool:
    """Whether the scope of a negation ends before this token; `begun`: whether it contains a word already."""
    token = tokens[at]
    if token in cues.ENDS:
        return begun or not token.isalpha()
    if token in cues.JOINS:
        return begun and at + 1 < len(tokens) and tokens[at + 1] in cues.SUBJECTS
    if token in cues.CLAUSES:
        return begun and tokens[at - 1] not in cues.THOUGHTS
    # An emoji or emoticon comments on the sentence before it.
    return not (token[0].isalnum() or token[0] in "<['\"*")


def _asks(tokens: Sequence[str], at: int) -> bool:
    """Whether a negation begins a question that expects assent, such as "isn't it …"."""
    if not tokens[at].endswith("n't") or at + 1 >= len(tokens) or tokens[at + 1] not in cues.SUBJECTS:
        return False
    return at == 0 or tokens[at - 1] in cues.STOPS or tokens[at - 1] in cues.ASKING or tokens[at - 1] == ","


def _answers(tokens: Sequence[str], at: int) -> bool:
    """Whether a "no" is an answer, after which a clause begins."""
    return tokens[at] == "no" and at + 1 < len(tokens) and tokens[at + 1] in cues.SUBJECTS


def _surpasses(tokens: Sequence[str], at: int) -> bool:
    """Whether a cue and a comparative are a superlative, such as "couldn't be happier" and "never been so proud"."""
    if tokens[at] not in cues.CAN_SURPASS:
        return False
    for token in tokens[at + 1 : at + 4]:
        if token in cues.COMPARATIVES:
            return True
        if token not in cues.COMPARED:
            return False
    return False


def _overridden(tokens: Sequence[str]) -> set[int]:
    found: set[int] = set()
    begin, last = 0, 0  # first token of this sentence and of the one before
    for at, token in enumerate(tokens):
        if token in cues.STOPS:
            if at > begin:
                last, begin = begin, at + 1
            else:
                begin = at + 1
        elif _contrasts(tokens, at, begin):
            # At the beginning of a sentence the connective contrasts it with the one before.
            found.update(range(begin if at > begin else last, at))
        elif token in cues.CONCESSIVE and not (at and tokens[at - 1] == "as"):
            found.update(range(at + 1, _concession_end(tokens, at, leads=_leads(tokens, at, begin))))
    return found


def _contrasts(tokens: Sequence[str], at: int, begin: int) -> bool:
    token, before, after = tokens[at], tokens[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else ""
    if token == "yet":
        return before in {",", "and"} and after in cues.SUBJECTS
    if token not in cues.BUTS or not after or before in cues.NO_BUT or after in cues.ADDS:
        return False
    sentence = tokens[begin:at]
    return not any(_cue(one) and following in cues.NOT_ONLY for one, following in pairwise(sentence))


def _leads(tokens: Sequence[str], at: int, begin: int) -> bool:
    """Whether a concessive clause precedes the main clause, such as "even though …, …"."""
    return all(token in {"even", "and", "but", "well"} for token in tokens[begin:at])


def _concession_end(tokens: Sequence[str], at: int, leads: bool) -> int:
    for end in range(at + 1, len(tokens)):
        if tokens[end] in cues.STOPS:
            return end
        if leads and (
            tokens[end] == "," or (end - at > cues.LEAST_CLAUSE and tokens[end] in cues.SUBJECTS - {"the", "a"})
        ):
            return end
    return len(tokens) if not leads or "," in tokens else at + 1
