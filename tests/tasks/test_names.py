from __future__ import annotations

import unicodedata

import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.names import alike, found, named
from tests.tasks.small_task import SmallTask

COMPOSED = unicodedata.normalize("NFC", "Vidéo")
TAKEN_APART = unicodedata.normalize("NFD", "Vidéo")


@pytest.mark.parametrize(
    ("name", "known", "chosen"),
    [
        ("EEG", ["EEG", "eeg"], "EEG"),
        ("eeg", ["EEG", "eeg"], "eeg"),
        ("eeg", ["EEG", "ECG"], "EEG"),
        (TAKEN_APART, [COMPOSED, "Audio"], COMPOSED),
        (COMPOSED, [TAKEN_APART, COMPOSED.upper()], TAKEN_APART),
        (TAKEN_APART.upper(), [COMPOSED], COMPOSED),
        ("STRASSE", ["Straße"], "Straße"),
    ],
)
def test_an_exact_name_goes_first_then_composition_then_case(name, known, chosen):
    assert named(name, known, "modality", "task t") == chosen


def test_a_name_that_may_be_several_is_refused():
    with pytest.raises(BmnasError, match="task t has 'EEG' and 'eeg', and modality 'Eeg' may be each of them"):
        named("Eeg", ["EEG", "eeg"], "modality", "task t")
    with pytest.raises(BmnasError, match="task t has no modality 'EMG'; did you mean 'EEG'"):
        named("EMG", ["EEG", "eye"], "modality", "task t")


def test_case_matters_unless_it_is_said():
    assert found("eeg", ["EEG"]) == []
    assert found("eeg", ["EEG"], caseless=True) == ["EEG"]


def test_names_that_look_alike_are_told():
    assert alike(["a", COMPOSED, "A", TAKEN_APART]) == (COMPOSED, TAKEN_APART)
    assert alike(["a", "A", COMPOSED]) is None


def test_two_files_of_weights_for_one_backbone_are_refused(tmp_path):
    one, other = SmallTask().modalities[0], SmallTask().modalities[0].upper()
    with pytest.raises(BmnasError, match="are both weights of the backbone"):
        SmallTask().with_weights({one: tmp_path / "a", other: tmp_path / "b"})
