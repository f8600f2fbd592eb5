"""Pieces: frozen dataclasses whose fields are hyper-parameters, read by config, validation, forms and tables alike.

A *kind* derives from `Piece` directly and is abstract; a *piece* derives from a kind and is final. Defining a piece
registers it under its class name in snake case; defining it again (in a notebook cell) replaces it.
"""

import dataclasses
import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AllowInfNan, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic_core import core_schema
from torch import Tensor

from workbench.descriptions import DESCRIPTIONS, Description
from workbench.errors import UNKNOWN, among, by_place, shortened, wrong
from workbench.types import SHARED, Constants, Fact, Mask, State, declare

Kind = TypeVar("Kind", bound="Piece")
LARGEST = 1_000_000  # of a piece's number whose field names no bound of its own, up and down
NONE = "none"  # in a config: a field or slot that is left empty, for which TOML has no word


def snake(name: str) -> str:
    """A class name as it stands in a config.

    >>> snake("SequenceRatio"), snake("K3")
    ('sequence_ratio', 'k3')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclasses.dataclass(frozen=True)
class Head:
    """A small network of the run's own on the policy's last hidden state; a piece reads it as a signal.

    One number per token, after `hidden` units (0: linear). With `detach` its loss does not reach the policy.
    """

    name: str
    hidden: int = 0
    learning_rate: float = 1e-3
    detach: bool = False


class Piece:
    """What every slot's filling has in common; the defaults suit a piece that needs nothing."""

    registry: ClassVar[dict[str, type["Piece"]]] = {}  # a kind's own, by name; set for every kind
    kind: ClassVar[str] = ""
    fresh: ClassVar[bool] = (
        False  # its constants are computed again before every update, from a pass of the current policy
    )
    setwise: ClassVar[bool] = False  # returns one number for the whole update
    facts: ClassVar[tuple[Fact, ...]] = ()  # what it writes into the extras of rollouts

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for fact in cls.facts:
            enter_fact(fact, snake(cls.__name__))
        if Piece in cls.__bases__:
            cls.registry, cls.kind = {}, snake(cls.__name__)
        else:
            cls.registry[snake(cls.__name__)] = cls

    def __post_init__(self) -> None:
        for name, value in check_fields(type(self), self.fields()).items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """The name in a config."""
        return snake(type(self).__name__)

    @property
    def needs(self) -> frozenset[str]:
        """Signals it reads; a property of its fields, since a coefficient of 0 needs nothing."""
        return frozenset()

    @property
    def heads(self) -> tuple[Head, ...]:
        """Heads that are trained for it."""
        return ()

    def init(self) -> State:
        """Its state before the first step."""
        return {}

    def fields(self) -> dict[str, Any]:
        """Its hyper-parameters, by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a config: its name and every field; None is left out where it is the default, else "none"."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        told = {name: value for name, value in self.fields().items() if value is not None or usual[name] is not None}
        return {"piece": self.name, **{name: plain_value(value, NONE) for name, value in told.items()}}

    @classmethod
    def parse(cls: type[Kind], value: Any) -> Kind:
        """From an instance, a name, or a table with the name under `piece` (or under the kind's own name)."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            value = {"piece": value}
        if not isinstance(value, Mapping):
            raise ValueError(f"{value!r} is no {cls.kind}: give a name or a table with piece = NAME")
        table = dict(value)
        tag = table.pop("piece", None) or table.pop(cls.kind, None)
        if tag is None:
            raise ValueError(
                f"the table {table} names no {cls.kind}: add piece = NAME, one of {', '.join(sorted(cls.registry))}"
            )
        found = cls.find(str(tag))
        return found(**check_fields(found, table))

    @classmethod
    def find(cls: type[Kind], name: str) -> type[Kind]:
        """The piece of this kind by name."""
        if name not in cls.registry:
            raise ValueError(f"no {cls.kind} is called {name!r}{among(name, sorted(cls.registry))}")
        return cls.registry[name]  # type: ignore[return-value]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(cls.to_dict)
        )


def enter_fact(fact: Fact, owner: str) -> None:
    """Declares a fact and its description."""
    declare(fact, owner)
    if fact.name not in SHARED:
        DESCRIPTIONS[fact.name] = Description(
            fact.label or fact.name.replace("_", " "), fact.help, fact.unit, fact.axes
        )


def finite(value: Any) -> float:
    """A number of a config; ValueError for what is none, and for one beyond `LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError(f"{shortened(value)}: give a finite number between {-LARGEST:,} and {LARGEST:,}")
    return float(value)


def bounded(hint: Any, low: bool = True, high: bool = True) -> Any:
    """A field's type with two bounds on every number in it: `LARGEST` where the field names none of its own.

    >>> bounded(tuple[int, ...])
    tuple[typing.Annotated[int, Ge(ge=-1000000), Le(le=1000000)], ...]
    >>> bounded(Annotated[int, Ge(1)])
    typing.Annotated[int, Le(le=1000000), Ge(ge=1)]
    """
    if hint is int or hint is float:
        limits = [Ge(-LARGEST)] * low + [Le(LARGEST)] * high + [AllowInfNan(False)] * (hint is float)
        return Annotated[(hint, *limits)] if limits else hint
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        own = [each for item in inner[1:] for each in getattr(item, "metadata", [item])]
        low = low and not any(isinstance(each, Ge | Gt) for each in own)
        high = high and not any(isinstance(each, Le | Lt) for each in own)
        return Annotated[(bounded(inner[0], low, high), *inner[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(bounded(part, low, high) for part in inner)]  # noqa: UP007
    if origin in (tuple, list, dict, Mapping):
        return origin[tuple(bounded(part) for part in inner)]
    return hint


def plain_value(value: Any, empty: Any = None) -> Any:
    """Pieces, tuples and tables inside a field as plain data; None as `empty`."""
    if value is None:
        return empty
    if isinstance(value, Piece):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain_value(item) for name, item in value.items()}
    return value


_SCHEMAS: dict[type, Any] = {}


def schema(piece: type[Piece]) -> Any:
    """The pydantic model of a piece's fields: types, bounds, help; made once a class."""
    if piece not in _SCHEMAS:
        _SCHEMAS[piece] = make_schema(piece)
    return _SCHEMAS[piece]


def make_schema(piece: type[Piece]) -> Any:
    """The pydantic model of a piece's fields."""
    hints = {name: bounded(hint) for name, hint in get_type_hints(piece, include_extras=True).items()}
    required: dict[str, Any] = {}
    for field in dataclasses.fields(piece):  # type: ignore[arg-type]
        default = field.default if field.default is not dataclasses.MISSING else ...
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        hint = hints[field.name]
        required[field.name] = (Annotated[hint, BeforeValidator(none_as_word)] if allows_none(hint) else hint, default)
    return create_model(piece.__name__, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **required)


def allows_none(hint: Any) -> bool:
    """Whether a field of this type may be empty.

    >>> allows_none(float), allows_none(float | None), allows_none(Annotated[float | None, "bound"])
    (False, True, True)
    """
    return type(None) in get_args(hint) or any(allows_none(part) for part in get_args(hint)[:1])


def none_as_word(value: Any) -> Any:
    """None where a config says "none"."""
    return None if isinstance(value, str) and value == NONE else value


def check_fields(piece: type[Piece], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the declared types and within bounds, or one ValueError that names every error."""
    try:
        model = schema(piece).model_validate(dict(values))
    except ValidationError as error:
        raise ValueError("; ".join(mistakes(piece, error))) from None
    return {name: getattr(model, name) for name in type(model).model_fields}


def mistakes(piece: type[Piece], error: ValidationError) -> list[str]:
    """Each error as `piece.field = value: what is wrong`."""
    name, model = snake(piece.__name__), schema(piece)
    found = []
    for place, items in by_place(error.errors(), model).items():
        if items[0]["type"] in UNKNOWN:
            found.append(f"{name} has no field {place!r}{among(place, model.model_fields, 'its fields')}")
        else:
            found.append(f"{name}.{place}{wrong(items)}")
    return found


def check_answer(who: str, answer: Any, mask: Mask, *, number: bool = False) -> Any:
    """What a piece returned, if it is [rollout, token], or with `number` a scalar; else a ValueError that names it."""
    shapes = (mask.shape, mask.shape[:0]) if number else (mask.shape,)
    if isinstance(answer, Tensor) and answer.is_floating_point() and answer.shape in shapes:
        return answer
    wanted = f"[rollout, token] = {list(mask.shape)}" + (" or one number" if number else "")
    raise ValueError(
        f"{who} returned {told(answer)}; expected is a floating-point tensor {wanted}. "
        "Correct the piece: `workbench.ops.spread` gives a rollout's number to each of its tokens"
    )


def check_constants(who: str, found: Constants, rollouts: int) -> Constants:
    """A piece's constants, if every tensor is a scalar or has an entry a rollout; else a ValueError that names it."""
    for name, value in found.items():
        if not isinstance(value, Tensor) or (value.dim() and len(value) != rollouts):
            raise ValueError(
                f"{who} returned {name!r} from settle as {told(value)}; expected is a tensor of one number or of "
                f"{rollouts} rows. "
                "Correct the piece"
            )
    return found


def told(value: Any) -> str:
    """The type, dtype and shape of a value, for messages.

    >>> told([1.0]), told(Tensor(2, 3))
    ('a list', 'a torch.float32 tensor [2, 3]')
    """
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor {list(value.shape)}"
    return f"a {type(value).__name__}"
