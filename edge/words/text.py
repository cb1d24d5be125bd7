"""Text of any kind brought to tokens: what was said, without what only says where it was said."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 2000
"""More is cut off: an utterance is a sentence or two."""

SHOUT: Final = "<shout>"
"""Stands before a word in capitals."""
LONG: Final = "<long>"
"""Stands after a word that was drawn out ("sooo")."""
NUMBER: Final = "<number>"

_MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|https?://\S+")
_ELONGATED: Final = re.compile(r"([^\W\d_])\1{2,}")
_EMOTICON: Final = r"[<>]?[:;=8xX][-o*']?[)\](\[dDpP/\\|@]+(?!\w)|<3|\^_?\^|[tT]_[tT]|:'\("
_TOKEN: Final = re.compile(
    rf"(?P<emoticon>{_EMOTICON})"
    r"|(?P<name>\[[A-Za-z]{2,12}\])"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<number>\d+(?:[.,]\d+)*)"
    r"|(?P<mark>[!?]+|\.{2,}|[^\w\s])"
)
_SMILEY: Final = re.compile(_EMOTICON)
_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})


def clean(text: str) -> str:
    """Composed Unicode (NFKC) on one line, without markup, links, control characters and lone surrogates."""
    text = text[: 4 * MAX_CHARACTERS].encode("utf-8", "ignore").decode("utf-8")
    text = _MARKUP.sub(" ", html.unescape(text)).translate(_APOSTROPHES)
    text = unicodedata.normalize("NFKC", text)
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" and char != "\u200d" else char for char in text)
    return " ".join(kept.split())[:MAX_CHARACTERS]


def says_something(token: str) -> bool:
    """Whether a token is a word, an emoji or an emoticon, and no punctuation, number, mark or placeholder."""
    return token[0].isalpha() or unicodedata.category(token[0]) == "So" or _SMILEY.fullmatch(token) is not None


def tokens(text: str) -> list[str]:
    """The tokens of a text: lower-case words, emoticons, emoji, punctuation that carries feeling, and marks for
    capitals, drawn-out words, numbers and names. An empty list where there is nothing to read."""
    text = clean(text)
    letters = [char for char in text if char.isalpha()]
    # In a text all in capitals they say nothing about a word.
    shouted = len(letters) > 3 and all(char.isupper() for char in letters)
    found: list[str] = [SHOUT] if shouted else []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match.lastgroup == "word":
            if not shouted and len(token) > 2 and token.isupper():
                found.append(SHOUT)
            short = _ELONGATED.sub(r"\1\1", token.lower())
            found.append(short)
            if len(short) != len(token):
                found.append(LONG)
        elif match.lastgroup == "number":
            found.append(NUMBER)
        elif match.lastgroup == "mark":
            found.append(token[:3] if token[0] in "!?" else token[:2] if token[0] == "." else token)
        else:
            found.append(token.lower() if match.lastgroup == "name" else token)
    return found
