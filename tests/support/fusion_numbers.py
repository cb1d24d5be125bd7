"""Parameters of the fusion that tests can compute by hand: every model is calibrated, and nothing is learnt."""

from __future__ import annotations

from typing import Final

from edge.emotions import COUNT, LABELS, UNIFORM
from edge.fusion.baseline import BaselineNumbers
from edge.fusion.parameters import SCHEMA, LabelNumbers, Parameters, Reliability, SenseNumbers, Senses, Trust

NEUTRAL_MEANS: Final = (-3.0, -3.0, -3.0, -3.0, -0.4, -3.0, -3.0)
"""Mean log-posterior of a neutral person in these parameters."""
PRIOR: Final = tuple(0.4 if label == "neutral" else 0.1 for label in LABELS)
"""How often each label occurs in these parameters."""
STALE_FACE_S: Final = 2.0
"""Age from which a face is stale in these parameters."""
STALE_VOICE_S: Final = 12.0
"""Age from which a voice is stale in these parameters."""


def baseline(**changes: object) -> BaselineNumbers:
    given: dict[str, object] = {
        "neutral": NEUTRAL_MEANS,
        "own_neutral": NEUTRAL_MEANS,
        "half_amount": 2.0,
        "most_amount": 20.0,
        "strength": 0.5,
        "bound": 1.0,
        "other_gate": 0.5,
        "own_floor": 0.1,
        "own_gate": 0.7,
        "least_quality": 0.3,
    }
    return BaselineNumbers(**{**given, **changes})  # type: ignore[arg-type]


def parameters(of_face: BaselineNumbers | None = None, of_voice: BaselineNumbers | None = None) -> Parameters:
    """Parameters with these baselines, by default without any."""
    return Parameters(
        schema=SCHEMA,
        version="test",
        labels=LABELS,
        prior=PRIOR,
        senses=Senses(
            face=_sense(0.6, STALE_FACE_S, of_face),
            voice=_sense(4.0, STALE_VOICE_S, of_voice),
            words=_sense(6.0, 18.0, None),
        ),
        trust=Trust(evidence_s=10.0, recovery_s=60.0, lowest=0.1),
        label=LabelNumbers(lead_nats=0.2, evidence_nat_s=0.2),
        second_share=0.35,
        training=(),
        train_command="",
    )


def _sense(memory_s: float, stale_s: float, of: BaselineNumbers | None) -> SenseNumbers:
    identity = tuple(tuple(float(row == column) for column in range(COUNT)) for row in range(COUNT))
    known = Reliability(model="test", sha256="0" * 64, prior=UNIFORM, matrix=identity, bias=(0.0,) * COUNT, baseline=of)
    return SenseNumbers(
        reliability=(known,),
        unreliable=0.05,
        quality_exponent=1.0,
        memory_s=memory_s,
        independence=0.0,
        stay_s=8.0,
        stale_s=stale_s,
    )
