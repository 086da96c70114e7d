from __future__ import annotations

from bmnas.tasks import FeatureStore, Progress


def test_preparing_digits_reports_every_phase(digits_store: FeatureStore, digits_reports: list[Progress]) -> None:
    phases = list(dict.fromkeys(event.phase for event in digits_reports))
    assert phases == [
        "backbone Top",
        "backbone Bottom",
        "features train",
        "features validation",
        "features test",
    ]
    for phase in phases:
        last = [event for event in digits_reports if event.phase == phase][-1]
        assert last.done == last.total
