from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.fit.seeding import seeded
from bmnas.taps import run_taps
from bmnas.tasks import backbones
from bmnas.tasks.av_pairs import AvSameTask, AvSpeakerTask, AvSumTask, task as module
from bmnas.tasks.av_pairs.task import AvPairsTask
from bmnas.tasks.task import SPLITS
from bmnas.tasks.training import TrainingSettings
from tests.tasks.av_digits.small_files import IMAGES, RECORDINGS, write_wav

KINDS: tuple[type[AvPairsTask], ...] = (AvSumTask, AvSameTask, AvSpeakerTask)
ALL = pytest.mark.parametrize("kind", KINDS)


@ALL
def test_the_splits_have_all_modalities_and_labels(data: Path, kind: type[AvPairsTask]) -> None:
    task = kind.open(data)
    task.check()
    of_each = (
        {"train": 4, "validation": 4, "test": 10}
        if kind is AvSpeakerTask
        else {"train": 2, "validation": 4, "test": 10}
    )
    for name in SPLITS:
        split = task.split(name)
        assert len(split) == 12 * of_each[name]
        shapes = {modality: tuple(tensor.shape[1:]) for modality, tensor in split.inputs.items()}
        assert shapes == {one: (1, 28, 28) if one == "Image" else (51, 32) for one in task.modalities}
        assert task.groups(name) is None
    assert set(task.split("test").labels.tolist()) == {AvSumTask: {6, 0, 4}, AvSameTask: {0, 1}}.get(
        kind, set(range(6))
    )


def test_a_sample_has_the_signals_that_its_label_is_about(data: Path) -> None:
    split = AvSumTask.open(data).split("test")
    # A written 3 is a bar from row 6, a 7 one from row 14; a spoken 7 is a higher tone than a spoken 3.
    written = torch.where(split.inputs["Image"][:, 0, 6, 0] > 0, 3, 7)
    loudest = split.inputs["Audio"][:, 25].argmax(dim=1)
    spoken = torch.where(loudest > loudest.float().mean(), 7, 3)
    assert split.labels.tolist() == ((written + spoken) % 10).tolist()


@ALL
def test_a_task_without_data_is_described(kind: type[AvPairsTask]) -> None:
    assert len(kind.described().features) == 4 * len(kind.described().modalities)
    for folder in (None, Path("nowhere")):
        with pytest.raises(BmnasError, match=r"DIGIT_SPEAKER_INDEX\.wav"):
            kind.open(folder)


@pytest.mark.parametrize("fold", [-1, 10, 1.0, True, "0"])
def test_a_fold_that_is_none_is_refused(fold: object) -> None:
    with pytest.raises(BmnasError, match=r"the fold of task av-sum is .*, but should be one of 0 to 9"):
        AvSumTask(Path(), fold=fold)  # type: ignore[arg-type]


@ALL
def test_the_fingerprint_changes_with_the_fold_and_the_data(data: Path, kind: type[AvPairsTask]) -> None:
    for index, other in ((0, 15), (5, 20)):  # so that fold 3 has test and validation recordings too
        for path in (data / RECORDINGS).glob(f"*_{index}.wav"):
            write_wav(path.with_name(path.name.replace(f"_{index}.wav", f"_{other}.wav")))
    first = kind(data)
    found = [first.data_fingerprint(), kind(data, fold=0).data_fingerprint(), kind(data, fold=3).data_fingerprint()]
    assert found[0] == found[1] != found[2]
    assert kind(data, fold=3).options == {"fold": 3}
    write_wav(data / RECORDINGS / "7_bob_10.wav", 401)
    changed = kind(data)
    assert changed.data_fingerprint() not in found
    assert changed.data_fingerprint(["Image"]) == first.data_fingerprint(["Image"])


def test_files_that_are_missing_are_named(data: Path) -> None:
    (data / IMAGES).unlink()
    with pytest.raises(BmnasError, match=r"images-idx3-ubyte\.gz: is missing"):
        AvSumTask.open(data).check()
    assert list(AvSumTask.open(data).with_modalities(["audio"]).split("train").inputs) == ["Audio"]
    (data / RECORDINGS / "7_bob_10.wav").write_bytes(b"RIFF")
    with pytest.raises(BmnasError, match=r"7_bob_10\.wav: is not a whole"):
        AvSumTask.open(data).with_modalities(["audio"]).check()


def test_other_speakers_than_six_are_refused(data: Path) -> None:
    for path in (data / RECORDINGS).glob("*_fay_*.wav"):
        path.unlink()
    with pytest.raises(
        BmnasError, match=r"has recordings of 5 speakers \(ann, bob, .*\); task av-speaker needs FSDD's 6"
    ):
        AvSpeakerTask.open(data).split("train")


def test_taps_lie_at_four_depths(data: Path) -> None:
    task = AvSpeakerTask.open(data)
    inputs = task.split("test").inputs
    for modality in task.modalities:
        features = [feature for feature in task.features if feature.modality == modality]
        taps = {feature.name: task.taps[feature.name] for feature in features}
        found = run_taps(task.build_backbone(modality).eval(), taps, inputs[modality])
        assert [found[feature.name].shape[1] for feature in features] == [feature.channels for feature in features]


def test_backbones_learn_digits_of_training_signals_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = TrainingSettings(epochs=8, batch_size=4, learning_rate=1e-2)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    train = module.train

    def noted(backbone, inputs, labels, *arguments, **options):
        seen.append((inputs, labels))
        train(backbone, inputs, labels, *arguments, **options)

    monkeypatch.setattr(module, "_IMAGE_TRAINING", quick)
    monkeypatch.setattr(module, "_AUDIO_TRAINING", quick)
    monkeypatch.setattr(module, "train", noted)
    task = AvSumTask.open(data)
    scores = [found.score for found in backbones(task, cache=tmp_path / "cache").values()]
    assert scores == [1.0, 1.0]
    signals = task._signals
    for (inputs, labels), whole, digits, places in zip(
        seen,
        (signals.images, signals.spectrograms),
        (signals.written, signals.spoken),
        (signals.images_of("train"), signals.recordings_of("train")),
        strict=True,
    ):
        assert 0 < len(inputs) <= len(places)
        assert {row.numpy().tobytes() for row in inputs} <= {row.numpy().tobytes() for row in whole[places]}
        assert set(labels.tolist()) == set(digits.tolist())


def test_views_are_shifted_but_the_first(data: Path) -> None:
    task = AvSpeakerTask.open(data)
    split, plain = task.split("train"), task.view("train", 0)
    with seeded(1):
        view = task.view("train", 1)
    assert torch.equal(view.labels, split.labels)
    for modality in task.modalities:
        assert torch.equal(plain.inputs[modality], split.inputs[modality])
        assert not torch.equal(view.inputs[modality], split.inputs[modality])


@pytest.mark.parametrize(("kind", "sizes"), [(AvSumTask, [4800, 1200, 3000]), (AvSpeakerTask, [9600, 1200, 3000])])
def test_the_real_splits_have_their_sizes(real_data: Path, kind: type[AvPairsTask], sizes: list[int]) -> None:
    task = kind(real_data, fold=7).with_modalities(["Image"])
    assert [len(task.split(name)) for name in SPLITS] == sizes


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["Image", "Audio"])
def test_real_backbones_know_the_digits(real_data: Path, modality: str) -> None:
    task = AvSumTask.open(real_data)
    with seeded(0):
        backbone = task.build_backbone(modality)
        assert task.train_backbone(modality, backbone, device="cpu") > 0.95
