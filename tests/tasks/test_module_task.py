from __future__ import annotations

import copy
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from bmnas.errors import BmnasError
from bmnas.taps import Tap
from bmnas.tasks import Extraction, Split, Task, backbones, prepare
from bmnas.tasks.bad_sample import BadSample
from bmnas.tasks.module_task import ModuleTask
from bmnas.tasks.objective import MultiLabel, SingleLabel
from tests.tasks.small_task import small_pool

PLAIN: dict[str, Any] = {"outputs": 3, "taps": {"Image": ["0", "1"], "Text": Tap("1", item=0, axis=-1)}}


class Samples(Dataset):  # type: ignore[type-arg]
    """Images (3, 6, 6), and words with a mask as a dictionary; three classes."""

    def __init__(self, size: int, seed: int = 0, words: int = 7) -> None:
        random = torch.Generator().manual_seed(seed)
        self.images = torch.randn(size, 3, 6, 6, generator=random)
        self.words = torch.randint(20, (size, words), generator=random)
        self.labels = torch.arange(size) % 3

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Any:
        text = {"input": self.words[index]}
        return {"Image": self.images[index], "Text": text}, self.labels[index]


class Augmented(Samples):
    def __getitem__(self, index: int) -> Any:
        inputs, label = super().__getitem__(index)
        return {**inputs, "Image": inputs["Image"] + torch.randn(1)}, label


def image_backbone() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3))


def text_backbone() -> nn.Module:
    return nn.Sequential(nn.Embedding(20, 5), nn.GRU(5, 6, batch_first=True))


def make(**changed: Any) -> ModuleTask:
    torch.manual_seed(0)
    arguments = {
        "train": Samples(30),
        "validation": Samples(9, 1),
        "test": Samples(9, 2),
        "backbones": {"Image": image_backbone(), "Text": text_backbone()},
        **PLAIN,
        **changed,
    }
    return ModuleTask(arguments.pop("name", "own"), **arguments)


def test_features_are_named_and_their_channels_found() -> None:
    task = make(reshape={"Image": "grid", "Image_2": "sequence"})
    assert [feature.model_dump(mode="json") for feature in task.features] == [
        {"name": "Image_1", "modality": "Image", "channels": 4, "reshape": "grid", "scale": "none"},
        {"name": "Image_2", "modality": "Image", "channels": 4, "reshape": "sequence", "scale": "none"},
        {"name": "Text_1", "modality": "Text", "channels": 6, "reshape": "sequence", "scale": "none"},
    ]
    assert task.taps == {"Image_1": "0", "Image_2": "1", "Text_1": Tap("1", item=0, axis=-1)}
    assert task.modalities == ("Image", "Text")
    task.check()


def test_features_may_be_named_by_the_user() -> None:
    task = make(taps={"Image": {"edges": "0"}, "Text": {"words": Tap("0", axis=-1)}})
    assert [(feature.name, feature.channels) for feature in task.features] == [("edges", 4), ("words", 5)]


def test_finding_the_channels_changes_nothing_in_the_module() -> None:
    module = image_backbone().train()
    before = copy.deepcopy(module.state_dict())
    task = make(backbones={"Image": module, "Text": text_backbone()})
    assert task.features
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_part_of_the_modalities() -> None:
    task = make().with_modalities(["text"])
    assert task.modalities == ("Text",)
    assert [feature.name for feature in task.features] == ["Text_1"]
    task.check()


def test_the_given_module_is_neither_frozen_nor_trained(tmp_path: Path) -> None:
    class Trained(ModuleTask):
        def train_backbone(self, modality: str, backbone: nn.Module, **_: Any) -> float:
            with torch.no_grad():
                for parameter in backbone.parameters():
                    parameter.zero_()
            return 0.25

    module = image_backbone()
    task = Trained(
        "own",
        train=Samples(30),
        validation=Samples(9, 1),
        test=Samples(9, 2),
        backbones={"Image": module},
        taps={"Image": "0"},
        outputs=3,
    )
    backbone = backbones(task, cache=tmp_path)["Image"]
    assert backbone.score == 0.25
    assert not any(parameter.any() for parameter in backbone.module.parameters())
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert module[0].weight.any()


def test_prepared_features_are_those_of_the_modules(tmp_path: Path) -> None:
    task = make(taps={"Image": ["0", "1"], "Text": "0"})
    store = prepare(task, length=4, pool=small_pool, cache=tmp_path)
    image = task.build_backbone("Image").eval()
    live = image[0](task.split("test").images)  # type: ignore[union-attr]
    stored = _features(store, "test")["Image_1"]
    torch.testing.assert_close(stored, small_pool(live.detach(), "sequence", 4))


def test_a_tap_with_an_item_is_prepared(tmp_path: Path) -> None:
    task = make()
    store = prepare(task, length=4, pool=small_pool, cache=tmp_path)
    text = task.build_backbone("Text").eval()
    live = text(task.split("test").words)[0].transpose(1, 2)  # type: ignore[union-attr]
    torch.testing.assert_close(_features(store, "test")["Text_1"], small_pool(live.detach(), "sequence", 4))


def _features(store: Any, split: str) -> dict[str, Tensor]:
    features: dict[str, Tensor] = store.split(split).features
    return features


def test_augmented_views() -> None:
    augmented = Augmented(30)
    task = make(augmented=augmented)
    assert task.view("train", 2) is augmented
    assert task.view("train", 0) is task.split("train")
    with pytest.raises(BmnasError, match="has no augmented views"):
        make().view("train", 1)


def test_data_in_memory() -> None:
    def split(size: int) -> Split:
        samples = Samples(size)
        return Split({"Image": samples.images, "Text": {"input": samples.words}}, samples.labels)

    task = make(train=split(30), validation=split(9), test=split(9))
    task.check()
    assert len(task.features) == 3
    other = make(train=split(30), validation=split(9), test=split(9))
    assert other.data_fingerprint() == task.data_fingerprint()
    other.split("train").inputs["Image"][13, 0, 0, 0] += 1  # type: ignore[union-attr]
    assert other.data_fingerprint() != task.data_fingerprint()
    assert other.data_fingerprint(["Text"]) == task.data_fingerprint(["Text"])


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "2"},
        {"train": Samples(31)},
        {"test": Samples(9, 3)},
        {"augmented": Augmented(30)},
        {"backbones": {"Image": nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), "Text": text_backbone()}},
    ],
)
def test_what_changes_the_fingerprint(changed: dict[str, Any]) -> None:
    assert make().data_fingerprint() == make().data_fingerprint()
    assert make(**changed).data_fingerprint() != make().data_fingerprint()


def test_other_weights_or_settings_of_a_module_change_the_fingerprint_of_their_modality() -> None:
    task = make()
    before, text = task.data_fingerprint(["Image"]), task.data_fingerprint(["Text"])
    image = task._backbones["Image"]
    with torch.no_grad():
        image[0].bias[0] += 1  # type: ignore[index]
    after = task.data_fingerprint(["Image"])
    assert after != before
    image[0].stride = (2, 2)  # type: ignore[index]
    assert task.data_fingerprint(["Image"]) != after
    assert task.data_fingerprint(["Text"]) == text


def test_a_data_set_with_random_items_has_one_fingerprint() -> None:
    assert make(train=Augmented(30)).data_fingerprint() == make(train=Augmented(30)).data_fingerprint()


BASE = Samples(40)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"validation": Samples(0)}, r"the validation split of task own is empty"),
        (
            {"train": Subset(BASE, range(30)), "validation": Subset(BASE, range(29, 35))},
            r"the train and validation splits of task own overlap: both have sample 29 of one data set",
        ),
        (
            {"validation": Subset(BASE, range(5)), "test": Subset(Subset(BASE, range(3, 20)), [5, 1, 0])},
            r"the validation and test splits of task own overlap: both have sample 3 and 1 more of one data set",
        ),
        ({"train": BASE, "test": Subset(BASE, [1])}, r"train and test splits .* overlap: they are of one data set"),
        ({"train": iter([])}, r"the train split of task own is a list_iterator, but should be a Split, or a data set"),
        ({"augmented": Augmented(29)}, r"the augmented training split of task own has 29 samples, but .* has 30"),
        (
            {"test": Split({"Image": torch.zeros(4, 3, 6, 6)}, torch.zeros(5))},
            r"the test split of task own has 5 labels, but 4 of 'Image'",
        ),
        ({"objective": MultiLabel}, r"objective is the class MultiLabel; give an object of it, MultiLabel\(\)"),
        ({"taps": {"Image": {"": "0"}}}, r"'' cannot be the name of a feature: "),
        (
            {"backbones": {"x" * 300: image_backbone()}, "taps": {"x" * 300: "0"}},
            r"xx_1' cannot be the name of a feature",
        ),
        ({"objective": "multilabel"}, r"unknown objective 'multilabel'; did you mean 'multi-label'\?"),
        ({"objective": 3}, r"objective is a int, but should be an objective such as SingleLabel\(\)"),
        ({"metric": "f1-makro"}, r"unknown metric 'f1-makro'; did you mean 'f1-macro'\?"),
        ({"metric": len}, r"metric is a builtin_function_or_method, but should be a metric or its name"),
        (
            {"test": Split({"Image": torch.zeros(2, 3, 6, 6)}, [0, 1])},  # type: ignore[arg-type]
            r"the labels of the test split of task own are a list, but should be a tensor",
        ),
        (
            {"test": Split({"Image": [[1.0], [2.0]]}, torch.zeros(2))},
            r"the test split of task own has inputs 'Image' of another kind: a float is not a tensor",
        ),
        ({"outputs": 0}, r"outputs is 0, but should be the number of classes"),
        ({"backbones": {}}, r"backbones is empty"),
        ({"backbones": {"Image": "resnet"}}, r"the backbone of modality 'Image' is a str, not a torch module"),
        (
            {"taps": {"Image": ["0"], "Txt": ["1"]}},
            r"taps are given for 'Txt', which has no backbone; did you mean 'Text'\?",
        ),
        ({"taps": {"Image": {"A": "0"}, "Text": {"A": "0"}}}, r"'Image' and 'Text' both have a feature named 'A'"),
        ({"taps": {"Image": [7]}}, r"feature 'Image_1': a tap is the name of a place in the backbone or a Tap, and 7"),
        ({"reshape": {"Imagee": "grid"}}, r"reshape names 'Imagee', which is no feature .*; did you mean 'Image'\?"),
        ({"reshape": {"Image": "gird"}}, r"reshape of 'Image' is 'gird'; did you mean 'grid'\?"),
        ({"settings": ["channels"]}, "settings is a list, but should give values by the names of settings"),
    ],
)
def test_arguments_that_do_not_fit(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        make(**changed)


class Odd(Samples):
    """A sample that is not one."""

    def __init__(self, item: Any) -> None:
        super().__init__(9)
        self.item = item

    def __getitem__(self, index: int) -> Any:
        return self.item if index == 8 else super().__getitem__(index)


IMAGE = torch.zeros(3, 6, 6)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (
            IMAGE,
            r"sample 8 of the test split of task own: cannot be read: it is a Tensor, not \(inputs by modality, ",
        ),
        (({"Image": IMAGE}, 0), r"sample 8 of the test split of task own has no input 'Text'; it has 'Image'"),
        (
            ({"Image": IMAGE, "Text": {"input": torch.zeros(7)}}, 3),
            r"the label of sample 8 of the test split of task own is 3, but the task has 3 classes, 0 to 2",
        ),
    ],
)
def test_samples_that_do_not_fit(item: Any, sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        make(test=Odd(item)).check()


def test_labels_of_another_kind() -> None:
    with pytest.raises(BmnasError, match="the label of sample 0 of the train split of task own has shape"):
        make(objective=MultiLabel()).check()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"taps": {"Image": "0"}}, r"the backbone of modality 'Text' of task own has no taps; `bmnas taps` lists"),
        ({"taps": {"Image": "00", "Text": "0"}}, r"feature 'Image_1' taps '00', which the backbone lacks"),
        (
            {"backbones": {"Image": nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), "Text": text_backbone()}},
            r"the backbone of modality 'Image' cannot run on an input \(1, 3, 6, 6\): RuntimeError: ",
        ),
    ],
)
def test_features_that_cannot_be_taken(changed: dict[str, Any], sentence: str) -> None:
    task: Task = make(**changed)
    with pytest.raises(BmnasError, match=sentence):
        task.features  # noqa: B018


@pytest.mark.parametrize(
    ("reshape", "sentence"),
    [
        ({"Text": "grid"}, r"feature 'Text_1' has shape \(6, 7\) .* but reshape 'grid' takes \(channels, H, W\)"),
        (
            {"Image": "none"},
            r"feature 'Image_1' has shape \(4, 4, 4\) .* reshape 'none' takes \(channels, length\)",
        ),
    ],
)
def test_a_reshape_that_does_not_fit_the_feature_is_refused(reshape: dict[str, str], sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        make(reshape=reshape).features  # noqa: B018


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b", "a\nb", 3])
def test_a_name_that_no_folder_can_have_is_refused(name: Any) -> None:
    with pytest.raises(BmnasError, match="cannot be the name of a task: folders are named after it"):
        make(name=name)


def test_objective_and_metric_by_name() -> None:
    task = make(objective="single-label", metric="f1-macro")
    assert (task.objective, task.metric.name) == (SingleLabel(), "f1-macro")


def test_a_feature_of_another_shape_is_refused() -> None:
    with pytest.raises(
        BmnasError, match=r"feature 'Text_1' of task own has shape \(6, 7\) .* but \(6, 8\) .* test split"
    ):
        make(test=Samples(9, words=8)).check()


class Broken(Samples):
    """Some samples cannot be read, and say so in other words each time; some have a label that is no class."""

    def __init__(self, size: int, *, unreadable: Collection[int] = (), mislabelled: Collection[int] = ()) -> None:
        super().__init__(size)
        self.unreadable = unreadable
        self.labels[list(mislabelled)] = 7
        self.reads = 0

    def __getitem__(self, index: int) -> Any:
        self.reads += 1
        if index in self.unreadable:
            raise ValueError(f"is truncated (read {self.reads})")
        return super().__getitem__(index)


def _prepared(task: Task, cache: Path, *, skip_bad: bool) -> Any:
    how = Extraction(skip_bad=skip_bad, workers=0)
    return prepare(task, extraction=how, length=4, pool=small_pool, cache=cache)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("fault", ["unreadable", "mislabelled"])
def test_samples_looked_at_first_can_be_left_out(tmp_path: Path, split: str, place: str, fault: str) -> None:
    size = {"train": 30, "validation": 9, "test": 9}[split]
    index = 0 if place == "first" else size - 1
    store = _prepared(make(**{split: Broken(size, **{fault: {index}})}), tmp_path, skip_bad=True)
    assert [(one.split, one.index) for one in store.skipped] == [(split, index)]
    labels = Samples(size).labels
    assert torch.equal(store.split(split).labels, torch.cat([labels[:index], labels[index + 1 :]]))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "unreadable",
            r"sample 0 of the train split of task own: cannot be read: ValueError: is truncated \(read \d+\)",
        ),
        (
            "mislabelled",
            r"the label of sample 0 of the train split of task own is 7, but the task has 3 classes, 0 to 2",
        ),
    ],
)
def test_without_skip_bad_they_are_refused(tmp_path: Path, fault: str, sentence: str) -> None:
    task = make(train=Broken(30, **{fault: {0}}))
    with pytest.raises(BadSample, match=f"^{sentence}; --skip-bad leaves such samples out$"):
        _prepared(task, tmp_path, skip_bad=False)


def test_channels_are_those_of_the_first_sample_that_can_be_used() -> None:
    expected = make().features
    assert make(train=Broken(30, unreadable={0, 4}, mislabelled={8})).features == expected
    task = make(train=Broken(3, unreadable={0, 1, 2}))
    with pytest.raises(BmnasError, match=r"of the train split of task own, no sample .* can be used: sample 0 of") as e:
        task.features  # noqa: B018
    assert not isinstance(e.value, BadSample)


def test_what_leaving_samples_out_cannot_help_is_said_first() -> None:
    test = Samples(9, words=8)
    with pytest.raises(BmnasError, match=r"has shape .* for sample 4 of the train split, but .* sample 0 of the test"):
        make(train=Broken(30, unreadable={0}), test=test).check()


def test_the_fingerprint_of_an_unreadable_sample_is_that_it_is_one() -> None:
    task = make(train=Broken(30, unreadable={0}))
    first = task.data_fingerprint()
    assert first == task.data_fingerprint()  # though the message is another one
    assert first != make(train=Broken(30)).data_fingerprint()
    assert first != make(train=Broken(30, unreadable={29})).data_fingerprint()


class Regions(Samples):
    def __getitem__(self, index: int) -> Any:
        inputs, label = super().__getitem__(index)
        return {**inputs, "Image": torch.zeros(3, 6 + index, 6)}, label


def test_samples_of_all_sizes_are_refused_with_or_without_skipping(tmp_path: Path) -> None:
    task = make(train=Regions(9))
    with pytest.raises(BmnasError, match=r"pad or crop the samples to one size$"):
        task.check()
    with pytest.raises(BmnasError, match=r"pad or crop the samples to one size$"):
        prepare(task, length=4, pool=small_pool, cache=tmp_path, extraction=Extraction(skip_bad=True, workers=0))


def test_skipping_is_no_advice_where_most_samples_are_bad() -> None:
    with pytest.raises(BadSample, match=r"cannot be read: .*--skip-bad leaves such samples out"):
        make(train=Broken(30, unreadable={29})).check()
    with pytest.raises(BadSample, match=r"cannot be read: ValueError: is truncated \(read \d+\)$"):
        make(train=Broken(30, unreadable=set(range(3, 30)))).check()


@pytest.mark.parametrize("number", [np.int64(3), torch.tensor(3), torch.arange(3).max() + 1])
def test_a_number_of_classes_of_another_library(number: Any) -> None:
    task = make(outputs=number)
    assert (task.outputs, type(task.outputs)) == (3, int)


@pytest.mark.parametrize("number", [True, np.bool_(True), torch.tensor(True), 2.0, np.array([2, 3]), "3", None])
def test_what_is_no_number_of_classes(number: Any) -> None:
    with pytest.raises(BmnasError, match=r"outputs is .*, but should be the number of classes"):
        make(outputs=number)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (nn.Conv2d(3, 4, 3, device="meta"), r"'Image' has no numbers in 'weight', which is on the meta device"),
        (nn.LazyConv2d(4, 3), r"'Image' has no numbers in 'weight', a lazy one; run it once on an input"),
    ],
)
def test_a_backbone_without_weights_is_refused(module: nn.Module, sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        make(backbones={"Image": module}, taps={"Image": ""})


class Layers(nn.Module):
    """Puts out the layer that an attribute names; counts its calls."""

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.one, self.two, self.layer, self.calls = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), layer, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        states = [self.one(x)]
        states.append(self.two(states[0]))
        return states[self.layer]


def test_a_setting_of_a_backbone_makes_other_features_and_running_it_does_not(tmp_path: Path) -> None:
    def made(layer: int) -> ModuleTask:
        torch.manual_seed(0)
        return make(backbones={"Image": Layers(layer)}, taps={"Image": {"F": ""}})

    task = made(0)
    before = task.data_fingerprint()
    first = _features(prepare(task, length=4, pool=small_pool, cache=tmp_path), "test")["F"]
    assert task.data_fingerprint() == before
    second = _features(prepare(made(1), length=4, pool=small_pool, cache=tmp_path), "test")["F"]
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    "state", [torch.inference_mode, torch.no_grad, lambda: torch.device("meta")], ids=["inference", "no grad", "device"]
)
def test_what_the_caller_has_switched_does_not_reach_the_extraction(state: Any, tmp_path: Path) -> None:
    class Trained(ModuleTask):
        def train_backbone(self, modality: str, backbone: nn.Module, **_: Any) -> None:
            backbone(torch.ones(2, 3, 6, 6)).sum().backward()

    parts = {"train": Samples(6), "validation": Samples(6, 1), "test": Samples(6, 2)}
    task = Trained("own", **parts, backbones={"Image": image_backbone()}, taps={"Image": "0"}, outputs=3)  # type: ignore[arg-type]
    with state():
        prepare(task, length=4, pool=small_pool, cache=tmp_path, extraction=Extraction(workers=0))


def test_a_backbone_of_the_callers_default_type(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        samples = [Split({"S": torch.randn(6, 3, 7)}, torch.arange(6) % 2) for _ in range(3)]
        parts = dict(zip(("train", "validation", "test"), samples, strict=True))
        task = ModuleTask("own", **parts, backbones={"S": nn.Conv1d(3, 4, 1)}, taps={"S": ""}, outputs=2)  # type: ignore[arg-type]
        assert _features(prepare(task, length=4, pool=small_pool, cache=tmp_path), "test")["S_1"].dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_groups_belong_to_the_samples_of_each_split() -> None:
    names = {
        "train": ["ann"] * 15 + ["bob"] * 15,
        "validation": np.array(["eve"] * 9),
        "test": ["bob"] * 4 + ["zoe"] * 5,
    }
    task = make(groups=names)
    groups = task.groups("test")
    assert groups is not None
    assert groups.tolist() == [1] * 4 + [3] * 5
    assert list(task.remarks()) == [
        "task own: group 'bob' is in both the train and the test split: "
        "scores on the test split are not those of groups that were never seen"
    ]
    assert make().groups("train") is None
    assert list(make().remarks()) == []


GROUPS: dict[str, Any] = {"train": [1] * 30, "validation": [2] * 9, "test": [3] * 9}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1] * 30, "groups of task own are a list, but should be given by split: train, validation, test"),
        ({**GROUPS, "val": [2] * 9}, "groups of task own are given for 'val', which is no split"),
        ({"train": [1] * 30}, "groups of task own are given, but not those of the validation split"),
        ({**GROUPS, "test": [3]}, r"groups of the test split of task own: has shape \(1,\), but there are 9 samples"),
        ({**GROUPS, "test": [3.5] * 9}, "sample 0 of the test split of task own has the group 3.5, which is no whole"),
        (
            {**GROUPS, "test": ["a"] * 9},
            "groups of task own: those of one split are whole numbers, but those of another",
        ),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups: Any, message: str) -> None:
    with pytest.raises(BmnasError, match=message):
        make(groups=groups)
