"""The demonstration run."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.config import RunConfig

DEMO = Path(__file__).with_name("demo.toml")


def demo_config() -> "RunConfig":
    """The embedded model on word problems: about a minute on two cores, from four in ten right to nine."""
    from workbench.config import RunConfig

    return RunConfig.load(DEMO)
