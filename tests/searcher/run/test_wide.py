"""How wide the wide network is."""

from __future__ import annotations

import pytest

from bmnas.compiler import summarise
from bmnas.genotype import Feature
from bmnas.genotype.presets import concat_fc
from bmnas.searcher.run.baselines import wide_size


@pytest.mark.parametrize(("features", "channels"), [(2, 512), (6, 512), (7, 256), (12, 256), (40, 256)])
def test_it_has_about_two_million_weights_at_most_unless_it_is_the_least(features, channels):
    size = wide_size(features)
    assert (size.channels, size.length) == (channels, 1)
    read = [Feature(name=f"F{n}", modality="M", channels=8) for n in range(features)]
    weights = summarise(concat_fc(read, outputs=4, channels=size.channels, length=1, dropout=0.0)).parameters
    assert weights < 2_400_000 or channels == 256
