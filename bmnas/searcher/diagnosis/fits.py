"""All systems of a diagnosis, and which is compared with which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bmnas.genotype import Feature
from bmnas.genotype.presets import last_features
from bmnas.searcher.diagnosis.bench import Bench, Fitted
from bmnas.searcher.diagnosis.nonlinear import MOST, Kind
from bmnas.searcher.diagnosis.values import Choosing, Comparison, Power
from bmnas.searcher.diagnosis.verdicts import power_of
from bmnas.tasks import Progress, Report

_STEPS = 3  # of the progress


@dataclass(frozen=True, eq=False)
class Fits:
    """What was fitted. Use `Fits.of`.

    Attributes:
        bench: where.
        heads: of each feature.
        last: those of the last features.
        of_last: sums of the last features; none where there is one modality.
        of_all: sums of all features; none where these are the last ones.
        alone: nonlinear learners of each modality's last feature; none where these are too wide.
        learners: nonlinear learners of all last features, together and one by one; none where there is one modality.
        deep: the nonlinear learner of all features; none where these are the last ones, or too wide.
    """

    bench: Bench
    heads: Sequence[Fitted]
    last: Sequence[Fitted]
    of_last: Sequence[Fitted]
    of_all: Sequence[Fitted]
    alone: Sequence[Fitted]
    learners: Sequence[Fitted]
    deep: Sequence[Fitted]

    @classmethod
    def of(cls, bench: Bench, features: Sequence[Feature], report: Report, *, nonlinear: bool = True) -> Fits:
        """Fit them all, and tell how far it is; the nonlinear learners take most of the time."""
        report(Progress("diagnosis", 0, _STEPS))
        last = last_features(features)
        sums: dict[str, Sequence[Feature]] = {"last features": last} if len(last) > 1 else {}
        if len(features) > len(last):
            sums["all features"] = features
        single = {feature.name: [feature] for feature in features}
        apart = bench.apart({**single, **{f"{name}, score fusion": own for name, own in sums.items()}}, features)
        report(Progress("diagnosis", 1, _STEPS))
        joint = bench.joint({f"{name} together": own for name, own in sums.items()}, features) if sums else []
        report(Progress("diagnosis", 2, _STEPS))
        heads, fused = apart[: len(features)], apart[len(features) :]
        in_order = [fitted for pair in zip(fused, joint, strict=True) for fitted in pair]
        of_last = in_order[:2] if len(last) > 1 else []
        last_heads = [head for head, feature in zip(heads, features, strict=True) if feature in last]
        learners = _learners(bench, last, last_heads, of_last) if nonlinear else []
        alone, others = learners[: len(last)], learners[len(last) :]
        of_all = in_order[len(of_last) :]
        deep = _deep(bench, features, of_all) if nonlinear else []
        report(Progress("diagnosis", _STEPS, _STEPS))
        return cls(bench, heads, last_heads, of_last, of_all, alone, others, deep)

    @property
    def best_alone(self) -> Fitted:
        """What one modality gives by itself, linear or not."""
        return _least([*self.last, *self.alone])

    def fusion(self) -> list[Comparison]:
        """What reads all modalities against the best one; see `about_fusion`."""
        return [self.bench.compare(each, self.best_alone) for each in (*self.of_last, *self.learners)]

    def interaction(self) -> Comparison | None:
        """What reads the last features together against the best of what adds them up."""
        if not self.learners:
            return None
        together, one_by_one = self.learners
        return self.bench.compare(together, _least([*self.of_last, one_by_one]))

    def layers(self) -> list[Comparison]:
        """What reads all features against the best of what reads the last ones; see `about_layers`."""
        baseline = _least([*self.last, *self.of_last, *self.alone, *self.learners])
        return [self.bench.compare(each, baseline) for each in (*self.of_all, *self.deep)]

    def power(self, test: int) -> list[Power]:
        """Of the best system of several features against the best modality, and of the two best systems, if others."""
        several = [*self.of_last, *self.of_all, *self.learners, *self.deep]
        if not several:
            return []
        pairs = [(_least(several), self.best_alone)]
        first, second, *_ = sorted([*self.heads, *several, *self.alone], key=lambda fitted: fitted.loss)
        if {first, second} != set(pairs[0]):
            pairs.append((first, second))
        return [power_of(self.bench, one, other, test) for one, other in pairs]

    def choosing(self) -> Choosing | None:
        """What choosing between modalities could give."""
        rights = [right for each in self.last if (right := self.bench.right(each)) is not None]
        if len(rights) < 2:
            return None
        accuracies = [float(right.double().mean()) for right in rights]
        says_MN = torch.stack([each.outputs.argmax(1) for each in self.last])
        return Choosing(
            oracle=float(torch.stack(rights).any(0).double().mean()),
            by_chance=1 - math.prod(1 - accuracy for accuracy in accuracies),
            disagreement=float((says_MN != says_MN[0]).any(0).double().mean()),
            best=max(accuracies),
        )

    def left_out(self) -> list[str]:
        """What does not apply."""
        said = []
        if len(self.last) == 1:
            said.append("there is one modality: score fusion, and what modalities say together, are left out")
        elif self.choosing() is None:
            said.append(
                "a sample has no single class: how often modalities disagree, and what choosing between them could "
                "give, are left out"
            )
        if not self.alone or (self.of_all and not self.deep):
            which = "all features" if self.alone else "the last features"
            said.append(f"{which} have more than {MOST:,} numbers: a nonlinear learner of them would take too long")
        return said


def _learners(bench: Bench, last: Sequence[Feature], heads: Sequence[Fitted], sums: Sequence[Fitted]) -> list[Fitted]:
    if _width(bench, last) > MOST:
        return []
    kinds = {
        f"nonlinear, {feature.name}": Kind((i,), True, _penalty(head))
        for i, (feature, head) in enumerate(zip(last, heads, strict=True))
    }
    if len(last) > 1:
        every, l2 = tuple(range(len(last))), _penalty(sums[1])  # of the heads that were fitted together
        kinds["nonlinear, together"] = Kind(every, True, l2)
        kinds["nonlinear, one by one"] = Kind(every, False, l2)
    return bench.learners(kinds, last)


def _deep(bench: Bench, features: Sequence[Feature], sums: Sequence[Fitted]) -> list[Fitted]:
    if not sums or _width(bench, features) > MOST:
        return []
    return bench.learners({"nonlinear, all": Kind(tuple(range(len(features))), True, _penalty(sums[1]))}, features)


def _width(bench: Bench, features: Sequence[Feature]) -> int:
    return sum(bench.data.pooled[feature.name].shape[1] for feature in features)


def _penalty(fitted: Fitted) -> float:
    assert fitted.system.penalty is not None, "heads have one"
    return fitted.system.penalty


def _least(fitted: Sequence[Fitted]) -> Fitted:
    """The one of the smallest loss on held-out samples; of equals the first."""
    return min(fitted, key=lambda each: each.loss)
