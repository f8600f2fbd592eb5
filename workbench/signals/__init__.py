"""Per-token numbers read off the logits, in one registry; the forward pass computes only what is asked for."""

from workbench.signals.known import RECORDED
from workbench.signals.logits import TOP_K, Logits
from workbench.signals.reading import Reading, Source, read, rows_at_once
from workbench.signals.registry import SIGNALS, Signal, signal

__all__ = [
    "RECORDED",
    "SIGNALS",
    "TOP_K",
    "Logits",
    "Reading",
    "Signal",
    "Source",
    "read",
    "rows_at_once",
    "signal",
]
