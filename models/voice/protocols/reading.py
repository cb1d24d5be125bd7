"""Reads utterances with a voice model: several windows of a long one, with and without its speaker's baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Tensor
from models.voice.protocols.baseline import COUNTS, baselines
from models.voice.protocols.folds import OUTPUTS
from models.voice.utterances import Utterances

Features: TypeAlias = Sequence[NDArray[np.float32]]
"""The windows of one utterance, each the first input of the model without its batch axis."""


class Net(Protocol):
    """A network with inputs (features, baseline, trust) and outputs (logits of all heads, embedding, …)."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Input tensors."""

    def run(self, *values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """One inference with a batch of one."""


Nets: TypeAlias = Mapping[str, Net]
"""Networks by name."""


@dataclass(frozen=True)
class Read:
    """What the networks say of n utterances."""

    logits: dict[int, NDArray[np.float32]]
    """Utterances in the baseline → (n, `OUTPUTS`) mean logits over the windows."""
    net: NDArray[np.str_]
    """(n,) name of the network that read each utterance."""


def read(
    net: Net, windows: Features, baseline: NDArray[np.float32], trust: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean logits and mean embedding over the windows of an utterance.

    Args:
        net: The network.
        windows: The utterance.
        baseline: (e,) mean embedding of the speaker's other utterances.
        trust: (1,) trust in it.
    """
    found = [net.run(window[None], baseline[None], trust[None]) for window in windows]
    return np.mean([one[0][0] for one in found], axis=0), np.mean([one[1][0] for one in found], axis=0)


def read_all(
    nets: Nets,
    which: Sequence[str],
    features: Sequence[Features],
    spoken: Utterances,
    counts: Sequence[int] = COUNTS,
    report: Callable[[str], None] = lambda _: None,
) -> Read:
    """Reads every utterance with the network that has not heard its speaker.

    Baselines are made of embeddings of the same network, from utterances of the same speaker.

    Args:
        nets: Networks by name.
        which: Name of the network for each of the n utterances.
        features: Windows of each.
        spoken: The n utterances.
        counts: Numbers of utterances in the baselines.
        report: Receives a line of progress for each network.
    """
    names = np.array(which)
    logits = {count: np.zeros((len(spoken), OUTPUTS), np.float32) for count in counts}
    for name, net in nets.items():
        rows = np.flatnonzero(names == name)
        if not len(rows):
            continue
        size = net.inputs[1].shape[-1]
        nothing = np.zeros(size, np.float32), np.zeros(1, np.float32)
        plain = [read(net, features[int(row)], *nothing) for row in rows]
        embeddings = np.stack([embedding for _, embedding in plain])
        for count in counts:
            if count == 0:
                logits[0][rows] = np.stack([one for one, _ in plain])
                continue
            means, trusts = baselines(embeddings, spoken.speakers[rows], count)
            logits[count][rows] = [
                read(net, features[int(row)], mean, trust)[0]
                for row, mean, trust in zip(rows, means, trusts, strict=True)
            ]
        report(f"{name}: {len(rows)} utterances")
    return Read(logits, names)
