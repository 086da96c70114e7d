"""The bilevel search of the paper (Algorithm 1, first order): alpha, beta and gamma by gradient on validation."""

from __future__ import annotations

from bmnas.searcher.strategies.on_hypernet import OnHypernet


class Bilevel(OnHypernet):
    """Every alternative takes part in every step, with the weight that alpha, beta and gamma give it."""
