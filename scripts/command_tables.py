"""The page of the command line, read from the program itself."""

import inspect
from typing import Any

import typer
from typer.core import TyperGroup

from workbench.cli import app


def commands_page(note: str) -> str:
    """Every command with its arguments and options, in the order of `workbench --help`."""
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    context = typer.Context(program, info_name="workbench")
    found: dict[str, Any] = {name: program.get_command(context, name) for name in program.list_commands(context)}
    lines = ["# Command line", "", note, ""]
    lines += [
        "`workbench COMMAND --help` says the same. A command with `--json` prints one JSON document as its last line.",
        "An error ends a command with status 1 and one line that says what is wrong and what to do.",
        "",
        "| command | what it does |",
        "|---|---|",
        *(f"| [`workbench {name}`](#workbench-{name}) | {first(command)} |" for name, command in found.items()),
    ]
    for name, command in found.items():
        inner = typer.Context(command, parent=context, info_name=name)
        lines += ["", f"## workbench {name}", "", *section(command, inner)]
    return "\n".join(lines) + "\n"


def first(command: Any) -> str:
    """The first sentence of a command's help."""
    text = inspect.cleandoc(command.help or "").split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def section(command: Any, context: typer.Context) -> list[str]:
    """One command: how it is called, what it does, what may be given."""
    call = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = ["```text", call, "```", "", inspect.cleandoc(command.help or "")]
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    return [*lines, "", "| option | default | what it is |", "|---|---|---|", *rows] if rows else lines


def row(parameter: Any) -> str:
    """An argument or option as a row."""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or str(parameter.name).upper()}`"
    value = parameter.default
    default = "needed" if parameter.required else "" if value is None or value is False else f"`{value}`"
    text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {names} | {default} | {text} |"
