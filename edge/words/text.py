"""Tokenises text from any source, without traces of its medium such as markup and links."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 2000
"""Longer text is truncated to this many characters: an utterance is a sentence or two."""

SHOUT: Final = "<shout>"
"""Token before a word in capitals."""
LONG: Final = "<long>"
"""Token after an elongated word ("sooo")."""
NUMBER: Final = "<number>"
"""Token that replaces a number."""

_MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|https?://\S+")
"""Matches tags and links."""
_ELONGATED: Final = re.compile(r"([^\W\d_])\1{2,}")
"""Matches a letter that is repeated at least three times."""
_EMOTICON: Final = r"[<>]?[:;=8xX][-o*']?[)\](\[dDpP/\\|@]+(?!\w)|<3|\^_?\^|[tT]_[tT]|:'\("
"""Pattern of an emoticon such as ":-)"."""
_TOKEN: Final = re.compile(
    rf"(?P<emoticon>{_EMOTICON})"
    r"|(?P<name>\[[A-Za-z]{2,12}\])"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<number>\d+(?:[.,]\d+)*)"
    r"|(?P<mark>[!?]+|\.{2,}|[^\w\s])"
)
"""Matches one token; the name of the group is its kind."""
_EMOTICON_TOKEN: Final = re.compile(_EMOTICON)
"""Matches an emoticon."""
_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})
"""Maps typographic apostrophes to the ASCII one."""


def clean(text: str) -> str:
    """Normalises text to one line of NFKC, without markup, links, control characters and lone surrogates."""
    text = text[: 4 * MAX_CHARACTERS].encode("utf-8", "ignore").decode("utf-8")
    text = _MARKUP.sub(" ", html.unescape(text)).translate(_APOSTROPHES)
    text = unicodedata.normalize("NFKC", text)
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" and char != "\u200d" else char for char in text)
    return " ".join(kept.split())[:MAX_CHARACTERS]


def says_something(token: str) -> bool:
    """Whether a token is a word, an emoji or an emoticon rather than punctuation, a number, a mark or a placeholder."""
    return token[0].isalpha() or unicodedata.category(token[0]) == "So" or _EMOTICON_TOKEN.fullmatch(token) is not None


def tokens(text: str) -> list[str]:
    """Splits a text into tokens; the list is empty if nothing is left to read.

    Tokens are lower-case words, emoticons, emoji, expressive punctuation, and marks for capitals, elongated words,
    numbers and names.
    """
    text = clean(text)
    letters = [char for char in text if char.isalpha()]
    # In a text that is all in capitals, capitals do not emphasise a single word.
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
