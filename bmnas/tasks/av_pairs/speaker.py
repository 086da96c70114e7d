"""The task `av-speaker`: two people say a digit each, and one of the two is written; who says it?"""

from __future__ import annotations

from bmnas.errors import BmnasError
from bmnas.tasks.av_pairs.pairing import Samples, triples
from bmnas.tasks.av_pairs.signals import Signals
from bmnas.tasks.av_pairs.task import AvPairsTask, features_of, taps_of
from bmnas.tasks.task import SplitName


class AvSpeakerTask(AvPairsTask):
    """Recordings ``First`` and ``Second`` of two digits by two speakers, and an ``Image`` of one of the digits.

    The label is who says the digit that the image shows, the six speakers in alphabetical order. Which recording is
    asked for is in the last features, of all three modalities; who speaks is in earlier ones, because the backbones are
    trained to tell digits apart and know nothing of speakers.

    The best that ``First`` or ``Second`` by itself can do is to name its speaker, which is right for half of the
    samples; the image says nothing. Logits that are a sum over the three are right for at most 75 %. Take the logit of
    one speaker, s, less that of another one, s'. If s says d, s' says d', and images of both digits are answered
    rightly, then the difference is greater for the image of d than for that of d'. If s says d' and s' says d, it is
    the other way round. But what an image adds to the difference does not depend on the recordings, so of these four
    samples one is wrong; and all samples fall into such fours, which are equally likely.
    """

    name = "av-speaker"
    class_names = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    outputs = len(class_names)
    features = features_of("Image", "First", "Second")
    taps = taps_of("Image", "First", "Second")

    def _drawn(self, signals: Signals, name: SplitName) -> Samples:
        if len(signals.names) != self.outputs:
            raise BmnasError(
                f"{signals.recordings[0].path.parent}: has recordings of {len(signals.names)} speakers "
                f"({', '.join(signals.names)[:200]}); task {self.name} needs FSDD's {self.outputs}"
            )
        return triples(signals, name, self.fold)
