"""Settings of the authors' code and run scripts that a method is to have, where they are easily lost."""

import pytest

from workbench.registry import find_method, methods

#: The bound on the loss of a negative advantage (dual clip): run scripts, or the default of the code they are built on.
DUAL = {
    "vimpo": 10.0, "cure": 10.0, "steer": 10.0, "deep_search": 10.0,
    "cepo": 3.0, "canon": 3.0, "canon_length": 3.0, "ucas": 3.0, "siren": 3.0, "icpo": 3.0,
    "icpo_bonus": 3.0,
    "temporal_schedule": 3.0, "temporal_forking": 3.0, "temporal_entropy": 3.0,
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(methods()))
def test_the_dual_clip_is_the_authors(key):
    fields = find_method(key).surrogate.fields()
    assert fields.get("dual") == DUAL.get(key)


@pytest.mark.parametrize("key", ["psr", "nsr", "w_reinforce"])
def test_the_entropy_bonus_is_the_authors(key):
    assert [(piece.name, piece.coefficient) for piece in find_method(key).regularisers] == [("entropy_bonus", 0.001)]


@pytest.mark.parametrize(
    ("key", "section"),
    [("noise_forward", "section 3"), ("noise_backward", "section 3"), ("canon", "scripts/setups.sh")],
)
def test_sources_are_cited_where_they_are(key, section):
    method = find_method(key)
    assert any(section in (type(piece).__doc__ or "") for _, piece in method.pieces())


def test_a_term_that_is_off_is_not_in_the_equation():
    assert find_method("reinforce_pp_baseline").regularisers[0].coefficient == 0
    assert "k_2" not in find_method("reinforce_pp_baseline").equation
