"""The task `av-sum`: a digit is written and a digit is spoken; what is the last digit of their sum?"""

from __future__ import annotations

from bmnas.tasks.av_pairs.pairing import Samples, sums
from bmnas.tasks.av_pairs.signals import Signals
from bmnas.tasks.av_pairs.task import AvPairsTask, features_of, taps_of
from bmnas.tasks.task import SplitName


class AvSumTask(AvPairsTask):
    """Pairs of any two digits a, written, and b, spoken; the label is (a + b) mod 10.

    The pairs are balanced, so given a alone, or b alone, all ten labels are equally likely: a modality by itself is
    right one time in ten. Logits that are a sum, f(image) + g(recording), whatever f and g are, do little better:

    - Their cross entropy is at least ln 10, that of a guess. It is convex in f and g, and at zero its derivative by
      each f_c(a) is the difference between a guessed tenth and how often c goes with a, which is a tenth: it vanishes.
    - They are right for at most 75 % of the pairs. Take the four pairs of a or a + 5 with b or b + 5 (mod 10). Two of
      them have the label c = a + b, the other two c + 5. If all were right, f_c + g_c would be above f_(c+5) + g_(c+5)
      in the sum over the first two, and below it in the sum over the other two; but both sums have the same terms, each
      of the two a and of the two b once. So of these four one is wrong, and the hundred pairs are 25 such fours. (It is
      reached, by logits that say how near c is to a + b, where that is 4 to 13.) Of signals in place of digits the same
      holds on average, because which image of an a meets which recording of a b is chance.
    """

    name = "av-sum"
    outputs = 10
    class_names = tuple("0123456789")
    features = features_of("Image", "Audio")
    taps = taps_of("Image", "Audio")

    def _drawn(self, signals: Signals, name: SplitName) -> Samples:
        return sums(signals, name, self.fold)
