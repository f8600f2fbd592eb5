"""Data sets of the Hugging Face Hub as folders: `hf://datasets/OWNER/NAME`, with `@REVISION` and a folder if wanted.

The data files alone are downloaded, and read from the cache of an earlier download where the Hub does not answer. What
a data set has as code is never run.
"""

import re
import time
from pathlib import Path

SCHEME = "hf://"
ADDRESS = re.compile(
    r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+?))?(?:/(?P<inside>[\w. /-]+))?/?", re.ASCII
)
PATTERNS = ("jsonl", "json", "ndjson", "csv", "tsv", "parquet", "arrow")
PATIENCE = 5.0  # seconds to wait for the Hub
AGAIN = 30.0  # seconds after which a Hub that did not answer is asked again

folders: dict[str, Path] = {}
failures: dict[str, tuple[float, str]] = {}


class HubError(ValueError):
    """Why a data set of the Hub cannot be read."""


def is_hub(path: str) -> bool:
    """Whether a path names a data set of the Hub."""
    return path.startswith(SCHEME)


def hub_folder(path: str) -> Path:
    """The local folder, or the file, of a data set of the Hub; downloaded once in a process.

    Raises:
        HubError: for an address that is none, and where neither the Hub nor the cache has it.
    """
    if path in folders:
        return folders[path]
    when, why = failures.get(path, (-AGAIN, ""))
    if why and time.monotonic() - when < AGAIN:
        raise HubError(why)
    try:
        folders[path] = downloaded(path)
    except HubError as error:
        failures[path] = (time.monotonic(), str(error))
        raise
    return folders[path]


def downloaded(path: str) -> Path:
    """The folder after a download, or from the cache."""
    found = ADDRESS.fullmatch(path)
    if found is None:
        raise HubError("is no address of a data set: write hf://datasets/OWNER/NAME, and a folder of it behind that")
    import huggingface_hub

    inside = (found["inside"] or "").strip("/")
    if ".." in inside.split("/"):
        raise HubError("leads out of the data set: name a folder in it")
    start = f"{inside}/" if inside and not Path(inside).suffix else inside
    patterns = [inside] if Path(inside).suffix else [f"{start}*.{ending}*" for ending in PATTERNS]
    try:
        folder = huggingface_hub.snapshot_download(
            found["name"],
            repo_type="dataset",
            revision=found["revision"],
            allow_patterns=patterns,
            etag_timeout=PATIENCE,
        )
    except Exception as error:  # the errors of the Hub's HTTP client differ by version and share no base
        why = " ".join(str(error).split())[:160]
        raise HubError(
            f"cannot be had from the Hub ({type(error).__name__}: {why}), and no earlier download is kept here; "
            "download it where there is a network, or give a local file or folder"
        ) from error
    place = Path(folder) / inside
    if not place.exists():
        raise HubError(f"has no {inside!r}: name a folder or a data file of {found['name']}")
    return place
