"""SCRL: the chain, its spans, and advantages worked by hand."""

import torch

from tests.batches import assert_close
from tests.methods.rounds import Echo, make_round, scored
from workbench.method import advantages
from workbench.methods.scrl import TAG, AskChain, from_solution, token_at
from workbench.registry import find_method
from workbench.types import Batch, Problem

SCRL = find_method("scrl")
PARTS = [{"question": "1 + 1 =", "answer": "2"}, {"question": "2 + 2 =", "answer": "4"}]
SPAN = torch.tensor([[0, 0, -1, 1, 1, -1, 2, 2]] * 4, dtype=torch.float64)
RAW = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]], dtype=torch.float64)


def chains(raw: torch.Tensor, span: torch.Tensor = SPAN) -> Batch:
    """Four chains of three parts, the reward of each on its last token."""
    reward = torch.zeros(4, 8, dtype=torch.float64)
    reward[:, [1, 4, 7]] = raw
    logprob = torch.full((4, 8), -1.0, dtype=torch.float64)
    batch = Batch(logprob, logprob, logprob < 0, torch.zeros(4, dtype=torch.float64), torch.zeros(4, dtype=torch.long))
    return batch.extend(span=span, token_reward=reward, tag=torch.ones(4, dtype=torch.float64))


def test_parts_of_the_worked_example():
    found = advantages(SCRL, chains(RAW))
    assert_close(found[0], [0.57735, 0.57735, 0, 1, 1, 0, 1.732051, 1.732051], 1e-5)
    assert_close(found[1, [0, 3, 6]], [0.57735, -1, -0.57735], 1e-5)  # right after the first mistake counts for nothing
    assert_close(found[2, [0, 3, 6]], [-1.732051, -1, -0.57735], 1e-5)
    assert_close(found[3, [0, 3, 6]], [0.57735, 1, -0.57735], 1e-5)


def test_a_part_that_nobody_solves_says_nothing():
    raw = RAW.clone()
    raw[:, 2] = 0
    found = advantages(SCRL, chains(raw))
    assert (found[:, 6:] == 0).all()
    assert_close(found[:, 3], [1, -1, -1, 1], 1e-5)


def test_a_chain_without_parts_counts_as_wrong_and_learns_nothing():
    span = SPAN.clone()
    span[2] = -1
    found = advantages(SCRL, chains(RAW, span))
    assert (found[2] == 0).all()
    assert_close(found[0, 0], 0.57735, 1e-5)


def test_other_rollouts_have_grpos_advantage():
    batch = chains(RAW)
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    batch = batch.replace(reward=reward).extend(tag=torch.zeros(4, dtype=torch.float64), span=torch.zeros_like(SPAN))
    assert_close(advantages(SCRL, batch)[:, 0], [0.866024, -0.866024, -0.866024, 0.866024], 1e-5)


def test_a_problem_with_parts_is_asked_as_a_chain():
    orders = AskChain(wording="{parts}")({}, make_round(0, [scored(0, [0.0, 1.0], parts=PARTS), scored(1, [0.0])]))
    (request,) = orders.requests
    assert Echo().text(request.prompt) == "1. 1 + 1 =\n2. 2 + 2 ="
    assert (request.n, request.group, request.tag) == (2, 50, TAG)


def test_parts_are_found_in_the_tokens():
    texts = ["<part1>answer: 2</part1> <part2>answer: 5</part2>", "<part2>so\nanswer: 4.</part2>", "no parts"]
    group = scored(50, [0.0] * 3, texts, tag=TAG, parts=PARTS)
    AskChain()({}, make_round(1, [group]))
    first, second, third = (rollout.extras for rollout in group.rollouts)
    assert first["span"] == [0.0] * 24 + [-1.0] + [1.0] * 24
    assert [place for place, value in enumerate(first["token_reward"]) if value] == [23]
    assert set(second["span"]) == {1.0}
    assert second["token_reward"][-1] == 1.0
    assert set(third["span"]) == {-1.0}
    assert first["tag"] == third["tag"] == 1.0


def test_parts_the_problem_does_not_have_are_passed_over():
    group = scored(50, [0.0], ["<part7>answer: 2</part7><part1>answer: 2</part1><part1>answer: 3</part1>"], tag=TAG)
    group.problem.data["parts"] = PARTS
    AskChain()({}, make_round(1, [group]))
    extras = group.rollouts[0].extras
    assert extras["span"] == [-1.0] * 24 + [0.0] * 24 + [-1.0] * 24
    assert sum(extras["token_reward"]) == 1.0


def test_tokens_of_several_characters():
    class Pairs(Echo):
        def text(self, tokens):
            return "".join(2 * chr(token) for token in tokens)

    assert [token_at([65, 66, 67], offset, Pairs()) for offset in (0, 1, 2, 3, 6)] == [0, 1, 1, 2, 3]


GSM8K = "Half of 48 is 48/2 = <<48/2=24>>24 clips. In all 48+24 = <<48+24=72>>72.\n#### 72"


def test_the_calculations_of_a_reference_solution_are_subproblems():
    problem = Problem("p", "How many clips?", "72", {"solution": GSM8K})
    last = {"question": "How many clips?", "answer": "72"}
    assert AskChain().parts_of(problem) == [{"question": "48/2 =", "answer": "24"}, last]  # 72 would be given away
    plain = "First (3 + 4) * 2 = 14, then 14 - 5.5 = 8.5; so x = 9, and 8.5*2=17. 17 - 1 = 16."
    found = from_solution(Problem("p", "?", "16"), plain, 3)
    assert [part["question"] for part in found] == ["14 - 5.5 =", "8.5*2 =", "?"]
    assert len(from_solution(Problem("p", "?", "16"), plain, 9)) == 4
    assert AskChain().parts_of(Problem("p", "?", "4", {"solution": "It is 4."})) == []
    assert AskChain().parts_of(Problem("p", "?", "4")) == []
    given = [{"question": "1", "answer": "1"}]
    assert AskChain().parts_of(Problem("p", "?", "4", {"parts": given, "solution": GSM8K})) == given


def test_a_problem_with_a_solution_alone_is_asked_as_a_chain():
    group = scored(0, [0.0, 1.0], solution="2 * 3 = 6, 6 - 2 = 4")
    (request,) = AskChain(wording="{parts}")({}, make_round(0, [group])).requests
    assert Echo().text(request.prompt) == "1. 2 * 3 =\n2. question 0"
    written = scored(50, [0.0], ["<part1>answer: 6</part1><part2>answer: 4</part2>"], tag=TAG, solution="2 * 3 = 6")
    AskChain()({}, make_round(1, [written]))
    assert sum(written.rollouts[0].extras["token_reward"]) == 2.0
