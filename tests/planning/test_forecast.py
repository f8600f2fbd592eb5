"""The forecast against real parameter counts, real tensors and real runs of small models."""

import dataclasses
import gc
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForCausalLM, Qwen2Config

from workbench.config import RunConfig
from workbench.engines.local import fused, loop
from workbench.engines.local.engine import LocalEngine
from workbench.models.activations import MicroBatch, kept_bytes
from workbench.models.load import load_policy
from workbench.models.size import size_of
from workbench.models.spec import LoraSpec, ModelSpec
from workbench.planning import advice, disk, memory
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB, Assumed, components, largest_batch, most_rollouts, peak
from workbench.runs.demo import demo_config
from workbench.runs.directory import checkpoint
from workbench.training.forward import Forward
from workbench.types import Row

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "models" / "configs"
#: Parameters as the models' cards on the Hub have them; the adapter's at rank 16 on all linear layers, worked out as
#: layers x 16 x (the inputs and outputs of all seven matrices).
COUNTS = {
    "qwen2.5-0.5b": (494_032_768, 24 * 16 * (2 * 1792 + 2 * 1024 + 3 * 5760)),
    "qwen2.5-1.5b": (1_543_714_304, 28 * 16 * (2 * 3072 + 2 * 1792 + 3 * 10496)),
    "qwen3-4b": (4_022_468_096, 36 * 16 * (2 * 6656 + 2 * 3584 + 3 * 12288)),
    "llama-3.2-3b": (3_212_749_824, 28 * 16 * (2 * 6144 + 2 * 4096 + 3 * 11264)),
}
CONFIGS = {
    "embedded-cpu": ("", 3),
    "embedded-programs": ("", 3),
    "azr-embedded": ("", 3),
    "qwen2.5-0.5b-lora-8gb": ("qwen2.5-0.5b", 8),
    "qwen2.5-1.5b-nf4-8gb": ("qwen2.5-1.5b", 8),
    "qwen3-4b-nf4-16gb": ("qwen3-4b", 16),
    "llama-3.2-3b-nf4-16gb": ("llama-3.2-3b", 16),
}


def config_of(name: str) -> RunConfig:
    """A shipped config; its model's real configuration from the fixtures, as no hub is asked."""
    config, fixture = RunConfig.load(ROOT / "configs" / f"{name}.toml"), CONFIGS[name][0]
    return config.replace(model={"name": str(FIXTURES / fixture)}) if fixture else config


def small(**changes: Any) -> RunConfig:
    """The embedded model on a CPU."""
    return config_of("embedded-cpu").replace(**changes)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_those_of_the_real_models(name):
    size = size_of(ModelSpec(name=str(FIXTURES / name), dtype="bfloat16", lora=LoraSpec()))
    assert (size.parameters, size.trainable) == COUNTS[name]
    assert size.weights == 2 * size.parameters  # bfloat16
    assert size.adapter == 4 * size.trainable  # peft holds adapters in float32


def test_every_shipped_config_is_planned_here():
    shipped = {path.stem for path in (ROOT / "configs").glob("*.toml")}
    assert {name for name in shipped if not name.startswith("smollm2-")} == set(CONFIGS)  # those: test_smollm2_runs


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_configs_fit_the_memory_in_their_names(name):
    # a sixteenth of a card's memory is the display's and the driver's
    found = forecast(config_of(name), CONFIGS[name][1] * GIB * 15 // 16)
    assert (found.fit, found.advice) == ("fits", "")
    always = sum(part.bytes for part in found.components if part.when == "always")
    assert always < found.peak <= sum(part.bytes for part in found.components)
    json.dumps(found.to_dict())


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(device="cpu"),
        ModelSpec(device="cpu", lora=LoraSpec()),
        ModelSpec(device="cpu", dtype="bfloat16"),
        ModelSpec(device="cpu", dtype="bfloat16", lora=LoraSpec(rank=4, targets=("q_proj", "v_proj"))),
        ModelSpec(device="cpu", dtype="bfloat16", lora=LoraSpec(), quantisation="nf4"),
    ],
    ids=["full", "lora", "full-bf16", "lora-bf16-two-targets", "nf4"],
)
def test_weights_optimiser_and_activations_are_the_real_tensors(spec):
    policy, batch, size = load_policy(spec), MicroBatch(rows=6, prompts=2, prompt=20, answer=30), size_of(spec)
    assert size.weights + size.adapter == held(policy.model)
    trained = policy.trainable().values()
    assert size.trained == sum(weight.nbytes for weight in trained)
    kept = saved_by_autograd(policy, batch)
    assert kept_bytes(spec, size, batch) == pytest.approx(kept, rel=0.01)
    for weight in trained:
        weight.grad = torch.ones_like(weight)
    optimiser = torch.optim.AdamW(trained)
    optimiser.step()
    moments = [state[name] for state in optimiser.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert 2 * size.trained == sum(moment.nbytes for moment in moments)


def held(model: Any) -> int:
    """Bytes of a model's parameters and of what quantisation keeps beside them."""
    states = [weight.quant_state for weight in model.parameters() if getattr(weight, "quant_state", None) is not None]
    # on some CPUs bitsandbytes repacks the scales in 16 bit, one each as before
    scales = [4 * state.absmax.numel() + state.code.nbytes for state in states]
    return sum(weight.nbytes for weight in model.parameters()) + sum(scales)


def rows_of(batch: MicroBatch) -> list[Row]:
    """Rows of a micro-batch's shape."""
    return [Row([1 + row % batch.prompts] * batch.prompt, [5] * batch.answer) for row in range(batch.rows)]


def saved_by_autograd(policy: Any, batch: MicroBatch) -> int:
    """Bytes of the numbers that a real forward pass keeps, parameters apart."""
    known = {tensor.untyped_storage().data_ptr() for tensor in (*policy.model.parameters(), *policy.model.buffers())}
    kept: dict[int, Any] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known and tensor.is_floating_point():
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        policy.before(rows_of(batch))
    return sum(storage.nbytes() for storage in kept.values())


def test_int8_is_forecast_from_above():
    spec = ModelSpec(device="cpu", lora=LoraSpec(), dtype="float16", quantisation="int8")
    plain = dataclasses.replace(spec, quantisation=None)
    batch = MicroBatch(6, 2, 20, 30)
    assert size_of(spec).weights < 0.7 * size_of(plain).weights  # the embedding stays in 16 bit
    assert kept_bytes(spec, size_of(spec), batch) > kept_bytes(plain, size_of(plain), batch)


def test_peak_of_an_update_is_the_profilers(tmp_path):
    """A model with a vocabulary that matters: forward, reading of all signals, backward, by torch's own count."""
    shape = Qwen2Config(
        vocab_size=20_000, hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path)
    load_policy(ModelSpec(device="cpu")).encoder.tokenizer.save_pretrained(tmp_path)
    config = small(
        model={"name": str(tmp_path), "lora": {}, "linear": "torch"},
        rollouts={"problems": 2, "rollouts": 8, "max_tokens": 64},
        training={"micro_batch": 1100},
    )
    assumed = Assumed(prompt=32, flat=1.0)  # random weights: every distribution is flat
    batch = largest_batch(config, assumed)
    policy = load_policy(config.model)
    parts = components(config, size_of(config.model), "cpu", assumed)
    expected = peak([part for part in parts if part.when in ("updating", "reading", "passing")])[0]
    measured = profiled_peak(policy, rows_of(batch))
    assert measured == pytest.approx(expected, rel=0.05), [(part.name, part.bytes) for part in parts]


def profiled_peak(policy: Any, rows: list[Row]) -> int:
    """The most live bytes above those at the start, of a forward pass that records everything and its backward pass."""
    forward = Forward(policy, budget=10**9)
    names = (*memory.signals.RECORDED, "kl")
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        found = forward.read(rows, names, {"logprob"})
        found["logprob"].sum().backward()
    events = sorted(
        (event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"),
        key=lambda event: event.start_ns(),
    )
    live = most = 0
    for event in events:
        live += event.nbytes()
        most = max(most, live)
    return most


def test_key_and_value_rows_are_the_engines():
    for spec in (
        ModelSpec(device="cpu"),
        ModelSpec(device="cpu", dtype="bfloat16", lora=LoraSpec(), quantisation="nf4"),
    ):
        config = small(model={**dataclasses.asdict(spec)}, evaluation={"problems": 0})
        engine = LocalEngine(load_policy(spec), concurrent=config.rollouts.concurrent)
        rows, tokens = memory.kept_rows(config, size_of(spec), Assumed(prompt=100))
        held = config.rollouts.max_tokens + (1 if engine.decoder.shares else 100)
        real = engine.make_rows(config.rollouts.problems * config.rollouts.rollouts, held)
        assert (rows, tokens) == (real.rows, real.tokens)
        assert rows * tokens * size_of(spec).token == real.pairs.nbytes


def test_rows_hold_their_prompts_where_steps_are_recorded():
    config = small(model={"device": "cuda"}, rollouts={"max_tokens": 100})
    size, assumed = size_of(config.model), Assumed(prompt=300)
    assert memory.kept_rows(config, size, assumed)[1] == 448
    plain = config.replace(rollouts={"local": {"graphs": False}})
    assert memory.kept_rows(plain, size, assumed)[1] == 128


def test_numbers_taken_from_elsewhere_are_still_theirs():
    given = inspect.signature(LocalEngine).parameters
    assert given["memory"].default == memory.KEYS_AND_VALUES
    assert fused.COPY_LIMIT == memory.COPY
    assert memory.PREFILL_TOKENS == loop.PREFILL_TOKENS
    assert disk.EVERY_STEP == checkpoint.EVERY_STEP


def test_too_little_memory_is_told_with_the_cheapest_change():
    config = config_of("qwen2.5-0.5b-lora-8gb").replace(training={"micro_batch": 16384})
    found = forecast(config, 8 * GIB)
    assert found.fit == "does not fit"
    assert found.advice.startswith("set training.micro_batch = ")
    value = int(found.advice.split(" = ")[1])
    assert forecast(config.replace(training={"micro_batch": value}), 8 * GIB).fit == "fits"
    assert forecast(config.replace(training={"micro_batch": 2 * value + 512}), 8 * GIB).fit != "fits"


def test_changes_are_joined_where_none_is_enough():
    config = config_of("qwen2.5-1.5b-nf4-8gb").replace(
        model={"quantisation": None}, training={"micro_batch": 16384}, rollouts={"concurrent": 256}
    )
    told = advice.cheapest(config, 8 * GIB, Assumed())
    assert told.startswith("set training.micro_batch = ")
    assert "rollouts.concurrent = " in told
    assert told.endswith("model.gradient_checkpointing = true")
    assert "model.quantisation = 'nf4'" in advice.cheapest(config, 4 * GIB, Assumed())
    assert "nothing in this config" in advice.cheapest(config, GIB, Assumed())


def test_full_training_keeps_a_reference_where_the_method_reads_one():
    plain = {part.name for part in components(small(), size_of(small().model), "cpu", Assumed())}
    assert "reference" not in plain
    with_kl = small(method={"method": "grpo", "regularisers": [{"piece": "k3", "coefficient": 0.01}]})
    reference = [part for part in forecast(with_kl, GIB).components if part.name == "reference"]
    assert [part.bytes for part in reference] == [size_of(with_kl.model).weights]


def test_vllm_has_weights_and_a_process_of_its_own():
    config = config_of("qwen2.5-0.5b-lora-8gb").replace(rollouts={"engine": "vllm", "vllm": {"memory": 3 * GIB}})
    found = {part.name: part.bytes for part in components(config, size_of(config.model), "cuda", Assumed())}
    assert found["engine weights"] == 2 * COUNTS["qwen2.5-0.5b"][0]
    assert found["engine process"] > 0
    assert found["keys and values"] == 3 * GIB
    assert "drawing" not in found  # that is in its memory, which is full from the start
    with pytest.raises(ValueError, match="set it to local, generate or vllm"):
        forecast(config.replace(rollouts={"engine": "other"}), GIB)


def test_disk_of_a_checkpoint_is_what_is_written(tmp_path):
    config = small()
    policy = load_policy(config.model)
    weights = list(policy.trainable().values())
    written = 3 * sum(weight.nbytes for weight in weights)
    assert forecast(config, GIB).disk.checkpoint == written
    none = small(record={"tokens": "none"})
    assert forecast(none, GIB).disk.step < forecast(config, GIB).disk.step / 3


@pytest.mark.parametrize(
    ("method", "rollouts"),
    [("grpo", 32), ("cure", 128), ("guide", 64), ("icpo", 36), ("rise", 48), ("ssb", 40), ("svs", 32 + 16 * 8 * 9)],
)
def test_rollouts_that_a_controller_adds_are_forecast(method: str, rollouts: int) -> None:
    config = demo_config().replace(method={"method": method}, rollouts={"problems": 4, "rollouts": 8})
    plain = demo_config().replace(method={"method": "grpo"}, rollouts={"problems": 4, "rollouts": 8})
    assert most_rollouts(config) == rollouts
    per_rollout = forecast(plain, memory=2**40).disk.step / 32
    assert forecast(config, memory=2**40).disk.step == pytest.approx(rollouts * per_rollout)
