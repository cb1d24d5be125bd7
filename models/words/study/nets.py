"""The compared networks, each on word vectors: Conv1D, LSTM, and three forms of attention.

With `marked`, ids are those of `edge.words.features`: a word that is negated or overridden has another id, and its
vector is that of the word plus a learned linear function of it, one for each mark. What the network learns of negation
thus holds for words that it never saw negated (as in Socher et al., EMNLP 2012, where "not" is a matrix).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.words.scope import NEGATED, OVERRIDDEN
from models.words.study.vectors import DIMENSIONS, LENGTH, SENTENCE_LENGTH, SENTENCES

Vectors = NDArray[np.float32]
"""(vocabulary, 50) initial word vectors."""
_HIDDEN: Final = 30.0
"""Value subtracted from the attention score of padding. It is subtracted instead of adding its negative, because the
converter mistakes a sum after a matrix product for a bias and fails."""


def conv1d(vectors: Vectors, marked: bool = False) -> Any:
    """Convolutions over two to four words with max pooling over time (Kim, EMNLP 2014)."""
    numbers, words, _ = _words(vectors, marked)
    peaks = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(64, width, padding="same", activation="relu")(words))
        for width in (2, 3, 4)
    ]
    return _end(numbers, layers.Concatenate()(peaks), "conv1d")


def lstm(vectors: Vectors, marked: bool = False) -> Any:
    """The last state of an LSTM with 64 units (Hochreiter & Schmidhuber 1997); padding is in front."""
    numbers, words, _ = _words(vectors, marked)
    return _end(numbers, layers.LSTM(64)(words), "lstm")


def global_attention(vectors: Vectors, marked: bool = False) -> Any:
    """All states of an LSTM with 64 units, weighted by additive attention (Bahdanau et al., ICLR 2015)."""
    numbers, words, there = _words(vectors, marked)
    states = layers.LSTM(64, return_sequences=True)(words)
    return _end(numbers, _weighed(states, there), "global_attention")


def self_attention(vectors: Vectors, marked: bool = False) -> Any:
    """One encoder block (Vaswani et al., NeurIPS 2017): 2 heads of width 32, learned positions, 128 hidden units."""
    numbers, words, there = _words(vectors, marked)
    words = layers.Dense(64)(words)
    words = words + _places(LENGTH, 64)(words)
    mixed = layers.MultiHeadAttention(2, 32, dropout=0.1)(words, words, attention_mask=_mask(there))
    words = layers.LayerNormalization()(words + mixed)
    forward = layers.Dense(64)(layers.Dense(128, activation="relu")(words))
    words = layers.LayerNormalization()(words + forward)
    peak = layers.GlobalMaxPooling1D()(words - _HIDDEN * (1.0 - there))
    return _end(numbers, layers.Concatenate()([_weighed(words, there), peak]), "self_attention")


def hierarchical_attention(vectors: Vectors) -> Any:
    """Attention over the words of each sentence and over the sentences of the text (Yang et al., NAACL 2016)."""
    numbers = keras.Input((SENTENCES, SENTENCE_LENGTH), dtype="int32", name="ids")
    sentences, there = sentence_vectors(numbers, vectors, SENTENCES, SENTENCE_LENGTH)
    last = sentences[:, -1]
    return _end(numbers, layers.Concatenate()([_weighed(sentences, there), last]), "hierarchical_attention")


NETS: Final[dict[str, Callable[..., Any]]] = {
    "Conv1D": conv1d,
    "LSTM": lstm,
    "attention, global": global_attention,
    "attention, self": self_attention,
    "attention, hierarchical": hierarchical_attention,
}
"""The compared networks by name; each function takes the initial word vectors, and `marked` but for the last."""


def sentence_vectors(numbers: Any, vectors: Vectors, count: int, length: int) -> tuple[Any, Any]:
    """Turns sentences into vectors.

    Args:
        numbers: (batch, count, length) word numbers.
        vectors: Initial word vectors.
        count: Sentences per text.
        length: Words per sentence.

    Returns:
        (batch, count, 192) sentence vectors, and a mask (batch, count, 1) with 1 for real sentences and 0 for padding.
    """
    flat = ops.reshape(numbers, (-1, length))
    words, there = _embedded(flat, vectors)
    near = layers.Concatenate()(
        [layers.Conv1D(48, width, padding="same", activation="relu")(words) for width in (2, 3)]
    )
    peak = layers.GlobalMaxPooling1D()(near * there)
    vector = layers.Concatenate()([_weighed(near, there), peak])
    exists = ops.max(ops.reshape(there, (-1, count, length)), axis=2, keepdims=True)
    return ops.reshape(vector, (-1, count, 192)), exists


def _words(vectors: Vectors, marked: bool) -> tuple[Any, Any, Any]:
    numbers = keras.Input((LENGTH,), dtype="int32", name="ids")
    if not marked:
        return numbers, *_embedded(numbers, vectors)
    found = ops.floor_divide(numbers, len(vectors))
    words, there = _embedded(numbers - found * len(vectors), vectors)
    for mark, name in ((NEGATED, "negated"), (OVERRIDDEN, "overridden")):
        has = ops.cast(ops.expand_dims(ops.mod(ops.floor_divide(found, mark), 2), -1), "float32")
        words = words + has * layers.Dense(DIMENSIONS, kernel_initializer="zeros", name=name)(words)
    return numbers, words, there


def _embedded(numbers: Any, vectors: Vectors) -> tuple[Any, Any]:
    """Word vectors with dropout, zero for padding, and a mask (batch, length, 1) with 1 for words."""
    there = ops.cast(ops.expand_dims(ops.greater(numbers, 0), -1), "float32")
    start = keras.initializers.Constant(vectors)
    table = layers.Embedding(len(vectors), DIMENSIONS, embeddings_initializer=start, name="vectors")
    return layers.SpatialDropout1D(0.15)(table(numbers)) * there, there


def _weighed(states: Any, there: Any) -> Any:
    score = layers.Dense(1, use_bias=False)(layers.Dense(32, activation="tanh")(states))
    return ops.sum(states * layers.Softmax(axis=1)(score - _HIDDEN * (1.0 - there)), axis=1)


def _places(length: int, width: int) -> Callable[[Any], Any]:
    table = layers.Embedding(length, width, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05))
    return lambda _: ops.expand_dims(table(ops.arange(length)), 0)


def _mask(there: Any) -> Any:
    return ops.cast(ops.transpose(there, (0, 2, 1)), "bool")


def _end(numbers: Any, features: Any, name: str) -> Any:
    return keras.Model(numbers, layers.Dense(COUNT, name="logits")(layers.Dropout(0.4)(features)), name=name)
