"""`workbench doctor`."""

from workbench.commands.shared.options import AsJson, out, print_json


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can do, and what to install for the rest."""
    from workbench.commands.shared.checkup import checkup, describe

    result = checkup()
    if as_json:
        print_json(result)
        return
    for text in describe(result):
        out.print(text, markup=False)
