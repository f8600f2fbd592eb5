"""The `generate` of transformers."""

from workbench.engines.entry import Entry
from workbench.types import Capabilities

ENGINES = {"generate": Entry("workbench.engines.generate:GenerateEngine", Capabilities(deterministic=True))}
