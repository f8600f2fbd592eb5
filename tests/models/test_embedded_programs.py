"""The embedded model for programs: what is shipped loads, is what was made, can be made again, keeps to its split."""

import dataclasses
import json
from collections import Counter
from random import Random

import pytest
import torch
from transformers import AutoTokenizer

from tests.rewards.reward_examples import make_rollout
from workbench.engines.local.engine import LocalEngine
from workbench.models import PROGRAMS, SHIPPED, ModelSpec, check, load_policy
from workbench.models.embedded_programs import FOLDER
from workbench.models.embedded_programs.make import STAGES, batches, example
from workbench.models.embedded_programs.tokens import make_tokenizer
from workbench.models.making.warm_up import THREADS, fingerprint, new_model, train
from workbench.problems.programs.asking import KINDS
from workbench.problems.programs.drawing import Drawn, draw, split_of
from workbench.problems.programs.proposals import Refusal, parse_proposal, proposal_prompt
from workbench.problems.programs.traces import CLEAN, Habits, solved
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.values import read
from workbench.tasks.small_programs import SmallPrograms
from workbench.types import Request, Sampling

SMALL = dataclasses.replace(STAGES[-1], steps=2, batch=2)


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def policy():
    return load_policy(ModelSpec(name=PROGRAMS, device="cpu"))


def test_shipped_weights_are_the_recorded_ones():
    made = json.loads((FOLDER / "made.json").read_text())
    weights = FOLDER / "model.safetensors"
    assert fingerprint(weights) == made["sha256"]
    assert made["stages"] == json.loads(json.dumps([dataclasses.asdict(stage) for stage in STAGES]))
    assert weights.stat().st_size <= 4_000_000


def test_shipped_tokenizer_is_what_the_script_makes(tokenizer):
    made = make_tokenizer()
    assert made.get_vocab() == tokenizer.get_vocab()
    assert made.chat_template == tokenizer.chat_template
    assert made.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_making_is_reproducible_bit_for_bit(tokenizer):
    def weights():
        model = new_model(tokenizer, seed=1)
        return train(model, batches(tokenizer, SMALL, Random(1)), 2, 1e-3, every=0), model.state_dict()

    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    (losses, first), (again, second) = weights(), weights()
    torch.set_num_threads(before)
    assert losses == again
    assert losses[1] != losses[0]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_every_shipped_model_is_known_by_name():
    for name, shipped in SHIPPED.items():
        spec = ModelSpec(name=name)
        assert spec.local
        assert spec.source == str(shipped.folder)
        assert not check(spec)
        assert (shipped.folder / "model.safetensors").is_file()


# ------------------------------------------------------------------------------------------------ the tokenizer


@pytest.mark.parametrize("text", ["def f(x):\n\treturn  x**2", "Grüße, 1 234 — 日本\t\n x", "; x = ; x", " ", ""])
def test_decoding_is_lossless_on_any_text(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_decoding_is_lossless_on_examples_and_programs_are_short(tokenizer):
    random = Random(0)
    for _ in range(300):
        prompt, answer = example(tokenizer, STAGES[-1], random)
        for tokens, start in ((prompt, 1), (answer[:-1], 0)):
            text = tokenizer.decode(tokens[start:])
            assert tokenizer.encode(text, add_special_tokens=False) == tokens[start:]
    programs = [draw(random, 3, "train").program for _ in range(200)]
    lengths = [len(tokenizer.encode(program, add_special_tokens=False)) for program in programs]
    assert max(lengths) <= 24
    assert sum(lengths) / 200 < 15


def test_a_digit_is_one_token_with_the_comma_before_it(tokenizer):
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode("[3, 1, -4, 12]", add_special_tokens=False)]
    assert pieces == ["[3", ", 1", ", -", "4", ", 1", "2", "]"]


def test_template_and_plain_tokens_agree(tokenizer):
    for kind in KINDS:
        prompts = [SmallPrograms(asks=kind).problem(0, "test").prompt]
        prompts.append(proposal_prompt(kind, [("def f(x): x = x + 1; return x", "4")]))
        for prompt in prompts:
            turns = [{"role": "user", "content": prompt}]
            text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
            assert tokenizer.encode(text, add_special_tokens=False) == tokenizer.encode(prompt)


# ------------------------------------------------------------------------------------------------ what was taught


def test_no_held_out_program_is_taught(tokenizer):
    random, seen = Random(0), 0
    for stage in STAGES:
        for _ in range(300):
            parts = example(tokenizer, stage, random)
            prompt, answer = (tokenizer.decode(part, skip_special_tokens=True) for part in parts)
            asked = prompt.splitlines()
            shown = [line for line in asked if line.startswith("def ")]
            assert all(split_of(program) == "train" for program in shown if program.count(";") > 1)
            if asked[0] == "write" or (asked[0] in ("run", "find") and shown[0].count(";") == 1):
                assert split_of(prompt) == "train"
            if asked[0].startswith("propose"):
                kind = {"run": "predict", "find": "find", "write": "write"}[asked[0].split()[1]]
                found = parse_proposal(kind, answer, shown[0] if shown else "")
                assert not isinstance(found, Refusal), found
            seen += len(shown)
    assert seen > 400


@pytest.mark.parametrize("kind", KINDS)
def test_clean_answers_are_correct_and_habits_err(kind):
    task, random = SmallPrograms(asks=kind, lines=3), Random(0)
    rights = Counter()
    for name, habits in (("clean", CLEAN), ("guess", Habits(worked=0.0)), ("mixed", Habits())):
        for number in range(60):
            problem = task.problem(number, "train")
            pairs = [(read(given), read(result)) for given, result in problem.data["pairs"]]
            inputs, outputs = zip(*pairs, strict=True)
            drawn = Drawn(problem.data["program"], inputs, outputs)
            answer = solved(kind, drawn, habits, random)
            assert answer.startswith("answer:") is (name == "guess" or kind == "write") or name == "mixed"
            (score,) = ByRunning()(problem, [make_rollout(answer)], None)
            rights[name] += bool(score.correct)
    assert rights["clean"] == 60
    assert rights["guess"] < 30
    assert rights["guess"] < rights["mixed"] < 60


# ------------------------------------------------------------------------------------------------ what it does


def test_it_answers_and_proposes_through_the_engine(policy):
    problems = [SmallPrograms(lines=1).problem(number, "test") for number in range(24)]
    programs = ("def f(x): x = x + 1; return x", "4"), ("def f(x): x = sum(x); return x", "[1, 2]")
    texts = [problem.prompt for problem in problems] + [proposal_prompt("predict", programs)] * 8
    requests = [
        Request(problems[number % 24], policy.encoder.prompt(text), number, number) for number, text in enumerate(texts)
    ]
    rollouts = LocalEngine(policy).generate(requests, Sampling(max_tokens=96, stop=policy.encoder.stop, seed=1))
    pairs = list(zip(problems, rollouts, strict=False))
    scores = [ByRunning()(problem, [rollout], None)[0] for problem, rollout in pairs]
    assert sum(bool(score.correct) for score in scores) >= 5
    proposals = [parse_proposal("predict", rollout.text) for rollout in rollouts[24:]]
    assert sum(not isinstance(each, Refusal) or each.held_out for each in proposals) >= 5
