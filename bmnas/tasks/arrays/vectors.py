"""Settings for features that are vectors: one position each, so there is nothing to attend to or to stretch."""

from __future__ import annotations

from typing import Any

# What makes sense without positions. Attention over one position is its value.
OPERATIONS = ("Sum", "Mul", "LinearGLU", "ConcatFC", "GatedSum", "Bilinear")


def settings(train: int, validation: int, outputs: int) -> dict[str, Any]:
    """The settings of a search that suit vectors.

    Batches of about a thirtieth of the training samples, 32 to 128, and as many epochs as make about 1,000 steps,
    20 to 60: small data need more passes, large ones have enough steps in few. Channels rise with the number of classes
    and samples, 64 to 256. Trainings take seconds and small data make them differ, so four are one result.
    ``benchmarks/views.py`` has the data on which this was tried.

    Args:
        train: samples of the training split.
        validation: likewise.
        outputs: of the network.
    """
    least = max(2, min(train, validation))  # a search refuses a batch that is larger than a split it goes through
    batch = min(least, _power_of_two(train / 30, 32, 128))
    train_epochs = round(min(60, max(20, 1000 * batch / train)))
    channels = _power_of_two(max(train / 20, 4 * outputs), 64, 256)
    return {
        "channels": channels,
        "length": 1,
        "operations": OPERATIONS,
        "batch_size": batch,
        "epochs": max(10, train_epochs // 2),
        "train_epochs": train_epochs,
        "ensemble": 4,
    }


def _power_of_two(wish: float, least: int, most: int) -> int:
    """The power of two that is next to a wish, within bounds."""
    found = least
    while found < most and found * 1.5 < wish:
        found *= 2
    return found
