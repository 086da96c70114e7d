"""Taps: where in a backbone a feature is taken, in feature extraction and in whole models alike.

Uses torch and the genotype's messages; knows neither tasks nor fusion networks.
"""

from bmnas.taps.listing import TapPlace, list_nodes, list_taps
from bmnas.taps.tap import Tap, TapError
from bmnas.taps.tapped import Tapped, run_taps
from bmnas.taps.tracing import NotTraceable

__all__ = ["NotTraceable", "Tap", "TapError", "TapPlace", "Tapped", "list_nodes", "list_taps", "run_taps"]
