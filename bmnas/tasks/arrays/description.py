"""``task.json``: what a person may say about a folder of arrays. Everything in it may be left out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, ValidationError

from bmnas.errors import BmnasError, did_you_mean, printable, short
from bmnas.files import read_json
from bmnas.genotype.schema import Count, Frozen, Name

FILE = "task.json"
_LIMIT = 2**20
_Natural = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]

# A factor of a loss that 32-bit floats can hold.
_Weight = Annotated[float, Field(ge=1e-30, le=1e30)]


class FeatureDescription(Frozen):
    """One feature."""

    modality: Name | None = Field(
        default=None, description="Where it is left out: the name without its trailing number."
    )
    reshape: Literal["sequence", "grid", "none"] = "sequence"


class SettingsDescription(Frozen):
    """Settings of a search and a training that are used where the user names none."""

    channels: _Natural | None = None
    length: _Natural | None = None
    batch_size: _Natural | None = None
    epochs: _Natural | None = None
    train_epochs: _Natural | None = None


class Description(Frozen):
    """The file."""

    name: Name | None = Field(default=None, description="Of the task; the folder's name where it is left out.")
    objective: Literal["single-label", "multi-label", "regression"] | None = None
    class_weights: tuple[_Weight, ...] | Literal["balanced"] | None = None
    label_smoothing: float | None = Field(default=None, ge=0, lt=1)
    threshold: float | None = Field(default=None, gt=0, lt=1)
    criterion: Literal["mse", "l1", "huber"] | None = None
    outputs: Count | None = None
    class_names: tuple[Name, ...] = Field(default=(), description="What the outputs are called, one name for each.")
    metric: str | None = None
    features: dict[Name, FeatureDescription] = Field(default_factory=dict)
    settings: SettingsDescription = Field(default_factory=lambda: SettingsDescription())

    @property
    def options(self) -> dict[str, Any]:
        """The options of the objective that are there."""
        return self.model_dump(
            include={"class_weights", "label_smoothing", "threshold", "criterion"}, exclude_none=True
        )


def read_description(folder: Path) -> Description:
    """The description in a folder; an empty one if there is none.

    Raises:
        BmnasError: the file cannot be read or says something that it cannot say.
    """
    path = folder / FILE
    if not path.exists():
        return Description()
    data = read_json(path, _LIMIT)
    if not isinstance(data, dict):
        raise BmnasError(f'{path}: should be an object, such as {{"objective": "single-label"}}')
    try:
        return Description.model_validate(data)
    except ValidationError as error:
        raise BmnasError(f"{path}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    details = error.errors(include_url=False)
    # A key that is not known often explains what else is wrong.
    first = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    location = [str(part) for part in first["loc"] if part != "[key]"]
    place, value = (
        printable(".".join(part if len(part) <= 80 else f"{part[:60]}..." for part in location)),
        first["input"],
    )
    if first["type"] == "extra_forbidden":
        return f"{place!r} is not a key that it may have{did_you_mean(location[-1], _keys(location[:-1]))}"
    if location[0] == "class_weights":
        return 'class_weights has to be a list of positive numbers, one for each class, or "balanced"'
    if first["type"] == "literal_error":
        known = first.get("ctx", {})["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{place} is {short(value)}{did_you_mean(value if isinstance(value, str) else '', known)}"
    if first["loc"][-1] == "[key]":
        return f"{place} is no name of a feature: {first['msg'].replace('Input', 'it').strip()}"
    return f"{place} is {short(value)}: {first['msg'].replace('Input', 'it').strip()}"


def _keys(location: list[str]) -> list[str]:
    """The keys of the object at a place."""
    inner = {"settings": SettingsDescription, "features": FeatureDescription}
    model = cast("type[BaseModel]", inner.get(location[0], Description) if location else Description)
    return list(model.model_fields)
