"""Policies: which model (`ModelSpec`), whether it can be had (`check`), and loading it (`load_policy`)."""

from workbench.models.shipped import EMBEDDED, EMBEDDED_FOLDER, PROGRAMS, SHIPPED
from workbench.models.spec import LoraSpec, ModelSpec, check

__all__ = ["EMBEDDED", "EMBEDDED_FOLDER", "PROGRAMS", "SHIPPED", "LoraSpec", "ModelSpec", "check", "load_policy"]


def __getattr__(name: str) -> object:
    """Loads torch only where a policy is loaded."""
    if name == "load_policy":
        from workbench.models.load import load_policy

        return load_policy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
