"""Wrong partners for matching: images that a text does not belong to, and texts of other images, from one gallery."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.sequences import PairData


class Partners:
    """Draws partners of the texts and images of some data.

    Args:
        data: pairs. Where they have galleries, a wrong partner is of the same one.

    Raises:
        BmnasError: an image is alone in its gallery, so that there is no other.
    """

    def __init__(self, data: PairData) -> None:
        self._data = data
        # Only images that a text belongs to: others have no partner to lend.
        used = data.image.unique()
        gallery = data.gallery[used] if len(data.gallery) else torch.zeros_like(used)
        order = gallery.argsort(stable=True)
        self._images = used[order]
        _, place, counts = gallery[order].unique_consecutive(return_inverse=True, return_counts=True)
        starts = counts.cumsum(0) - counts
        if bool((counts < 2).any()):
            alone = int(self._images[starts[int((counts < 2).nonzero()[0])]])
            raise BmnasError(
                f"{data.where}: {data.regions.name(alone)} is the only image of its gallery, so no text is wrong for it"
            )
        self._at = torch.full((len(data.regions),), -1)
        self._at[self._images] = torch.arange(len(used))
        self._start, self._count = starts[place], counts[place]

    @property
    def images(self) -> Tensor:
        """The images that texts belong to."""
        return self._images

    def other_images(self, images: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Images (len(images), count), each another one of the same gallery."""
        at = self._at[images]
        start, size = self._start[at][:, None], self._count[at][:, None]
        drawn = (torch.rand(len(images), count, generator=generator, dtype=torch.float64) * (size - 1)).long()
        drawn += (drawn >= at[:, None] - start).long()
        return self._images[start + drawn]

    def texts_of(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """For each image, of any shape, one of its texts."""
        order, starts, counts = self._texts
        place = (torch.rand(images.shape, generator=generator, dtype=torch.float64) * counts[images]).long()
        return order[starts[images] + place]

    def other_texts(self, images: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Texts (len(images), count) of other images of the same gallery."""
        return self.texts_of(self.other_images(images, count, generator), generator)

    @cached_property
    def _texts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Texts in the order of their images; where each image's begin, and how many it has."""
        counts = self._data.image.bincount(minlength=len(self._data.regions))
        return self._data.image.argsort(stable=True), counts.cumsum(0) - counts, counts
