"""A method from one function: its tensors are the slot's arguments, its parameters with defaults the hyper-parameters.

@method("half_penalty", changes="negative advantages count half")
def advantage(batch: Batch, penalty: float = 0.5) -> PerToken:
    value = group_centre(batch.reward, batch.group)
    return spread(torch.where(value < 0, penalty * value, value), batch.mask)
"""

import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

from workbench import registry, types
from workbench.cells.effect import report
from workbench.cells.source import Source, enter, load, missing
from workbench.cells.trial import MethodError, remedy_for
from workbench.errors import among
from workbench.method import Method, derive, slot_kinds
from workbench.piece import Piece
from workbench.types import Scalar

Function = Callable[..., Any]


def method(
    key: str,
    *,
    parent: str = "grpo",
    slot: str = "",
    changes: str = "",
    equation: str = "",
    needs: tuple[str, ...] = (),
) -> Callable[[Function], Method]:
    """Makes the decorated function a method: `parent` with the function as the piece of one slot.

    `slot` is found by the names of the parameters: (batch) is an advantage, (batch, ratio, advantage) a surrogate,
    (batch, advantage) a reduction; others are named. A slot of several pieces gets one more. `needs` are the signals it
    reads as batch["NAME"]. A function annotated -> Scalar is set-wise: one number for the whole update. The decorator
    returns the method, tried and registered under `key`.

    Raises:
        MethodError: if the method cannot be used.
    """

    def make(function: Function) -> Method:
        if function.__module__ == "__main__":
            load(Source(key, source_of(key, function)))
            print(report(key, registry.METHODS[key]))
            return registry.METHODS[key]
        place = slot or slot_of(key, function)
        piece = make_piece(key, place, function, needs)()
        texts = {
            "title": key,
            "paper": "written in a notebook",
            "equation": equation or rf"\text{{{place} by }}\mathtt{{{key}}}".replace("_", r"\_"),
            "changes": changes or f"its {place} is written in a notebook",
        }
        enter(key, derive(registry.find_method(parent), **texts, **filled(parent, place, piece)), function.__module__)
        return registry.METHODS[key]

    return make


def register(key: str, made: Method) -> Method:
    """Registers a method under a key, replacing an earlier one, and returns it. MethodError if it cannot be used."""
    enter(key, made, sys._getframe(1).f_globals["__name__"])
    return registry.METHODS[key]


# ----------------------------------------------------------------------------------- from function to piece


def tensors_of(kind: type[Piece]) -> list[str]:
    """The names of the arguments of a kind's pieces, in order."""
    return list(inspect.signature(kind.__call__).parameters)[1:]


def arguments_of(function: Function) -> list[str]:
    """A function's parameters without default, in order."""
    parameters = inspect.signature(function).parameters.values()
    return [item.name for item in parameters if item.default is item.empty]


def slot_of(key: str, function: Function) -> str:
    """The first slot whose arguments are the function's. MethodError, with the difference or the slots, if none."""
    asked = arguments_of(function)
    slots = {slot: tensors_of(kind) for slot, (kind, _) in slot_kinds().items()}
    for slot, tensors in slots.items():
        if tensors == asked:
            return slot
    more = min(filter(None, (surplus(asked, tensors) for tensors in slots.values())), key=len, default=[])
    if more and not {name for tensors in slots.values() for name in tensors} & set(more):
        raise no_default(key, function, more)
    known = ", ".join(f"{slot}({', '.join(tensors)})" for slot, tensors in slots.items())
    raise MethodError(f"method {key!r}: {function.__name__!r} fits no slot; slots and their parameters: {known}")


def surplus(asked: list[str], tensors: list[str]) -> list[str]:
    """The parameters after the slot's arguments; none if the function does not begin with those."""
    return asked[len(tensors) :] if asked[: len(tensors)] == tensors else []


def no_default(key: str, function: Function, names: list[str]) -> MethodError:
    """The error for parameters that are no arguments of a slot and have no default."""
    what = "it is a hyper-parameter" if len(names) == 1 else "they are hyper-parameters"
    given = ", ".join(map(repr, names))
    return MethodError(f"method {key!r}, {function.__name__}: give {given} a default: {what}, as in {names[0]}=0.1")


def filled(parent: str, slot: str, piece: Piece) -> dict[str, Any]:
    """The slot filled with a piece: instead of the parent's, or after the parent's in a slot of several."""
    _, several = slot_kinds()[slot]
    return {slot: (*getattr(registry.find_method(parent), slot), piece) if several else piece}


def make_piece(key: str, slot: str, function: Function, needs: tuple[str, ...]) -> type[Piece]:
    """A final frozen piece named as the method, whose fields are the function's parameters with defaults."""
    if slot not in slot_kinds():
        raise MethodError(f"method {key!r}: no slot is called {slot!r}{among(slot, slot_kinds())}")
    kind, _ = slot_kinds()[slot]
    asked, tensors = arguments_of(function), tensors_of(kind)
    if more := surplus(asked, tensors):
        raise no_default(key, function, more)
    if asked != tensors:
        raise MethodError(
            f"method {key!r}, {kind.kind}: {function.__name__} takes ({', '.join(asked)}), "
            f"expected ({', '.join(tensors)}); hyper-parameters have defaults"
        )
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    fields = [
        (item.name, hints.get(item.name, type(item.default)), dataclasses.field(default=item.default))
        for item in parameters
        if item.default is not item.empty
    ]
    namespace = {
        "__module__": function.__module__,
        "__doc__": inspect.getdoc(function) or f"{function.__name__} of {key}.",
        "__call__": named_call(key, kind, function),
        "needs": property(lambda piece: frozenset(needs)),
        "setwise": hints.get("return") == Scalar,
    }
    return dataclasses.make_dataclass(key, fields, bases=(kind,), namespace=namespace, frozen=True)


def named_call(key: str, kind: type[Piece], function: Function) -> Function:
    """The function as a piece's `__call__`; its errors name the method, also during a run."""

    def call(piece: Any, *given: Any) -> Any:
        try:
            return function(*given, **piece.fields())
        except Exception as error:
            text = f"method {key}: {key} in slot {kind.kind}: {type(error).__name__}: {error}{remedy_for(error)}"
            raise MethodError(text) from error

    return call


# ------------------------------------------------------------------------- the source of a single function


def source_of(key: str, function: Function) -> str:
    """A function's source with its imports. MethodError if it uses names that another cell defines."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise MethodError(
            f"method {key!r}: the source of {function.__name__} is not available here ({error}); write it in a cell "
            f"that begins with %%method {key}"
        ) from error
    imports = {name: import_of(name, function.__globals__) for name in missing(text)}
    lost = [name for name, statement in imports.items() if not statement]
    if lost:
        raise MethodError(
            f"method {key!r} uses {', '.join(lost)}, which another cell defines and its stored source would lack; "
            f"put everything into one cell that begins with %%method {key}"
        )
    return "\n".join(sorted(imports.values())) + "\n\n\n" + text


def import_of(name: str, names: dict[str, Any]) -> str:
    """The statement that imports the object of a name; empty if no module has it."""
    value = names.get(name)
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}"
    home, own = getattr(value, "__module__", None), getattr(value, "__name__", name)
    for module, known in ((types.__name__, name), (home, own), ("workbench", name)):
        found = sys.modules.get(module or "")
        if value is not None and found and module != "__main__" and getattr(found, known, None) is value:
            return f"from {module} import {known}" + ("" if known == name else f" as {name}")
    return ""
