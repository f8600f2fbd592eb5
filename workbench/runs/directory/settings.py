"""The settings of a run stay those it was launched with: an edited config.toml is refused, never followed by half."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.runs.directory.documents import ENVIRONMENT, expect_document, short
from workbench.runs.directory.paths import RunDirectory

MISSING = "nothing"


def tables_of(text: str) -> dict[str, Any]:
    """The tables of a config file as JSON keeps them; tomllib.TOMLDecodeError where it is not TOML."""
    tables: dict[str, Any] = json.loads(json.dumps(tomllib.loads(text), default=str))
    return tables


def check_config(directory: RunDirectory) -> None:
    """Raises a ValueError that names every setting in config.toml that is not as launched, which env.json recorded.

    Comments and layout are free. A run of an earlier version, whose launch recorded no settings, is taken as it is.
    """
    recorded = expect_document(directory.environment, ENVIRONMENT).get("config")
    if recorded is None:
        return
    try:
        now = tables_of(directory.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{directory.config} cannot be read ({str(error).splitlines()[0]}); put back the file as it was: env.json "
            "holds its settings under `config`"
        ) from error
    changed = list(differences(recorded, now))
    if changed:
        raise ValueError(
            f"{directory.config} was changed since the launch: {'; '.join(changed)}. A run keeps the settings it was "
            "launched with: put back the old values to resume it; for other values start a fork afterwards, as in "
            f"`workbench fork {directory.name} --set {changed[0].split(':')[0]}=VALUE`"
        )


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Each setting that differs, with both values.

    >>> list(differences({"training": {"steps": 5}}, {"training": {"steps": 8}}))
    ['training.steps: 5 -> 8']
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from differences(old.get(name, MISSING), new.get(name, MISSING), f"{place}.{name}" if place else name)
    elif old != new or type(old) is not type(new):
        yield f"{place}: {short(old)} -> {short(new)}"


def flat(settings: Mapping[str, Any], place: str = "") -> list[tuple[str, str | float]]:
    """Nested settings as pairs with dotted names; lists as text.

    >>> flat({"training": {"steps": 3}, "rewards": ["exact"]})
    [('training.steps', 3), ('rewards', "['exact']")]
    """
    found: list[tuple[str, str | float]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{place}{name}.")
        else:
            found.append((f"{place}{name}", value if isinstance(value, int | float | str) else str(value)))
    return found
