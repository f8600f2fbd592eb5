"""The project's own decoding loop."""

from workbench.engines.entry import Entry
from workbench.engines.options import LOCAL

ENGINES = {"local": Entry("workbench.engines.local.engine:LocalEngine", LOCAL, rows=True, options=True)}
