"""The rule of verdicts on made-up plays whose numbers are known."""

import pytest

from scripts.study_table import played, study_page
from workbench.analysis.statistics import Interval
from workbench.study.claims import CLAIMS, Claim, by_seed, found_in, verdict
from workbench.study.report import claims_table, report

KEYS = {claim.key: claim for claim in CLAIMS}


def play(arm, seed, *, correct=2, changed=0.5, entropy=(0.5, 0.4), **more):
    """A made-up line: `correct` of 4 completions of each of two problems, and a share of changed weights."""
    scaled = [{"factor": factor, "exact": 0.0, "bfloat16": 1 - changed} for factor in (1.0, 0.1, 0.01, 0.002)]
    weights = {"scaled": scaled, "rank": 1.0, "relative_norm": 0.1}
    steps = list(enumerate(entropy, start=1))
    return {
        "study": "s",
        "arm": arm,
        "seed": seed,
        "budget": 9,
        "tallies": [[correct, 4], [correct, 4]],
        "entropy": {"": steps, "propose": [(step, value + 0.3) for step, value in steps]},
        "series": {},
        "length": 3.0,
        "steps": 2,
        "tokens": 9.0,
        "given_tokens": 0.0,
        "training": {"cpu_seconds": 1.0},
        **({} if arm == "base" else {"weights": weights}),
        **more,
    }


def study(seeds=5, **arms):
    """Plays of some arms, the same for every seed."""
    return [play(arm, seed, **fields) for seed in range(seeds) for arm, fields in arms.items()]


def verdicts(lines):
    """The verdicts by key."""
    return {found.claim.key: found.verdict for found in found_in(lines)}


ARMS = {
    "base": {"correct": 1},
    "sft": {"changed": 0.9},
    "grpo": {"changed": 0.2},
    "azr": {"changed": 0.5, "correct": 3},
}


def test_five_equal_seeds_decide():
    found = verdicts(study(**ARMS))
    assert found["sft_denser"] == found["rlvr_sparser"] == "agrees"
    assert found["proposer_above"] == found["solver_falls"] == found["azr_small_k"] == "agrees"
    assert found["storage"] == "does not"  # 1 - 0.5 lies on its bound
    assert found["frozen_worse"] == "cannot be told"  # not played
    turned = {**ARMS, "azr": {"changed": 0.95, "correct": 0, "entropy": (0.4, 0.5)}}
    found = verdicts(study(**turned))
    assert found["sft_denser"] == found["azr_small_k"] == found["solver_falls"] == "does not"


def test_fewer_seeds_tell_nothing():
    assert set(verdicts(study(seeds=4, **ARMS)).values()) == {"cannot be told"}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.2, "agrees"), (-0.1, 0.2, "cannot be told"), (-0.2, -0.1, "does not"), (-0.1, 0.0, "does not")],
)
def test_the_interval_must_lie_wholly_on_one_side(low, high, expected):
    claim = Claim("k", "s", "n", (), lambda seed: 0.0, above=0)
    assert verdict(claim, Interval((low + high) / 2, low, high, 5)) == expected
    within = Claim("k", "s", "n", (), lambda seed: 0.0, above=-0.15, below=0.15)
    assert verdict(within, Interval(0.0, -0.1, 0.1, 5)) == "agrees"
    assert verdict(within, Interval(0.3, 0.2, 0.4, 5)) == "does not"
    assert verdict(within, Interval(0.1, 0.0, 0.2, 5)) == "cannot be told"


def test_the_mixed_case_cannot_be_told():
    lines = [play("azr", seed, entropy=(0.5, 0.4 if seed else 1.5)) for seed in range(5)]
    assert verdicts(lines)["solver_falls"] == "cannot be told"


def test_a_failed_play_leaves_its_seed_out_and_is_told():
    lines = [*study(**ARMS), {"study": "s", "arm": "azr", "seed": 9, "failed": "broke", "budget": 9}]
    assert len(by_seed(lines)) == 5
    found = report(lines)
    assert found["failed"] == [{"arm": "azr", "seed": 9, "failed": "broke"}]
    assert found["arms"]["azr"]["pass_1"] == [0.75, 0.75, 0.75, 5]
    assert found["arms"]["azr"]["gained_lost"] == [[0, 0]] * 5


def test_the_table_has_a_row_for_every_claim():
    table = claims_table(report(study(**ARMS))["claims"])
    assert len(table.splitlines()) == len(CLAIMS) + 2
    assert "| +40.0 % (+40.0 to +40.0) | 5 | **agrees** |" in table
    assert "not played" in table
    assert len(KEYS) == len(CLAIMS)


def test_the_page_says_how_many_seeds_are_played(tmp_path):
    line = {**report(study(seeds=2, **ARMS)), "plan": "s", "commit": "abc", "hardware": {"processor": "P"}}
    page = played(line)
    assert '!!! warning "2 of 5 seeds are played"' in page
    assert "Study `s`: 2 of 5 seeds, 9 tokens a play, on P, commit `abc`." in page
    assert "warning" not in played({**line, "seeds": [0, 1, 2, 3, 4]})
    assert "Not played yet: `make study`." in study_page("note", tmp_path / "absent.jsonl")
