"""Methods, pieces, rewards and tasks written in a notebook: usable at once, and stored with the runs that use them."""

from workbench.cells.function import method, register
from workbench.cells.magic import load_magic
from workbench.cells.source import Source, load
from workbench.cells.trial import MethodError, try_out

__all__ = ["MethodError", "Source", "load", "load_magic", "method", "register", "try_out"]
