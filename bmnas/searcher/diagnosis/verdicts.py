"""What follows from the numbers, by rules: room for fusion, for intermediate layers, and samples enough to tell.

All are of held-out samples, and of the loss, which says more of few samples than the metric does. A system is better
than another where a one-sided paired t-test of their losses, sample by sample (group by group where there are groups),
has p ≤ 5 %; where the best of k systems is looked for, p ≤ 5 % / k (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import compress

from bmnas.evaluation.paired import smallest_accuracy, smallest_mean
from bmnas.searcher.diagnosis.bench import Bench, Fitted
from bmnas.searcher.diagnosis.values import Answer, Comparison, Power, Verdict

LEVEL = 0.05


def about_fusion(compared: Sequence[Comparison], interaction: Comparison | None, modality: str) -> Verdict:
    """Whether there is room for fusion over the best modality.

    Yes, if one of the systems that read all last features (score fusion; heads together; the two nonlinear learners) is
    better than the best of what reads one (a head; a nonlinear learner), at 5 % divided by their number. Something
    beyond sums is shown if the nonlinear learner that reads them together is better than the best of those that add
    modalities up, at 5 %.

    Args:
        compared: the systems, the two linear ones first; none where there is one modality.
        interaction: of the nonlinear learner, if there is one.
        modality: the best one, or the only one.
    """
    if not compared:
        sentence = f"Room for fusion: there is one modality, {modality}, so there is nothing to fuse."
        return Verdict(question="fusion", answer="does not apply", sentence=sentence)
    best, is_shown = _best(compared, simple=2)
    words = _in_words(best, LEVEL / len(compared))
    sentence = f"Room for fusion of last features over {modality}: {'yes' if is_shown else 'not shown'}; {words}"
    if interaction is not None:
        is_more = interaction.p <= LEVEL
        sentence += (
            f"; {'what modalities say together, beyond a sum, adds' if is_more else 'nothing beyond a sum is shown:'} "
            f"{_number(interaction.gain)} ± {_number(interaction.error)}"
        )
    return Verdict(question="fusion", answer="yes" if is_shown else "not shown", sentence=f"{sentence}.")


def about_layers(several: Sequence[Comparison]) -> Verdict:
    """Whether there is room for intermediate features.

    Yes, if one of the systems that read all features (score fusion; heads together; the nonlinear learner) is better
    than the best of what reads last features alone, linear or not, at 5 % divided by their number.

    Args:
        several: the systems, the two linear ones first; none where each modality has one feature.
    """
    if not several:
        sentence = "Room for intermediate layers: each modality has one feature, so there are none."
        return Verdict(question="intermediate layers", answer="does not apply", sentence=sentence)
    best, is_shown = _best(several, simple=2)
    sentence = (
        f"Room for intermediate layers: {'yes' if is_shown else 'not shown'}; {_in_words(best, LEVEL / len(several))}."
    )
    return Verdict(question="intermediate layers", answer="yes" if is_shown else "not shown", sentence=sentence)


def about_samples(powers: Sequence[Power]) -> Verdict:
    """Whether there are samples enough to tell.

    Yes, if the difference between the best system of several features and the best of what reads one last feature is as
    great on held-out samples as the smallest that the test split can show; no, if it is smaller. Where the best system
    is no better, there is no difference that could be told.

    Args:
        powers: of these two, and of the two best systems, if these are others; none where there is one system.
    """
    if not powers:
        return _about_samples("does not apply", "there is nothing to compare")
    power, *others = powers
    samples = f"{power.samples:,} test sample{'s' if power.samples != 1 else ''}"
    shows = "can show none" if power.smallest is None else f"can show {_in(power, power.smallest)} or more"
    seen = f"{power.system} is better than {power.baseline} by {_in(power, power.observed)}"
    two = "".join(
        f" (between {other.system} and {other.baseline}: "
        f"{'none' if other.smallest is None else _in(other, other.smallest)})"
        for other in others
    )
    if power.observed <= 0:
        return _about_samples("not shown", f"no difference was seen; {samples} {shows}{two}")
    if power.smallest is not None and power.observed >= power.smallest:
        return _about_samples("yes", f"yes; {seen}, and {samples} {shows}{two}")
    return _about_samples("no", f"no; {seen}, but {samples} {shows}{two}")


def power_of(bench: Bench, one: Fitted, baseline: Fitted, test: int) -> Power:
    """What a test split can show of two systems.

    Where labels are classes: of their accuracies, by the share of held-out samples that exactly one of them gets right,
    with one sample added to either side, so that a share of none is not taken for impossible. Else: of their losses, by
    the deviation of the differences.

    Args:
        bench: where they were fitted.
        one: the first.
        baseline: the second.
        test: samples of the test split.
    """
    compared, samples = bench.compare(one, baseline), len(bench.held_out)
    of = partial(Power, system=one.system.name, baseline=baseline.system.name, samples=test)
    if compared.accuracy is not None and compared.discordant is not None:
        share = (compared.discordant * samples + 1) / (samples + 2)
        return of(measure="accuracy", observed=compared.accuracy, smallest=smallest_accuracy(test, share))
    deviation = compared.error * math.sqrt(samples)
    return of(measure="loss", observed=compared.gain, smallest=smallest_mean(test, deviation))


def _about_samples(answer: Answer, sentence: str) -> Verdict:
    return Verdict(question="samples", answer=answer, sentence=f"Samples enough: {sentence}.")


def _best(compared: Sequence[Comparison], simple: int) -> tuple[Comparison, bool]:
    """The greatest gain among the first that are sure, or else among all that are, or else among all; and if it is."""
    sure = [each.p <= LEVEL / len(compared) for each in compared]
    first = list(compress(compared[:simple], sure))
    return max(first or list(compress(compared, sure)) or compared, key=lambda each: each.gain), any(sure)


def _in_words(compared: Comparison, level: float) -> str:
    p = "p < 0.001" if compared.p < 0.001 else f"p = {compared.p:.3f}"
    if compared.p > level:
        p += f", above {level:.3g}"
    right = "" if compared.accuracy is None else f", accuracy {100 * compared.accuracy:+.1f} points"
    change = "smaller" if compared.gain >= 0 else "greater"
    return (
        f"the loss of {compared.system} is {_number(abs(compared.gain))} ± {_number(compared.error)} {change} than "
        f"that of {compared.baseline} ({p}{right})"
    )


def _in(power: Power, value: float) -> str:
    return f"{100 * value:.1f} points of accuracy" if power.measure == "accuracy" else f"{_number(value)} of the loss"


def _number(value: float) -> str:
    if value and abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3g}"
