"""The sections of a report, each from what was read of a run to parts of a page."""
