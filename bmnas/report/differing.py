"""In which settings runs differ, so that a list of them shows what there is to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def differing_settings(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Of each run, the settings that not all those runs share which have them.

    Args:
        runs: of each, its settings by flat names, as text.
    """
    values: dict[str, set[str]] = {}
    for settings in runs:
        for name, value in settings.items():
            values.setdefault(name, set()).add(value)
    differ = {name for name, own in values.items() if len(own) > 1 and name != "strategy.kind"}
    return [{name: value for name, value in settings.items() if name in differ} for settings in runs]
