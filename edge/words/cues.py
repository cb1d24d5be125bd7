"""Words and expressions that negate, contrast, or end the scope of a negation (`edge.words.scope`)."""

from __future__ import annotations

from typing import Final

BARE: Final = frozenset(
    [
        "aint",
        "arent",
        "cant",
        "couldnt",
        "didnt",
        "doesnt",
        "dont",
        "hadnt",
        "hasnt",
        "havent",
        "isnt",
        "mustnt",
        "shouldnt",
        "wasnt",
        "werent",
        "wont",
        "wouldnt",
    ]
)
"""Contracted negations written without their apostrophe."""
REVERSING: Final = frozenset({"not", "cannot", "without", *BARE})
"""Cues that reverse a negation in whose scope they are, as does every word that ends in "n't"."""
CUES: Final = REVERSING | frozenset(
    [
        "no",
        "never",
        "nor",
        "neither",
        "none",
        "nobody",
        "nothing",
        "nowhere",
        "hardly",
        "barely",
        "scarcely",
        "rarely",
        "seldom",
        "lacks",
        "lacking",
    ]
)
"""Words that negate what follows them, as does every word that ends in "n't"."""
LONG_CUES: Final = (("anything", "but"), ("far", "from"), ("nowhere", "near"), ("the", "opposite", "of"))
"""Expressions of several words that negate what follows them."""
NO_CUES: Final = (
    *(("not", word) for word in ("only", "just", "merely", "simply")),
    *(("no", word) for word in ("doubt", "wonder", "problem", "worries", "matter", "kidding", "thanks", "way")),
    *((word, follows) for word in ("can't", "cannot", "cant", "couldn't") for follows in ("wait", "help", "stop")),
    *((word, "believe") for word in ("can't", "cannot", "cant", "couldn't", "wouldn't")),
    *((word, "thank") for word in ("can't", "cannot", "cant")),
    ("can't", "get", "enough"),
    ("nothing", "but"),
    ("never", "mind"),
    ("oh", "no"),
    ("not", "to", "mention"),
    ("don't", "get", "me", "wrong"),
)
"""Expressions that contain a cue and yet negate nothing that follows."""
COMPARED: Final = frozenset(
    ["be", "been", "felt", "feel", "was", "were", "agree", "ask", "have", "had", "more", "so", "such"]
)
"""Words between a cue and a comparative that make it a superlative, as in "couldn't be happier"."""
CAN_SURPASS: Final = frozenset(["never", "couldn't", "couldnt", "can't", "cant", "cannot"])
"""Cues that a comparative makes a superlative."""
COMPARATIVES: Final = frozenset(
    ["more", "better", "happier", "prouder", "sadder", "worse", "angrier", "gladder", "so", "such", "this"]
)
"""Words that make a superlative of "never been …" and "couldn't be …"."""
ENDS: Final = frozenset(
    [
        ".",
        "..",
        "!",
        "!!",
        "!!!",
        "?",
        "??",
        "???",
        "?!",
        "!?",
        ",",
        ";",
        ":",
        "…",
        "—",
        "–",
        "-",
        "(",
        ")",
        "but",
        "yet",
        "although",
        "though",
        "however",
        "because",
        "since",
        "cause",
        "unless",
        "whereas",
        "until",
        "when",
        "while",
        "if",
        "just",
        "only",
        "rather",
        "instead",
        "anymore",
        "either",
    ]
)
"""Tokens that end the scope of a negation unless they follow the cue directly."""
STOPS: Final = frozenset([".", "..", "!", "!!", "!!!", "?", "??", "???", "?!", "!?", ";", "…"])
"""Tokens that end a sentence."""
JOINS: Final = frozenset({"and", "or", "so", "that's", "which", "who"})
"""Words that end the scope of a negation if a subject follows them, because a new clause begins."""
SUBJECTS: Final = frozenset(
    [
        "i",
        "i'm",
        "i've",
        "i'd",
        "i'll",
        "you",
        "you're",
        "you've",
        "we",
        "we're",
        "we've",
        "he",
        "he's",
        "she",
        "she's",
        "it",
        "it's",
        "they",
        "they're",
        "they've",
        "this",
        "that",
        "that's",
        "these",
        "those",
        "there",
        "there's",
        "the",
        "a",
        "an",
        "my",
        "our",
        "your",
        "his",
        "her",
        "their",
        "everyone",
        "everything",
        "everybody",
    ]
)
"""Words that begin the subject of a clause."""
CLAUSES: Final = frozenset(
    ["i'm", "i've", "i'd", "i'll", "you're", "you've", "we're", "we've", "he's", "she's", "it's", "they're", "they've"]
)
"""Subjects with their verb, which end the scope of a negation because a new clause begins."""
THOUGHTS: Final = frozenset(
    [
        "think",
        "believe",
        "feel",
        "say",
        "said",
        "know",
        "mean",
        "guess",
        "suppose",
        "seem",
        "seems",
        "imagine",
        "that",
        "like",
    ]
)
"""Words whose clause a negation before them reaches, as in "I don't think it's good"."""
ASKING: Final = frozenset({"well", "and", "oh", "hey", "man", "wow", "but", "so"})
"""Words that may come before a question that begins with a negation."""
NOT_ONLY: Final = frozenset({"only", "just", "merely", "simply"})
"""Words after "not" with which a "but" adds and does not contrast."""
NO_BUT: Final = frozenset(
    [
        "nothing",
        "anything",
        "all",
        "everything",
        "everyone",
        "everybody",
        "nobody",
        "none",
        "no",
        "help",
        "choice",
        "last",
    ]
)
"""Words after which "but" means "except"."""
ADDS: Final = frozenset({"also", "for", "not"})
"""Words after a "but" that adds or excepts, or whose clause denies and does not prevail."""
BUTS: Final = frozenset({"but", "however", "nevertheless", "nonetheless"})
"""Connectives after which the clause prevails."""
CONCESSIVE: Final = frozenset({"although", "though", "despite", "albeit"})
"""Connectives whose own clause is overridden."""
LEAST_CLAUSE: Final = 3
"""Minimum number of words of a concessive clause that ends without a comma."""
