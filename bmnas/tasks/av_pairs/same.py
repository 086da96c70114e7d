"""The task `av-same`: a digit is written and a digit is spoken; are they the same?"""

from __future__ import annotations

from bmnas.tasks.av_pairs.pairing import Samples, sames
from bmnas.tasks.av_pairs.signals import Signals
from bmnas.tasks.av_pairs.task import AvPairsTask, features_of, taps_of
from bmnas.tasks.task import SplitName


class AvSameTask(AvPairsTask):
    """Pairs of digits a, written, and b, spoken; the label is 1 if a = b, as in half of the pairs, else 0.

    Given b alone both labels are equally likely; given a alone too, but for what nine other digits do not share out
    evenly. Of logits that are a sum, f(image) + g(recording), the cross entropy is at least ln 2, that of a guess, for
    the same reason as in `AvSumTask`. They are right for at most 75 % of the pairs: "same" is said where f(a) + g(b) >
    0. If it is said of the pairs (a, a) and (b, b), then it is said of (a, b) or of (b, a) too, because the two sums
    are together the same. So with m digits whose equal pairs are right, at least m (m - 1) / 2 of the 90 kinds of
    unequal pairs are wrong, and the accuracy is at most

        1/2 + m/20 - m (m - 1) / 360

    which is 75 % for m = 9 and m = 10. (It is reached: say "same" where a is at least b.)
    """

    name = "av-same"
    outputs = 2
    class_names = ("different", "same")
    features = features_of("Image", "Audio")
    taps = taps_of("Image", "Audio")

    def _drawn(self, signals: Signals, name: SplitName) -> Samples:
        return sames(signals, name, self.fold)
