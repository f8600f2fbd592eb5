"""The demonstration runs."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.config import RunConfig

DEMO = Path(__file__).with_name("demo.toml")
REAL = Path(__file__).with_name("demo_real.toml")


def demo_config(real: bool = False) -> "RunConfig":
    """The embedded model on word problems, a minute on two cores; or `real`: SmolLM2-135M on sums, some minutes."""
    from workbench.config import RunConfig

    return RunConfig.load(REAL if real else DEMO)
