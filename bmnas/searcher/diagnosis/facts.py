"""What the data of a task are: sizes, classes, repetitions, channels, groups; and what of it is probably a mistake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import combinations

import torch
from torch import Tensor

from bmnas.searcher.anchor import HeadData
from bmnas.searcher.diagnosis.values import Channels, DataFacts, Repeated
from bmnas.tasks import SPLITS, FeatureStore, Regression, SplitName, Task

FEW = 5
"""A class with fewer training samples is called rare."""

_APART = 1000.0  # deviations of channels, or of features, that differ by such a factor are worth a word
_NAMED = 8


def facts_of(task: Task, store: FeatureStore, data: HeadData, groups: Mapping[SplitName, Tensor]) -> DataFacts:
    """Those of a task. Of the test split, its size, how often each label is there, and its groups' numbers are read.

    Args:
        task: whose.
        store: of its features.
        data: training and validation samples; of very many, those that were drawn.
        groups: by split, of its samples, where they have some.
    """
    few: tuple[int, ...] = ()
    missing: dict[str, tuple[int, ...]] = {}
    if not isinstance(task.objective, Regression):
        counts = {split: _counts(store.labels(split), task.outputs) for split in SPLITS}
        few = _where((counts["train"] > 0) & (counts["train"] < FEW))
        missing = {split: _where(count == 0) for split, count in counts.items()}
    return DataFacts(
        samples={split: store.size(split) for split in SPLITS},
        outputs=task.outputs,
        few=few,
        missing=missing,
        repeated=_repeated(data, store.size("train")),
        channels={name: _channels(data, name) for name in data.pooled},
        groups={split: len(own.unique()) for split, own in groups.items()},
        shared_groups={
            f"{one}, {other}": int(torch.isin(groups[one].unique(), groups[other]).sum())
            for one, other in combinations(groups, 2)
        },
    )


def warnings_of(facts: DataFacts) -> list[str]:
    """What is probably a mistake, in sentences without a full stop."""
    said = []
    repeated = facts.repeated
    if repeated.between:
        said.append(
            f"{_samples(repeated.between)} of the validation split {_are(repeated.between)} in the training split too, "
            "with the same features and label: scores on the validation split flatter"
        )
    if repeated.otherwise_labelled:
        said.append(
            f"{_samples(repeated.otherwise_labelled)} {_have(repeated.otherwise_labelled)} exactly the features of "
            "another that has another label"
        )
    for split, classes in facts.missing.items():
        if classes and split != "test":
            said.append(f"no sample of the {split} split is of {_classes(classes)}")
    unseen = [each for each in facts.missing.get("train", ()) if each not in facts.missing["test"]]
    if unseen:
        said.append(f"the test split has samples of {_classes(unseen)}, of which the training split has none")
    if facts.few:
        said.append(f"fewer than {FEW} training samples are of {_classes(facts.few)}")
    for name, channels in facts.channels.items():
        if channels.constant == channels.count:
            said.append(f"feature {name} is constant: it says nothing")
        elif channels.largest > _APART * channels.smallest:
            said.append(
                f"the channels of feature {name} have deviations from {channels.smallest:.3g} to "
                f"{channels.largest:.3g}: networks need its channels scaled"
            )
    largest = {name: channels.largest for name, channels in facts.channels.items() if channels.largest > 0}
    if largest:
        high, low = max(largest, key=largest.__getitem__), min(largest, key=largest.__getitem__)
        if largest[high] > _APART * largest[low]:
            said.append(
                f"feature {high} has a deviation of {largest[high]:.3g}, but {low} of {largest[low]:.3g}: "
                "networks need their features scaled"
            )
    return said


def _counts(labels: Tensor, outputs: int) -> Tensor:
    """How many samples are of each class, or are labelled with it."""
    return torch.bincount(labels.long(), minlength=outputs) if labels.dim() == 1 else (labels > 0).sum(0)


def _where(is_so: Tensor) -> tuple[int, ...]:
    return tuple(is_so.nonzero()[:, 0].tolist())


def _repeated(data: HeadData, train: int) -> Repeated:
    """By the bytes of what heads read; augmented views are not looked at."""
    rows = torch.cat(list(data.pooled.values()), 1).cpu().float().contiguous().numpy()
    labels = data.labels.cpu().contiguous().numpy()
    kinds: defaultdict[bytes, set[bytes]] = defaultdict(set)
    again = {"train": 0, "validation": 0, "between": 0}
    of_split: dict[bool, set[bytes]] = {True: set(), False: set()}
    keys = [(sha256(rows[i].tobytes()).digest(), labels[i].tobytes()) for i in range(len(rows))]
    for (features, label), is_training in zip(keys, (data.rows < train).tolist(), strict=True):
        both, own = features + label, of_split[is_training]
        again["train" if is_training else "validation"] += both in own
        again["between"] += not is_training and both in of_split[True]  # the training split comes first
        own.add(both)
        kinds[features].add(label)
    return Repeated(
        training=again["train"],
        validation=again["validation"],
        between=again["between"],
        otherwise_labelled=sum(len(kinds[features]) > 1 for features, _ in keys),
    )


def _channels(data: HeadData, name: str) -> Channels:
    std = data.scale(name, "each")[1]
    # A constant channel is scaled by 1, so it has to be known by its variance.
    changes = data.var[name] > 1e-10 * data.mean[name].square()
    own = std[changes]
    return Channels(
        count=len(std),
        constant=int((~changes).sum()),
        smallest=float(own.min()) if len(own) else 0.0,
        largest=float(own.max()) if len(own) else 0.0,
    )


def _samples(count: int) -> str:
    return f"{count:,} sample" if count == 1 else f"{count:,} samples"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _classes(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"class{'es' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:_NAMED]))}{more}"
