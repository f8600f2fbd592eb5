"""The vLLM engine: rollouts by vLLM 0.32, in a separate process, with the LoRA adapter in training.

After each update the adapter is passed on as files; the base weights are read once, from the model's folder. A process
that dies or hangs is replaced, given the newest adapter, and asked again; a second failure is an error.

Log-probs are vLLM's "processed" ones, of the distribution sampled from: with top-p or top-k those of the untruncated
one are not available, and `engine_logprob` is nan. Every rollout has its own seed, but a token may still depend, by
rounding, on the other rollouts of the batch. For pruning see `pruning`.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from workbench.engines.base import Job, check_pruner, jobs_of
from workbench.engines.detection import Detection
from workbench.engines.options import VLLM, VllmOptions
from workbench.engines.vllm.adapter import AdaptedPolicy, Adapter, refuse
from workbench.engines.vllm.gate import REMEDY, Gate, errors
from workbench.engines.vllm.generation import Generation
from workbench.engines.vllm.process import EngineError, EngineProcess, check_installed
from workbench.engines.vllm.pruning import in_engine, in_phases
from workbench.kinds import BoundPruner
from workbench.types import Policy, Request, Rollout, Sampling

log = logging.getLogger(__name__)


class VllmEngine:
    """Satisfies `types.Engine`. `concurrent`: most rollouts generated at once."""

    capabilities = VLLM

    def __init__(self, policy: AdaptedPolicy, *, concurrent: int = 256, options: VllmOptions | None = None) -> None:
        check_installed()
        refuse(policy)
        if concurrent < 1:
            raise ValueError(f"concurrent={concurrent}: the engine needs at least one row; set concurrent=1 or more")
        if policy.quantised:
            log.warning(
                "vLLM uses unquantised weights, the trainer quantised ones: their log-probs differ (mismatch_mean)"
            )
        self.policy, self.concurrent, self.options = policy, concurrent, options or VllmOptions()
        self.adapter = Adapter.of(policy, 1)
        self.loaded = 0  # number of the adapter that the process has
        self.process: EngineProcess | None = None
        self.ready()

    # ------------------------------------------------------------------------------------ the process

    def ready(self) -> EngineProcess:
        """The process with the newest adapter loaded; a new one if there is none or it has ended."""
        if self.process is None or not self.process.alive:
            self.close()
            self.loaded = 0
            self.process = EngineProcess(self.first(), self.environment(), patience=self.options.patience)
        if self.loaded != self.adapter.number:
            with self.adapter.written() as folder:
                self.process.ask({"do": "load the adapter", "number": self.adapter.number, "folder": str(folder)})
            self.loaded = self.adapter.number
        return self.process

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """The process's reply; if it dies, that of a new process. EngineError if both fail."""
        process = self.ready()
        try:
            return process.ask(order)
        except EngineError as error:
            log.warning("%s; it is restarted and the request repeated", error.cause)
        try:
            return self.ready().ask(order)
        except EngineError as error:
            raise EngineError(
                f"vLLM failed twice on the same rollouts: {error.cause}; if memory is short, lower rollouts.concurrent"
            ) from None

    def first(self) -> dict[str, Any]:
        """The first message to a new process."""
        options, policy = self.options, self.policy
        plain = policy.device.type == "cpu"
        longest = options.longest
        if longest is None:  # -1: the model's own limit, or less where memory holds less
            longest = policy.config.max_position_embeddings if plain else -1
        return {
            "do": "start",
            "model": policy.config._name_or_path,
            "trust_remote_code": policy.spec.trust_remote_code,
            "dtype": str(policy.causal.dtype).removeprefix("torch."),
            "rank": policy.model.peft_config["default"].r,
            "concurrent": self.concurrent,
            "longest": longest,
            "whole": plain,
            "memory": options.memory,
            "eager": plain if options.eager is None else options.eager,
            "sleep": options.sleep,
            "inside": options.prune == "in_engine",
        }

    def environment(self) -> dict[str, str]:
        """Variables of its environment in addition to ours."""
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        return threads if self.options.gpu is None else {**threads, "CUDA_VISIBLE_DEVICES": self.options.gpu}

    # ------------------------------------------------------------------------------------ rollouts

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests; `pruner` is a `BoundPruner`."""
        check_pruner(pruner)
        jobs = jobs_of(requests, sampling)
        if not jobs:
            return []
        stop = sampling.stop or self.policy.encoder.stop
        self.refuse_pruner(pruner, stop)
        self.refuse_long(jobs)
        generation = Generation(jobs, sampling, self.ask, stop=stop, top=self.options.top_logprobs)
        if pruner is None:
            generation.resume()
        elif self.options.prune == "in_engine":
            in_engine(generation, Gate.of(pruner, Detection(pruner, jobs, sampling), sampling))
        else:
            in_phases(generation, Detection(pruner, jobs, sampling), self.policy)
        if self.options.sleep:
            self.ask({"do": "sleep"})
        return generation.rollouts(self.policy.encoder.texts([job.tokens for job in jobs]))

    def refuse_pruner(self, pruner: BoundPruner | None, stop: Sequence[int]) -> None:
        """Raises ValueError if the pruner cannot work under these options."""
        found = [] if pruner is None else errors(self.options, pruner.pruner)
        if pruner is not None and self.options.prune == "in_engine" and not stop:
            found.append(f"vLLM stops a rollout by a stop token and the model has none: name one, {REMEDY}")
        if found:
            raise ValueError("; ".join(found))

    def refuse_long(self, jobs: Sequence[Job]) -> None:
        """Raises ValueError if prompt and completion may become longer than vLLM was set up for."""
        longest, most = max(len(job.request.prompt) + job.limit for job in jobs), self.ready().longest
        if longest > most:
            raise ValueError(
                f"prompt and completion may take {longest} tokens, vLLM was set up for {most}: lower max_tokens"
            )

    # ------------------------------------------------------------------------------------ the rest

    def sync(self, policy: Policy) -> None:
        """Takes the policy's current adapter; it must be the policy the engine was made with."""
        if policy is not self.policy:
            raise ValueError("the vLLM engine follows one policy: make a new engine for another")
        self.adapter = Adapter.of(self.policy, self.adapter.number + 1)

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.end()
            self.process = None
