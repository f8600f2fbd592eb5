"""The ledger as rows and what became of each problem; the stock as rows and a map; both while they grow and are cut."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.fake_roles import make_roles_run, write_lines
from widgets.memory import ledger, stock
from widgets.memory.visits import NEVER_STEP, STATES, Visits, summed, visits_of
from widgets.recorded.data import RunData
from widgets.wire import answers
from widgets.wire.payload import unpack
from workbench.runs.open import open_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return RunData(open_run(make_roles_run(tmp_path_factory.mktemp("runs") / "roles")))


def became(*visits):
    """The state of one problem after (attempts, successes) at steps 1, 2, ..."""
    columns = zip(*((0, step, *visit) for step, visit in enumerate(visits, start=1)), strict=True)
    found = summed(*(np.array(column, kind) for column, kind in zip(columns, (int, int, int, float), strict=True)), 1)
    changed = found.changed[0]
    return STATES[found.state[0]], None if changed == NEVER_STEP else int(changed)


def test_what_became_of_a_problem():
    assert became((4, 0), (4, 4)) == ("learned", 2)
    assert became((4, 3), (4, 1), (4, 0)) == ("forgotten", 2)
    assert became((4, 0), (4, 4), (4, 1), (4, 2)) == ("learned", 4)
    assert became((4, 2), (4, 4)) == ("solved throughout", None)
    assert became((4, 1), (4, 0)) == ("below one half", None)
    assert became((4, 0), (4, 0)) == ("never solved", None)
    assert became((0, 0)) == ("not graded", None)
    assert became((4, 4), (0, 0)) == ("solved throughout", None)  # an ungraded visit says nothing


VISIT = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 4))


@given(st.lists(VISIT, min_size=1, max_size=30))
def test_every_problem_is_summed_as_if_it_were_alone(drawn):
    rows = [(whose, step, tried, float(min(right, tried))) for step, (whose, tried, right) in enumerate(drawn)]
    columns = [
        np.array(column, kind) for column, kind in zip(zip(*rows, strict=True), (int, int, int, float), strict=True)
    ]
    found = summed(*columns, 4)
    for problem in range(4):
        own = [row for row in rows if row[0] == problem]
        solved = [(step, right >= tried / 2) for _, step, tried, right in own if tried]
        crossings = [step for (_, before), (step, now) in pairwise(solved) if now != before]
        assert found.visits[problem] == len(own)
        assert found.attempts[problem] == sum(row[2] for row in own)
        assert found.first_solved[problem] == min([row[1] for row in own if row[3] > 0], default=NEVER_STEP)
        assert found.changed[problem] == max(crossings, default=NEVER_STEP)
        if crossings:
            assert STATES[found.state[problem]] == ("learned" if solved[-1][1] else "forgotten")


def test_rows_are_sorted_and_chosen_and_have_a_cell_for_every_visit(data):
    found = ledger.window(data, {"order": "rate", "reverse": True})
    rates = [row["rate"] for row in found["rows"]]
    assert rates == sorted(rates, reverse=True)
    assert found["all"] == sum(found["states"].values()) == len(rates)
    assert (found["first"], found["stretch"], found["places"]) == (0, 1, 9)
    [forgotten] = ledger.window(data, {"state": "forgotten"})["rows"]
    assert (forgotten["key"], forgotten["changed"]) == ("word_problems/50", 4)
    assert forgotten["cells"][0] == [1, 1, 6, 5.0]
    assert forgotten["question"] == ""  # of none of its steps there are rollouts on record
    first = ledger.window(data, {"order": "first solved"})["rows"]
    assert first[-1]["key"] == "word_problems/51"
    assert first[-1]["first"] is None  # never solved comes last
    assert ledger.window(data, {"order": "first solved", "reverse": True})["rows"][-1]["first"] is None
    [named] = ledger.window(data, {"text": "problems/7"})["rows"]
    assert "How many" in named["question"]


def test_a_window_is_bounded_and_an_unknown_order_or_state_is_named(data):
    assert len(ledger.window(data, {"start": 8, "count": 10**9})["rows"]) == 2
    with pytest.raises(ValueError, match=r"order 'size' is not known; orders: first solved"):
        ledger.window(data, {"order": "size"})
    with pytest.raises(ValueError, match=r"state 'lost' is not known; states: learned"):
        ledger.window(data, {"state": "lost"})


def test_steps_beyond_the_columns_share_them(tmp_path):
    path = tmp_path / "ledger.jsonl"
    write_lines(path, [{"step": step, "visits": [["p", 0, 2, 1.0, None]]} for step in range(1, 1001)])
    visits = Visits(path)
    visits.look()
    first, stretch, columns = ledger.scale(visits)
    assert (first, stretch, columns) == (1, 11, 91)


def test_a_ledger_that_grows_is_read_on_and_one_that_a_resume_cut_is_read_again(tmp_path):
    path = tmp_path / "ledger.jsonl"
    lines = [{"step": step, "visits": [["p", 0, 2, float(step % 2), None]]} for step in range(1, 9)]
    write_lines(path, lines[:4])
    visits = Visits(path)
    visits.look()
    assert visits.problems().visits.tolist() == [4]
    write_lines(path, lines)
    visits.look()
    assert visits.problems().visits.tolist() == [8]
    write_lines(path, lines[:2])
    visits.look()
    assert visits.of(0) == [(1, 2, 1.0), (2, 2, 0.0)]
    others = [{"step": step, "visits": [["q", 1, 4, 4.0, None]]} for step in range(3, 20)]
    write_lines(path, [*lines, *others[6:]])
    visits.look()
    write_lines(path, [*lines[:2], *others])  # cut, and grown past the place where it was read to
    write_lines(tmp_path / "events.jsonl", [{"kind": "resumed", "step": 2, "attempt": 2}])
    visits.look()
    assert visits.keys == ["p", "q"]
    assert visits.problems().visits.tolist() == [2, 17]


def test_a_hundred_thousand_problems_are_a_window_and_counts(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with path.open("w") as file:
        for step in range(1, 21):
            entries = [
                [f"p{number}", number, 8, float((number * step) % 9), 20.0]
                for number in range(5000 * (step - 1), 5000 * step)
            ]
            file.write(json.dumps({"step": step, "visits": entries}) + "\n")
    visits = Visits(path)
    visits.look()
    assert len(visits.keys) == 100_000
    chosen = ledger.ordered(
        visits, visits.problems(), ledger.matching(visits, visits.problems(), {}), {"order": "rate"}
    )
    assert len(chosen) == 100_000
    assert visits.problems().rate[chosen[0]] == 0


def test_the_pool_is_counted_or_the_reason_is_given(data):
    assert ledger.pool_size(data.path) == (None, "the task makes problems without end")
    assert len(visits_of(data.run.directory.ledger).numbers) == 10


# ---------------------------------------------------------------------------------------------------- the stock


def test_made_problems_are_rows_with_their_numbers_and_a_map(data):
    header, columns = stock.window(data, {"order": "step made", "reverse": True})
    assert [row["step"] for row in header["rows"]] == list(range(8, 0, -1))
    assert header["sources"] == [("find", 4), ("run", 4)]
    assert header["measures"] == ["solve rate", "length", "mean"]
    assert header["measure"] == "mean"  # none of them was asked: there is no rate
    assert columns["at"].tolist() == list(range(1, 9))
    assert columns["value"] == pytest.approx([0.3, 0.35, 0.4, 0.25] * 2)
    assert [entry["median"] for entry in header["bins"]] == pytest.approx([0.3, 0.35, 0.4, 0.25] * 2)
    only, _ = stock.window(data, {"source": "run", "text": "+ 4"})
    assert (only["total"], only["all"]) == (4, 8)
    with pytest.raises(ValueError, match="measure 'size' is not known; measures: step made, solve rate"):
        stock.window(data, {"measure": "size"})


def test_a_made_problem_leads_to_the_rollout_it_came_from(data):
    found = stock.item(data, "made 3")
    assert (found["prompt"], found["answer"], found["visits"]) == ("What is 3 + 4?", "7", [])
    proposal = next(each for each in data.board(3)["groups"] if each.get("role") == "propose")
    assert found["origin"] == {
        "step": 3,
        "group": proposal["group"],
        "rollout": proposal["rollouts"][0][0],
        "role": "propose",
        "tried": [("try", 1, 4)],
    }
    with pytest.raises(ValueError, match="roles has no made problem 'made 99'"):
        stock.item(data, "made 99")


def test_a_problem_without_rollouts_on_record_says_so(tmp_path):
    run = make_roles_run(tmp_path / "roles")
    (run / "rollouts" / "step-000003.parquet").unlink()
    data = RunData(open_run(run))
    assert "step 3 of roles has no recorded rollouts" in stock.item(data, "made 3")["origin"]["reason"]
    with (run / "problems.jsonl").open("a") as file:
        seed = {"step": 8, "key": "seed", "prompt": "p" * 10_000, "answer": "1", "source": "", "data": {"mean": "high"}}
        file.write(json.dumps(seed) + "\n")
    found = stock.item(data, "seed")
    assert "step 8 has no rollout of it on record" in found["origin"]["reason"]
    assert found["prompt"].endswith("(10,000 characters)")


def test_a_run_without_memory_answers_with_nothing(tmp_path):
    run = make_roles_run(tmp_path / "roles")
    for name in ("ledger", "problems"):
        (run / f"{name}.jsonl").unlink()
    data = RunData(open_run(run))
    assert (ledger.window(data, {})["rows"], ledger.window(data, {})["places"]) == ([], 0)
    header, columns = stock.window(data, {})
    assert (header["all"], header["rows"], header["bins"], len(columns["at"])) == (0, [], [], 0)


def test_requests_are_answered_as_payloads(data):
    class Desk:
        run, following = data.run, False

    Desk.data = data
    for kind, more in (
        ("ledger", {}),
        ("stock", {}),
        ("stock_item", {"key": "made 3"}),
        ("section", {"module": "memory/ledger"}),
    ):
        header, _ = unpack(answers.find(kind).function(Desk, more))
        assert header["kind"] == kind
    with pytest.raises(ValueError, match=r"there is no section 'memory/none'; there are .*memory/ledger"):
        answers.find("section").function(Desk, {"module": "memory/none"})
