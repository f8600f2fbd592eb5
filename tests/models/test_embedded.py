"""The embedded model: what is shipped loads, is what was made, and can be made again."""

import dataclasses
import json
from random import Random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.models.embedded import FOLDER
from workbench.models.embedded.make import STAGES, batches
from workbench.models.embedded.tokens import make_tokenizer
from workbench.models.making.warm_up import IGNORED, THREADS, fingerprint, new_model, train
from workbench.tasks.sums import Sums
from workbench.tasks.word_problems import WordProblems

SMALL = dataclasses.replace(STAGES[-1], steps=2, batch=4)


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def test_shipped_weights_are_the_recorded_ones():
    made = json.loads((FOLDER / "made.json").read_text())
    weights = FOLDER / "model.safetensors"
    assert fingerprint(weights) == made["sha256"]
    assert made["stages"] == [dataclasses.asdict(stage) for stage in STAGES]
    assert weights.stat().st_size <= 8_000_000


def test_shipped_tokenizer_is_what_the_script_makes(tokenizer):
    made = make_tokenizer()
    assert made.get_vocab() == tokenizer.get_vocab()
    assert made.chat_template == tokenizer.chat_template
    assert made.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_making_is_reproducible_bit_for_bit(tokenizer, threads):
    def weights():
        model = new_model(tokenizer, seed=1)
        losses = train(model, batches(tokenizer, SMALL, Random(1)), SMALL.steps, SMALL.learning_rate, every=0)
        return losses, model.state_dict()

    (losses, first), (again, second) = weights(), weights()
    assert losses == again
    assert losses[1] != losses[0]
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("text", ["First 14 + 23 = 37.\nanswer: 37", "Grüße, 1 234 — 日本\t\n x", "  two  spaces ", ""])
def test_decoding_is_lossless(tokenizer, text):
    tokens = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(tokens) == text


@pytest.mark.parametrize("task", [Sums(level=3), WordProblems(level=3)], ids=["sums", "word_problems"])
def test_words_and_digits_of_the_tasks_are_single_tokens(tokenizer, task):
    for number in range(300):
        problem = task.problem(number, "test")
        pieces = [tokenizer.decode([token]) for token in tokenizer.encode(problem.prompt)[1:]]
        assert "".join(pieces) == problem.prompt
        assert len(pieces) <= 45
        for piece in pieces:
            bare = piece.strip()
            assert not bare.isdigit() or len(bare) == 1
            assert not bare.isalpha() or f" {bare} " in " " + problem.prompt.translate({46: 32, 63: 32, 10: 32}) + " "


def test_template_and_plain_tokens_agree(tokenizer):
    prompt = Sums().problem(0, "test").prompt
    turns = [{"role": "user", "content": prompt}]
    written = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert tokenizer.encode(written, add_special_tokens=False) == tokenizer.encode(prompt)
    assert tokenizer.encode(prompt)[0] == tokenizer.bos_token_id


def test_only_answers_have_labels(tokenizer):
    tokens, mask, labels = next(batches(tokenizer, SMALL, Random(0)))
    for row in range(SMALL.batch):
        answer = labels[row][labels[row] != IGNORED].tolist()
        whole = tokens[row][mask[row].bool()].tolist()
        assert whole[-len(answer) :] == answer
        assert answer[-1] == tokenizer.eos_token_id
        assert "answer:" in tokenizer.decode(answer)
        assert "answer:" not in tokenizer.decode(whole[: -len(answer)])


def test_shipped_model_answers_in_readable_text(tokenizer):
    model = AutoModelForCausalLM.from_pretrained(FOLDER).eval()
    assert model.config.architectures == ["Qwen3ForCausalLM"]
    prompts = [WordProblems().problem(number, "test").prompt for number in range(16)]
    padded = tokenizer(prompts, return_tensors="pt", padding=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        written = model.generate(**padded)[:, padded["input_ids"].shape[1] :]
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    assert sum(text.rpartition("answer: ")[2].isdigit() for text in texts) >= 15
    assert any("=" in text for text in texts)
