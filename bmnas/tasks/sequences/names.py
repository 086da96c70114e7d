"""What the inputs of encoder-decoder networks on language and vision are called, here and in genotypes."""

from __future__ import annotations

QUESTION = "Question"
REGIONS = "Regions"
BOXES = f"{REGIONS}.boxes"
IMAGE = f"{REGIONS}.image"
