"""GGUF files become Hugging Face folders: the same logits, tokenizer and template; what is wrong with a file is told.

Kinds of faults: a file that is cut anywhere, a family or a text rule that would be converted wrongly without a word,
parts that belong to different models, a cache that is torn, full, or written by two processes at once.
"""

import json
import multiprocessing
import re
import shutil
import struct
from pathlib import Path

import pytest
import torch

pytest.importorskip("gguf", reason="the package gguf is not installed: make smollm2")

from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from tests.models.gguf.files import HEADS, TEMPLATE, WIDTH, write
from workbench.models import ModelSpec, check, load_policy
from workbench.models.gguf import cache
from workbench.models.gguf import check as gguf_check
from workbench.models.gguf.cache import MADE, folder_of, whole
from workbench.models.gguf.check import errors
from workbench.models.gguf.convert import converted

TOKENS = torch.tensor([[1, 20, 30, 40, 50, 2, 7]])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test has a cache of its own."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A small Llama; tests leave the file as it is."""
    return write(tmp_path_factory.mktemp("gguf") / "small.gguf")


@pytest.mark.parametrize("quantised", [True, False])
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3"])
def test_logits_are_those_of_transformers_own_loading(tmp_path, architecture, quantised):
    file = write(tmp_path / "model.gguf", architecture=architecture, quantised=quantised)
    given = {"head_dim": WIDTH // HEADS} if architecture == "qwen3" else {}  # transformers takes 128 for every Qwen3
    own = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32, **given).eval()
    policy = load_policy(ModelSpec(name=str(file), linear="torch"))
    with torch.no_grad():
        torch.testing.assert_close(policy.logits(policy.hidden(TOKENS)[0]), own(TOKENS).logits[0], atol=1e-5, rtol=1e-5)
    assert policy.encoder.stop == (2,)


def test_the_folder_is_plain_and_says_nothing_of_gguf(small):
    folder = converted(small)
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert model.lm_head.weight is model.model.embed_tokens.weight


@given(text=st.text(max_size=40))
def test_text_survives_the_tokenizer(small, text):
    encoder = load_policy_once(small).encoder
    assert encoder.text(encoder.answer(text)) == text


def load_policy_once(file: Path):
    """The policy of a file, loaded once in this process."""
    if file not in LOADED:
        LOADED[file] = load_policy(ModelSpec(name=str(file)))
    return LOADED[file]


LOADED: dict = {}


def test_digits_stand_alone_as_smollm_has_them(small):
    encoder = load_policy_once(small).encoder

    def split(text):
        return [encoder.shown([token]) for token in encoder.answer(text)]

    assert split("12") == ["1", "2"], "the merge of 1 and 2 must not be reached"
    assert split("\n\n1") == ["\n\n", "1"]
    assert split("  1") == ["  ", "1"]


def test_template_is_the_files(small):
    encoder = load_policy_once(small).encoder
    assert encoder.tokenizer.chat_template == TEMPLATE
    assert encoder.shown(encoder.prompt("hi")) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "gemma2"}, r"architecture 'gemma2': give one of llama, qwen2, qwen3"),
        ({"rows": 300}, r"tokenizer of 263 tokens and an embedding table of 300 rows"),
        ({"tokenizer.ggml.eos_token_id": 999}, r"eos token is number 999 of 263 tokens"),
        ({"tokenizer.ggml.pre": "chameleon"}, r"splits text by the rule 'chameleon'"),
        ({"tokenizer.ggml.model": "bert"}, r"tokenizer of kind 'bert'"),
        ({"tokenizer.ggml.merges": None}, r"without merges"),
        ({"llama.rope.scaling.type": "yarn"}, r"stretches its rotary embedding"),
    ],
)
def test_what_would_be_converted_wrongly_is_refused(tmp_path, changes, told):
    file = write(tmp_path / "odd.gguf", **changes)
    (found,) = check(ModelSpec(name=str(file)))
    assert found.startswith(f"model.name = {str(file)!r}: {file} ")
    assert re.search(told, found)
    with pytest.raises(ValueError, match=told):
        converted(file)
    assert not (tmp_path / "cache").exists() or not any((tmp_path / "cache" / "models").iterdir())


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_told(small, tmp_path_factory, share):
    cut = tmp_path_factory.mktemp("cut") / "cut.gguf"
    whole_file = small.read_bytes()
    cut.write_bytes(whole_file[: int(share * (len(whole_file) - 40))])  # the last tensor may be padded
    (found,) = errors(cut)
    assert str(cut) in found
    assert "again" in found


@given(place=st.integers(4, 20000), value=st.integers(0, 255))
def test_a_damaged_header_ends_in_a_message_not_in_another_error(small, tmp_path_factory, place, value):
    data = bytearray(small.read_bytes())
    data[place % len(data)] = value
    file = tmp_path_factory.mktemp("odd") / "odd.gguf"
    file.write_bytes(data)
    assert all(str(file) in found for found in errors(file))


def test_a_count_beyond_the_file_costs_nothing(tmp_path):
    file = tmp_path / "huge.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**62, 2**62))
    (found,) = errors(file)
    assert "cut short or damaged" in found


def test_a_missing_file_a_folder_and_another_file_are_told(tmp_path):
    other = tmp_path / "text.gguf"
    other.write_text("not a model")
    for path, told in ((tmp_path / "none.gguf", "No such file"), (other, "no GGUF file")):
        (found,) = errors(path)
        assert told in found
        assert str(path) in found


def test_without_the_package_the_command_is_named(small, monkeypatch):
    monkeypatch.setattr(gguf_check.importlib.util, "find_spec", lambda name: None)
    (found,) = errors(small)
    assert "pip install gguf" in found


def test_no_room_is_told_before_anything_is_written(small, tmp_path, monkeypatch):
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10, 9, 1))
    (found,) = check(ModelSpec(name=str(small)))
    assert "set WORKBENCH_CACHE" in found
    assert not (tmp_path / "cache").exists()


def test_a_disk_that_fills_up_leaves_nothing_behind(small, tmp_path):
    def full(path, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match=r"No space left on device; free some space there, or set WORKBENCH_CACHE"):
        cache.kept(small, full)
    assert [path.name for path in (tmp_path / "cache" / "models").iterdir() if path.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_told(small, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("WORKBENCH_CACHE", str(blocked))
    with pytest.raises(ValueError, match="set WORKBENCH_CACHE to a folder that can be written"):
        cache.kept(small, lambda path, folder: None)


@pytest.mark.parametrize("harm", ["cut", "change", "remove", "manifest"])
def test_a_torn_conversion_is_made_again(small, harm):
    folder = converted(small)
    weights = folder / "model.safetensors"
    good = weights.read_bytes()
    if harm == "cut":
        weights.write_bytes(good[:-9])
    elif harm == "change":
        weights.write_bytes(good[:-9] + b"different")
    elif harm == "remove":
        weights.unlink()
    else:
        (folder / MADE).write_text("{")
    assert not whole(folder)
    assert converted(small) == folder
    assert whole(folder)
    assert weights.read_bytes() == good


def test_what_a_killed_process_left_is_removed(small):
    folder = folder_of(small)
    left = folder.parent / f".{folder.name}-killed" / "model"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    converted(small)
    assert not left.exists()


def test_two_processes_convert_at_once(small):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        found = pool.map(converted, [small, small])
    assert found[0] == found[1] == folder_of(small)
    assert whole(found[0])


def test_another_file_of_the_same_name_has_another_folder(tmp_path):
    first = write(tmp_path / "model.gguf", quantised=True)
    before = folder_of(first)
    write(first, quantised=False)
    assert folder_of(first) != before
