"""Pieces as data: names, fields, bounds, and the way into a config and back."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from workbench.kinds import Advantage, Ratio, Reduction, Surrogate
from workbench.piece import Head, Piece, plain_value, schema, snake
from workbench.pieces.advantage import GroupZ
from workbench.pieces.ratio import TokenRatio
from workbench.pieces.reduction import FixedLength, TokenMean
from workbench.pieces.regulariser import K3
from workbench.pieces.surrogate import Clip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Clip(low=0.1), Clip(low=0.1)),
        ("clip", Clip()),
        ({"piece": "clip", "low": 0.1}, Clip(low=0.1)),
        ({"surrogate": "clip", "high": 1}, Clip(high=1.0)),
    ],
)
def test_ways_to_name_a_piece(value, expected):
    assert Surrogate.parse(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("clap", r"no surrogate is called 'clap' \(did you mean 'clip'\?\); there are: .*clip"),
        ({"low": 0.1}, r"the table \{'low': 0.1\} names no surrogate: add piece = NAME, one of .*clip"),
        (3, "3 is no surrogate: give a name or a table"),
        ({"piece": "clip", "lo": 0.1}, r"clip has no field 'lo' \(did you mean 'low'\?\); its fields: low, high, dual"),
        ({"piece": "clip", "low": "wide"}, r"clip\.low = 'wide': give a number$"),
        ({"piece": "clip", "low": -1, "high": -2}, r"clip\.low = -1.*; clip\.high = -2"),
    ],
)
def test_mistakes_are_named(value, message):
    with pytest.raises(ValueError, match=message):
        Surrogate.parse(value)


def test_bounds_hold_at_construction_and_types_are_made_right():
    with pytest.raises(ValueError, match=r"group_z\.eps = 0\.0"):
        GroupZ(eps=0.0)
    assert isinstance(Surrogate.parse({"piece": "clip", "low": 1}).low, float)


def test_pieces_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Clip().low = 0.5


def test_none_is_left_out_of_a_config():
    assert FixedLength().to_dict() == {"piece": "fixed_length", "per_rollout": True}
    assert FixedLength(length=7).to_dict() == {"piece": "fixed_length", "length": 7, "per_rollout": True}


def test_a_field_can_be_emptied_in_a_config():
    assert K3(cap=None).to_dict()["cap"] == "none"
    assert K3.parse(K3(cap=None).to_dict()) == K3(cap=None)
    assert K3.parse({"piece": "k3", "cap": "none", "reduction": "none"}) == K3(cap=None)
    with pytest.raises(ValueError, match=r"k3\.bound = 'none'"):
        K3.parse({"piece": "k3", "bound": "none"})


def test_pieces_nest():
    piece = K3(coefficient=0.1, reduction=FixedLength(length=3))
    assert K3.parse(piece.to_dict()) == piece
    assert plain_value((piece,))[0]["reduction"]["length"] == 3


def test_a_kind_has_a_registry_of_its_own():
    assert Ratio.find("token_ratio") is TokenRatio
    assert "token_ratio" not in Reduction.registry
    assert Advantage.kind == "advantage"
    with pytest.raises(ValueError, match="no reduction is called 'token_ratio'"):
        Reduction.parse("token_ratio")


def test_defining_a_piece_again_replaces_it():
    def define(default: float) -> type[Piece]:
        @dataclass(frozen=True)
        class Provisional(Ratio):
            scale: float = default

            def __call__(self, batch):
                return batch.logprob * self.scale

        return Provisional

    try:
        define(1.0)
        assert Ratio.parse("provisional").scale == 1.0
        define(2.0)
        assert Ratio.parse("provisional").scale == 2.0
    finally:
        del Ratio.registry["provisional"]


def test_pydantic_models_hold_pieces():
    class Config(BaseModel):
        reduction: Reduction
        others: tuple[Surrogate, ...] = ()

    config = Config(reduction="token_mean", others=[{"piece": "clip", "high": 0.3}])
    assert config.reduction == TokenMean()
    assert config.model_dump()["others"] == ({"piece": "clip", "low": 0.2, "high": 0.3},)
    with pytest.raises(ValidationError, match="no reduction is called 'mean'"):
        Config(reduction="mean")


def test_every_field_of_every_piece_says_what_it_is():
    from workbench.registry import load

    load()
    kinds = [kind for kind in Piece.__subclasses__() if kind.__module__ == "workbench.kinds"]
    found = [piece for kind in kinds for piece in kind.registry.values()]
    own = [piece for piece in found if piece.__module__.startswith(("workbench.pieces", "workbench.methods"))]
    assert len(own) > 10
    silent = [
        f"{piece.__name__}.{name}"
        for piece in own
        for name, field in schema(piece).model_fields.items()
        if not field.description
    ]
    assert not silent, "a field without a description has no help in the form"


def test_names_in_configs():
    assert snake("EntropyBonus") == "entropy_bonus"
    assert Clip().name == "clip"


def test_a_head_has_defaults():
    assert Head("value") == Head("value", hidden=0, learning_rate=1e-3, detach=False)


def test_bounds_reach_the_json_schema_that_forms_are_made_of():
    @dataclass(frozen=True)
    class Measured(Ratio):
        share: Annotated[float, Field(ge=0, le=1, description="a share")] = 0.5

        def __call__(self, batch):
            return batch.logprob

    try:
        described = schema(Measured).model_json_schema()["properties"]["share"]
        assert (described["minimum"], described["maximum"], described["description"]) == (0, 1, "a share")
    finally:
        del Ratio.registry["measured"]
