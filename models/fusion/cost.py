"""`python -m models.fusion.cost`: what fusion and persons cost, without the senses.

Four people in sight at 10 frames a second, one of whom speaks, all with baselines, and the scene. Prints the processor
time of one round of estimates and of taking in one frame, medians over many rounds.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Final

import msgspec
import numpy as np

from edge import config, shipped
from edge.emotions import COUNT, NEUTRAL
from edge.fusion.baseline import BaselineNumbers
from edge.fusion.fusion import Fusion
from edge.fusion.parameters import Parameters, load
from edge.observation import SENSES, Attribution, Observation, Perceived

PERSONS: Final = (1, 2, 3, 4)
"""Track ids of the people in sight."""
WARM_UP_S: Final = 30.0
"""Seconds before the measurement, in which the baselines are learnt."""
FRAME_S: Final = 0.1
"""Seconds from one frame to the next; an estimate follows every second one."""


def measure(seconds: float, *, baseline: bool = True) -> dict[str, float]:
    """Median processor time in milliseconds of one round of estimates, and of one frame with a face of each person.

    Args:
        seconds: Length of the measured scene, after the warm-up.
        baseline: Whether every face and voice is corrected by a baseline.
    """
    fusion = Fusion(config.Fusion(baseline=baseline), numbers=_with_baselines(load(shipped.fusion())))
    rng = np.random.default_rng(0)
    estimates, frames = [], []
    for tick in range(round((WARM_UP_S + seconds) / FRAME_S)):
        now = tick * FRAME_S
        faces = tuple(Observation("face", now, _posterior(rng), 0.9, person) for person in PERSONS)
        seen = Perceived("face", faces, attended=1, live=frozenset(PERSONS))
        if tick % 20 == 0:
            spoken = Observation("voice", now, _posterior(rng), 0.8, 1, attribution=Attribution("person", 1, 0.9))
            fusion.take(Perceived("voice", (spoken,)), now)
        begun = time.process_time_ns()
        fusion.take(seen, now)
        taken = time.process_time_ns()
        if tick % 2 == 0:
            fusion.estimates(now)
        done = time.process_time_ns()
        if now >= WARM_UP_S:
            frames.append(taken - begun)
            if tick % 2 == 0:
                estimates.append(done - taken)
    return {"estimates_ms": round(np.median(estimates) / 1e6, 4), "frame_ms": round(np.median(frames) / 1e6, 4)}


def _posterior(rng: np.random.Generator) -> tuple[float, ...]:
    """A mostly neutral posterior."""
    weights = np.ones(COUNT)
    weights[NEUTRAL] = 20.0
    return tuple(rng.dirichlet(weights).tolist())


def _with_baselines(numbers: Parameters) -> Parameters:
    """The numbers with a baseline for each model of face and voice, also where the file has none."""
    known = (-3.0, -4.0, -3.0, -3.5, -0.3, -2.5, -4.5)
    of_all = BaselineNumbers(
        neutral=known,
        own_neutral=known,
        half_amount=2.0,
        most_amount=60.0,
        strength=0.5,
        bound=1.0,
        other_gate=0.5,
        own_floor=0.143,
        own_gate=0.7,
        least_quality=0.3,
    )
    senses = numbers.senses
    for sense in SENSES:
        entries = numbers.sense(sense).reliability
        found = tuple(
            msgspec.structs.replace(entry, baseline=None if sense == "words" else entry.baseline or of_all)
            for entry in entries
        )
        senses = msgspec.structs.replace(
            senses, **{sense: msgspec.structs.replace(numbers.sense(sense), reliability=found)}
        )
    return msgspec.structs.replace(numbers, senses=senses)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.fusion.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="length of the scene (default: %(default)g)")
    arguments = parser.parse_args()
    for baseline in (True, False):
        print(
            json.dumps({"persons": len(PERSONS), "baseline": baseline, **measure(arguments.seconds, baseline=baseline)})
        )
    return 0


if __name__ == "__main__":
    main()
