"""The one place that joins the rooms: from a config to a trainer, and every mistake that only the rooms can see."""

import dataclasses
from collections.abc import Sequence

import torch

from workbench.checks import warnings_of
from workbench.config import RunConfig
from workbench.engines.build import capabilities, make_engine
from workbench.engines.vllm.gate import errors as vllm_errors
from workbench.kinds import Alarm, Exam, Member
from workbench.method import Method
from workbench.models.load import architecture, load_policy
from workbench.models.policy import LocalPolicy
from workbench.models.size import embedding_targets
from workbench.models.spec import check as check_model
from workbench.pieces.alarms import limits
from workbench.pieces.sampler import Uniform
from workbench.planning.data import data_report
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB, Assumed, keeps_reference
from workbench.pruning.kernel.choice import binder
from workbench.rewards.scoring import Part, score_groups
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.replies import Replies, open_cast
from workbench.runs.process.family import family_errors
from workbench.runs.process.recorder import read_journals
from workbench.training.exams import TakenExam
from workbench.training.sampling import Parts
from workbench.training.trainer import Settings, Trainer
from workbench.types import Capabilities, Group


def errors(config: RunConfig) -> list[str]:
    """Everything that would go wrong, before a process starts: each names field, value and remedy."""
    found = config.errors() + check_model(config.model)
    try:
        able = capabilities(config.rollouts.engine)
    except ValueError as error:
        return [*found, f"rollouts.engine = {config.rollouts.engine!r}: {error}"]
    found += engine_errors(config, able) + survey_errors(config)
    if found:
        return found
    return lengths(config) + embedding_errors(config, able) or data_errors(config) or family_errors(config)


def engine_errors(config: RunConfig, able: Capabilities) -> list[str]:
    """What is asked of the engine and it cannot give."""
    rollouts, lora = config.rollouts, config.model.lora
    cut = rollouts.top_p < 1 or rollouts.top_k > 0
    read = sorted(name for name in config.method.needs if name.startswith(("engine_", "behaviour_")))
    asked = {
        "prune: set rollouts.engine = 'local'": config.pruning is not None and not able.pruning,
        "follow all weights: set model.lora": lora is None and not able.full_weights,
        "follow DoRA: leave out model.lora.dora": lora is not None and lora.dora and not able.dora,
        "continue given tokens: use 'local'": config.method.controller is not None and not able.prefix,
        f"give {', '.join(read)} with top_p or top_k, which the method reads: leave these out, or use 'local'": bool(
            read
        )
        and cut
        and not able.truncated_log_probs,
    }
    found = [f"rollouts.engine = {rollouts.engine!r} cannot {what}" for what, wrong in asked.items() if wrong]
    return found + (vllm_errors(rollouts.vllm, config.pruning) if rollouts.engine == "vllm" else [])


def survey_errors(config: RunConfig) -> list[str]:
    """A sampler that wants to know every problem of a task that has no end of them."""
    sampler = config.method.sampler
    survey = None if sampler is None else sampler.survey
    if sampler is None or survey is None or survey.problems is not None or config.task.size("train") is not None:
        return []
    return [
        f"method.sampler = {sampler.name!r} asks every problem before the first step, and task {config.task.name} has "
        "no end of them: set how many it surveys"
    ]


def embedding_errors(config: RunConfig, able: Capabilities) -> list[str]:
    """An adapter on the embeddings or the head, of an engine that does not sample with it."""
    if able.embeddings:
        return []
    try:
        targets = embedding_targets(config.model)
    except ValueError:
        return []  # said of the lengths already
    return [
        f"model.lora.targets has {name!r}, the embeddings or the output head: rollouts.engine = "
        f"{config.rollouts.engine!r} is not known to sample with an adapter there; leave it out, or set "
        "rollouts.engine = 'local'"
        for name in targets
    ]


def data_errors(config: RunConfig) -> list[str]:
    """What the model cannot read of the data, or why its tokenizer cannot be read."""
    try:
        return list(data_report(config).errors)
    except ValueError as error:
        return [str(error)]


def warnings(config: RunConfig) -> list[str]:
    """What can run but will hardly do what was meant; of a config without problems."""
    return [*warnings_of(config, capabilities(config.rollouts.engine)), *data_report(config).warnings]


def lengths(config: RunConfig) -> list[str]:
    """Whether prompt and answer fit into the model; or why its configuration cannot be read."""
    try:
        limit = getattr(architecture(config.model), "max_position_embeddings", None)
    except ValueError as error:
        return [str(error)]
    if limit is None or config.rollouts.max_tokens < limit:
        return []
    asked = config.rollouts.max_tokens
    return [f"rollouts.max_tokens = {asked}: the model reads {limit} tokens, prompt included; set less"]


def build(config: RunConfig, directory: RunDirectory | None = None, replies: Replies | None = None) -> Trainer:
    """The trainer a config describes; with a directory, at its newest checkpoint.

    `replies`: those that the run kept of whom its rewards ask, for one who only looks; a trainer keeps its own.
    """
    if directory is not None:
        replies = Replies(directory.replies)
    torch.set_num_threads(config.training.threads)
    policy = load_policy(config.model, seed=config.seed)
    parts = make_parts(config, policy, replies)
    trainer = Trainer(
        policy,
        trained_method(config),
        parts,
        Settings(config.seed, config.rollouts, config.training, config.evaluation, config.record),
        stop_tokens=policy.encoder.stop,
        reference=policy.adapted and config.record.kl,
        advice=lambda prompt: advice(config, prompt),
        watch=alarms_of(config),
        exams=taken_exams(config, parts),
    )
    if keeps_reference(config) and not policy.adapted:
        policy.keep_reference()
    if directory is not None:
        policy.encoder.tokenizer.save_pretrained(directory.path / "tokenizer")
        trainer.memory.journal.stored = True
        newest = newest_checkpoint(directory)
        kept = read_journals(directory, 0 if newest is None else newest.step)
        if newest is not None:
            trainer.load(newest.path, kept)
        else:  # a survey may be there already: a fork's from before the first step
            trainer.memory.restore({"counts": {name: len(lines) for name, lines in kept.items()}}, kept)
    return trainer


def advice(config: RunConfig, prompt: int) -> str:
    """What the forecast says of a run that did not fit, whose longest prompt has so many tokens."""
    free = None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()  # as before the run came
    found = forecast(config, free, Assumed(prompt=prompt))
    remedy = found.advice or f"set training.micro_batch = {max(1, config.training.micro_batch // 2)}"
    return f"forecast are {found.peak / GIB:.2f} GiB of {found.free / GIB:.2f} GiB free on {found.device}: {remedy}"


def alarms_of(config: RunConfig) -> tuple[Alarm, ...]:
    """The limits of every run, then the alarms of the config."""
    return (*limits(config.training.unscored, config.training.mismatch_limit), *config.alarms)


def trained_method(config: RunConfig) -> Method:
    """The method, its reduction wrapped where a pruner wants survivors weighed."""
    if config.pruning is None:
        return config.method
    return dataclasses.replace(config.method, reduction=config.pruning.reduction(config.method.reduction))


def taken_exams(config: RunConfig, parts: Parts) -> tuple[TakenExam, ...]:
    """The exams of a run, each with what asks it."""
    return tuple(TakenExam(part, examined(parts, part.exam, config.rollouts.max_tokens)) for part in config.exams)


def examined(parts: Parts, exam: Exam, budget: int) -> Parts:
    """The parts of a run with the problems and the reward of an exam; `budget`: maximum tokens of a completion."""
    rewards = [(exam.reward.name, exam.reward, 1.0)]

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, (), groups, parts.scorer, budget)

    return dataclasses.replace(parts, task=exam.task, score=scored)


def asked_members(config: RunConfig) -> dict[str, Member]:
    """The members of the cast that a reward asks, by name; the others are not opened."""
    asked = {name for part in config.rewards for name in part.reward.asks}
    return {part.name: part.member for part in config.cast if part.name in asked}


def make_parts(config: RunConfig, policy: LocalPolicy, replies: Replies | None = None) -> Parts:
    """What sampling works with; `replies`: where those of members that would not give them again are kept."""
    method = config.method
    rewards = [Part(part.key, part.reward, part.weight, part.only) for part in config.rewards]

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, method.shaping, groups, parts.scorer, config.rollouts.max_tokens)

    parts = Parts(
        task=config.task,
        engine=make_engine(
            config.rollouts.engine,
            policy,
            concurrent=config.rollouts.concurrent,
            binder=binder(policy.device),
            options=getattr(config.rollouts, config.rollouts.engine, None),
        ),
        encoder=policy.encoder,
        score=scored,
        sampler=method.sampler or Uniform(),
        filters=method.filters,
        controller=method.controller,
        pruner=None if config.pruning is None else config.pruning.fitted(config.rollouts.max_tokens),
        cast=open_cast(asked_members(config), replies),
    )
    return parts
