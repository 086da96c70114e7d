"""What networks on language and vision are trained for and judged by: answers, matches, boxes."""

from bmnas.table import Table
from bmnas.tasks.heads.answer import AnswerObjective, answer_loss
from bmnas.tasks.heads.boxes import changed, changes, clipped, overlap
from bmnas.tasks.heads.ground import GroundObjective, GroundTargets, ground_loss, ground_targets
from bmnas.tasks.heads.match import MatchObjective, ReadsTextOnce, match_loss
from bmnas.tasks.heads.objective import HeadName, Negatives, PairBatch, PairObjective
from bmnas.tasks.heads.recall import recall

HEADS: Table[type[PairObjective]] = Table(
    "head", [AnswerObjective, MatchObjective, GroundObjective], name=lambda kind: kind.head
)

__all__ = [
    "HEADS",
    "AnswerObjective",
    "GroundObjective",
    "GroundTargets",
    "HeadName",
    "MatchObjective",
    "Negatives",
    "PairBatch",
    "PairObjective",
    "ReadsTextOnce",
    "answer_loss",
    "changed",
    "changes",
    "clipped",
    "ground_loss",
    "ground_targets",
    "match_loss",
    "overlap",
    "recall",
]
