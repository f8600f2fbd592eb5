"""One file per paper; the folder is the registry. `METHODS` joins every file's own."""

from workbench.method import Method


def __getattr__(name: str) -> dict[str, Method]:
    if name != "METHODS":
        raise AttributeError(f"module 'workbench.methods' has no attribute {name!r}")
    from workbench.registry import methods  # the registry imports this package

    return methods()
