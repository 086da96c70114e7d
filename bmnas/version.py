"""The version of the package, for whatever writes it beside its results."""

__version__ = "0.1.0"
