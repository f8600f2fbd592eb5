"""What a trainer finds in a fresh run directory."""

from typing import TYPE_CHECKING

from workbench.runs.directory.documents import write_document
from workbench.runs.directory.environment import environment
from workbench.runs.directory.paths import RunDirectory, write_atomic
from workbench.runs.directory.settings import tables_of
from workbench.runs.directory.sources import write_sources
from workbench.runs.directory.status import Heartbeat

if TYPE_CHECKING:
    from workbench.config import RunConfig


def prepare(config: "RunConfig", directory: RunDirectory, text: str) -> RunDirectory:
    """Writes what a trainer finds in a fresh run directory."""
    from workbench.planning.forecast import forecast

    write_atomic(directory.config, text, sync=True)
    write_document(directory.resolved, config.resolved())
    sources = write_sources(config, directory)
    write_document(directory.environment, environment(seed=config.seed, sources=sources, config=tables_of(text)))
    write_document(directory.forecast, forecast(config).to_dict())
    Heartbeat(directory, 0, config.training.steps, state="queued").beat()
    return directory
