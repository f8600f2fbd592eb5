"""Per-token numbers read off the logits, in one registry; the forward pass computes only what is asked for."""

from workbench.signals.known import RECORDED
from workbench.signals.logits import TOP_K, Logits
from workbench.signals.reading import CHUNK_ELEMENTS, Reading, Source, read
from workbench.signals.registry import SIGNALS, Signal, signal

__all__ = ["CHUNK_ELEMENTS", "RECORDED", "SIGNALS", "TOP_K", "Logits", "Reading", "Signal", "Source", "read", "signal"]
