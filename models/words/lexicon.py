"""Words that name or cause an emotion, by grammatical kind, for sentences with and without negation.

Lists of the author's own. None of the words and frames of the challenge set (`models.words.challenge`) may be added to
them, so that the challenge measures what the network makes of words that it never saw negated in a made sentence; a
test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Target = Mapping[str, float]
"""Target, 0…1, of each label that is not 0."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Words of one grammatical kind and emotion."""

    form: str
    """`feeling` ("I am …"), `quality` ("it is …") or `attitude` ("I … it")."""
    label: str
    """Label of a sentence with one of the words."""
    denied: Target
    """Targets of the same sentence with a negation; from how people labelled such sentences of GoEmotions."""
    words: tuple[str, ...]
    """The words."""


SAD: Final = {"sadness": 0.9, "neutral": 0.15}
"""Targets of a denied feeling of happiness."""
DISAPPROVAL: Final = {"anger": 0.8, "sadness": 0.25, "neutral": 0.15}
"""Targets of a denied good quality or liking: GoEmotions' disapproval, which the Ekman grouping counts as anger."""
CALM: Final = {"neutral": 0.9, "happiness": 0.15}
"""Targets of a denied unpleasant feeling or of a denied surprise."""
APPROVAL: Final = {"happiness": 0.75, "neutral": 0.35}
"""Targets of a denied bad quality, such as "not bad": GoEmotions' approval, which the Ekman grouping counts as joy."""

KINDS: Final = (
    Kind(
        "feeling",
        "happiness",
        SAD,
        (
            "glad",
            "cheerful",
            "joyful",
            "delighted",
            "thrilled",
            "excited",
            "pleased",
            "satisfied",
            "proud",
            "grateful",
            "thankful",
            "hopeful",
            "relieved",
            "optimistic",
            "ecstatic",
            "elated",
            "overjoyed",
            "merry",
            "amused",
            "content",
            "fulfilled",
            "jolly",
            "enthusiastic",
        ),
    ),
    Kind(
        "feeling",
        "sadness",
        CALM,
        (
            "unhappy",
            "miserable",
            "depressed",
            "heartbroken",
            "gloomy",
            "disappointed",
            "devastated",
            "hopeless",
            "hurt",
            "ashamed",
            "guilty",
            "homesick",
            "upset",
            "sorrowful",
            "lonesome",
            "grieving",
            "crying",
            "discouraged",
            "dejected",
        ),
    ),
    Kind(
        "feeling",
        "anger",
        CALM,
        (
            "mad",
            "annoyed",
            "irritated",
            "outraged",
            "frustrated",
            "livid",
            "offended",
            "enraged",
            "bitter",
            "resentful",
            "cross",
            "fuming",
            "pissed",
            "jealous",
        ),
    ),
    Kind(
        "feeling",
        "fear",
        CALM,
        (
            "terrified",
            "frightened",
            "anxious",
            "worried",
            "panicked",
            "panicking",
            "alarmed",
            "fearful",
            "petrified",
            "uneasy",
            "spooked",
            "tense",
        ),
    ),
    Kind("feeling", "disgust", CALM, ("nauseated", "repulsed", "sickened", "revolted", "queasy", "appalled")),
    Kind(
        "feeling",
        "surprise",
        CALM,
        ("shocked", "astonished", "stunned", "amazed", "astounded", "speechless", "baffled", "dumbfounded"),
    ),
    Kind(
        "quality",
        "happiness",
        DISAPPROVAL,
        (
            "fun",
            "wonderful",
            "lovely",
            "fantastic",
            "brilliant",
            "beautiful",
            "enjoyable",
            "amusing",
            "excellent",
            "delicious",
            "helpful",
            "hilarious",
            "pleasant",
            "perfect",
            "superb",
            "terrific",
            "delightful",
            "charming",
            "impressive",
            "okay",
            "right",
            "acceptable",
            "useful",
            "clever",
        ),
    ),
    Kind(
        "quality",
        "sadness",
        CALM,
        (
            "depressing",
            "heartbreaking",
            "tragic",
            "hopeless",
            "dreary",
            "bleak",
            "disappointing",
            "painful",
            "upsetting",
        ),
    ),
    Kind(
        "quality",
        "anger",
        APPROVAL,
        (
            "bad",
            "awful",
            "terrible",
            "horrible",
            "wrong",
            "stupid",
            "ridiculous",
            "unfair",
            "annoying",
            "pathetic",
            "dumb",
            "rude",
            "lousy",
        ),
    ),
    Kind(
        "quality",
        "fear",
        CALM,
        ("scary", "terrifying", "creepy", "dangerous", "threatening", "spooky", "risky", "alarming"),
    ),
    Kind(
        "quality",
        "disgust",
        CALM,
        ("gross", "revolting", "nasty", "vile", "foul", "sickening", "repulsive", "yucky"),
    ),
    Kind(
        "quality",
        "surprise",
        CALM,
        ("surprising", "shocking", "unexpected", "astonishing", "startling", "strange", "sudden", "unusual"),
    ),
    Kind("attitude", "happiness", DISAPPROVAL, ("appreciate", "admire", "respect", "adore")),
    Kind("attitude", "anger", CALM, ("resent", "despise", "detest", "blame")),
    Kind("attitude", "sadness", CALM, ("regret", "mourn")),
    Kind("attitude", "fear", CALM, ("fear", "dread")),
)
"""All kinds."""

PEOPLE: Final = (
    *(("i", "am", "'m"), ("we", "are", "'re"), ("they", "are", "'re"), ("she", "is", "'s"), ("he", "is", "'s")),
    *(("my neighbour", "is", ""), ("the manager", "is", ""), ("my cousins", "are", ""), ("our guests", "are", "")),
)
"""Subject, form of "to be", and its contraction, of a sentence about a feeling."""
THINGS: Final = (
    *(("it", "is", "'s"), ("that", "is", "'s"), ("this", "is", ""), ("the soup", "is", ""), ("the show", "is", "")),
    *(("the answer", "is", ""), ("his plan", "is", ""), ("the journey", "is", ""), ("the speech", "is", "")),
    *(("these shoes", "are", ""), ("the rooms", "are", ""), ("her jokes", "are", ""), ("the last part", "is", "")),
)
"""Subject, form of "to be", and its contraction, of a sentence about a quality."""
OBJECTS: Final = (
    *("it", "them", "her", "him", "this place", "the new boss", "those meetings", "the food here", "that song"),
    *("working there", "my old street", "the way he talks", "such days", "you"),
)
"""Objects of an attitude."""
DEGREES: Final = (
    "",
    "",
    "",
    "very ",
    "really ",
    "so ",
    "that ",
    "particularly ",
    "all that ",
    "exactly ",
    "especially ",
)
"""Adverbs between a negation and its word."""
TAILS: Final = (
    "",
    "",
    "",
    "",
    " today",
    " about it",
    " anymore",
    " at all",
    " right now",
    " with the result",
    " lately",
)
"""Ends of a sentence about a feeling."""
THING_TAILS: Final = ("", "", "", "", " at all", " this time", " to me", " to be honest", " anymore")
"""Ends of a sentence about a quality or attitude."""
