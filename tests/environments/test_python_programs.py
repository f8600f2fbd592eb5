"""Python programs as an environment: proposals good and bad in the real sandbox, self-play through it, its refusals."""

import os
import signal
from dataclasses import replace

import pytest

from tests.methods.self_play import player
from tests.sandbox.conftest import sandboxed as sandboxed
from workbench.config import ConfigError, RunConfig
from workbench.environments import python_programs
from workbench.environments.python_programs import FIRST, KINDS, PythonPrograms
from workbench.environments.reading.wording import NAMES
from workbench.kinds import Proposal
from workbench.methods.azr import PROPOSE, SEED
from workbench.registry import find_method
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.jobs import Outcome
from workbench.sandbox.pool import Sandbox, shared
from workbench.types import Request

pytestmark = pytest.mark.usefixtures("sandboxed")
PYTHON = PythonPrograms(shown=2, inputs=4)


def proposal(program: str, given: str = "[3, 1]") -> str:
    return f"A plan.\n```python\n{program}\n```\n```input\n{given}\n```\n"


def read(kind: str, *texts: str) -> list[Proposal]:
    asked = PYTHON.ask(kind, PYTHON.first(kind)[: 1 if kind == "write" else 2], "key")
    return PYTHON.read([(asked, text) for text in texts])


BAD = {
    "empty": ("", "0 closed blocks of input, where 1 are needed"),
    "huge": ("x" * 30_000, "30000 characters, at most 20000"),
    "a long program": (proposal("def f(x):\n    return x\n" + "# long" * 400), "characters, at most 2000"),
    "unparseable": (proposal("def f(x: return"), "does not parse: SyntaxError"),
    "deep": (proposal("def f(x):\n    return " + "-" * 1500 + "1"), "does not parse|at most 2000|raises|crashed"),
    "two functions": (proposal("def f(x): return g(x)\ndef g(x): return x"), "one function, called f"),
    "two arguments": (proposal("def f(x, y): return x"), "does not take one argument"),
    "a banned import": (proposal("import os.path\ndef f(x): return x"), "os may not be used"),
    "an attack": (proposal("def f(x): return __import__('os').system('id')"), "__import__ may not be used"),
    "an attack by attributes": (proposal("def f(x): return x.__class__.__base__.__subclasses__()"), "may not be used"),
    "an input that is code": (proposal("def f(x): return x", "open('/etc/passwd')"), "only literals are read"),
    "slow": (proposal("def f(x):\n    while True: pass"), "timeout: used up its 0.3 s"),
    "nondeterministic": (proposal("def f(x): return ''.join({'alpha', 'beta', 'gamma', 'delta'})"), "nondeterministic"),
    "raises": (proposal("def f(x): return x // 0"), "it raises TypeError"),
    "a value that cannot be printed": (proposal("def f(x): return f"), "it raises"),
    "a value too long to print": (proposal("def f(x): return [7] * 200"), "an output has 600 characters to print"),
    "an input too long": (proposal("def f(x): return x", str([1] * 200)), "an input has 600 characters"),
    "memory": (proposal("def f(x): return len('x' * 10**9)"), "it raises MemoryError|memory"),
}


def test_bad_proposals_are_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    import re

    quick = replace(PYTHON, seconds=0.3)
    asked = quick.ask("predict", quick.first("predict")[:2], "key")
    found = quick.read([(asked, text) for text, _ in BAD.values()])
    for (name, (_, reason)), each in zip(BAD.items(), found, strict=True):
        assert each.problem is None, name
        assert not each.blameless, name
        assert re.search(reason, each.reason), (name, each.reason)


def test_good_proposals_pose_problems_that_their_reference_answers() -> None:
    program = "def f(x):\n    # a comment\n    return sorted(x)[::-1]"
    found = [each for kind in ("predict", "find") for each in read(kind, f"<think>hm</think>{proposal(program)}")]
    inputs = "\n".join(f"```input\n{given}\n```" for given in ("'ab'", "[2, 1]", "(1,)", "{3}"))
    found += read("write", f"{inputs}\n```message\nreads  what it\nis given\n```")
    for kind, each in zip(KINDS, found, strict=True):
        assert each.problem is not None, each.reason
        problem = each.problem
        assert problem.source == kind
        assert bool(each.skeleton) == (kind != "write")
        answer = f"```python\n{problem.answer}\n```" if kind == "write" else f"answer: {problem.answer}"
        rollouts = [said(problem, answer), said(problem, "answer: 'nothing'")]
        scores = ByRunning(executor="sandboxed")(problem, rollouts, None)
        assert [score.value for score in scores] == [1, 0]
    written = found[2].problem
    assert written is not None
    assert written.prompt.count("f(") == 3  # f(x), and two of the four pairs
    assert "reads what it is given" in written.prompt


def said(problem, text):  # type: ignore[no-untyped-def]
    """A finished rollout."""
    from workbench.types import Rollout

    return Rollout(Request(problem, (), 0, 0), 0, [1], text, [0.0], [0.0], "stop")


def test_copies_in_other_spelling_have_one_key_and_skeletons_no_constants() -> None:
    one, other, third = read(
        "predict",
        proposal("def f(x):\n    return (x, [1])"),
        proposal("def f(x):\n  # to be different\n  return ( (x,[1]))", "[3,1]"),
        proposal("def f(x):\n    return (x, [8])"),
    )
    assert one.problem is not None
    assert other.problem is not None
    assert one.problem.key == other.problem.key
    assert third.skeleton == one.skeleton


def test_a_program_of_the_test_split_is_held_out_in_any_spelling() -> None:
    from workbench.problems.programs.drawing import split_of

    texts = (f"def f(x): x = x + [{number}]; x = x[::-1]; return x" for number in range(99))
    program = next(text for text in texts if split_of(text) == "test").replace("; ", "\n    ").replace(": ", ":\n    ")
    (found,) = read("predict", proposal(program))
    assert found.problem is None
    assert found.blameless


def test_the_first_programs_return_what_they_say() -> None:
    found = read("predict", *(proposal(program, given) for program, given, _ in FIRST))
    assert [each.problem.answer for each in found if each.problem] == [result for *_, result in FIRST]
    assert [each.problem.key for each in found if each.problem] == [each.key for each in PYTHON.first("predict")]


def test_a_worker_that_dies_twice_costs_the_proposal_and_one_that_is_lost_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox: Sandbox = shared(2)
    read("predict", proposal("def f(x): return x"))
    submit = type(sandbox.running[0]).submit

    def killing(worker, job, given, limits):  # type: ignore[no-untyped-def]
        if b"fatal" in job:
            os.kill(worker.inside, signal.SIGKILL)
        submit(worker, job, given, limits)

    monkeypatch.setattr(type(sandbox.running[0]), "submit", killing)
    fatal, sound = read("predict", proposal("def f(x): fatal = 1; return x"), proposal("def f(x): return (x, 1)"))
    assert "the sandbox died twice" in fatal.reason
    assert not fatal.blameless
    assert sound.problem is not None
    lost = PYTHON.ran("predict", python_programs.Code("def f(x): return x", ("1",)), Outcome("lost", reason="no time"))
    assert (lost.problem, lost.blameless, lost.reason) == (None, True, "unscored: no time")


def test_self_play_through_the_sandbox() -> None:
    def say(request: Request) -> list[str]:
        problem, number = request.problem, request.number
        if request.role not in (PROPOSE, SEED):
            good = problem.answer if problem.source != "write" else f"\n```python\n{problem.answer}\n```"
            return [f"answer: {good}", "answer: 0"]
        if problem.source == "write":
            return ["".join(f"```input\n'{'a' * place}{number}'\n```\n" for place in range(4)) + "```message\nhm\n```"]
        bad = [proposal("def f(x): return hash(x)")]
        return bad if number % 7 == 0 else [proposal(f"def f(x):\n    return [x, {number % 50}]", f"'{number}'")]

    method = find_method("azr")
    controller = replace(method.controller, environment=PYTHON, proposals=2, tries=2, seeds=2)  # type: ignore[type-var]
    trainer = player(
        say, replace(method, controller=controller), ByRunning(executor="sandboxed"), steps=2, positions=8192,
        rollouts={"max_tokens": 400},
    )  # fmt: skip
    first, second = list(trainer)
    assert first.metrics["stock"] >= 6
    assert second.metrics["correct"] == 1
    assert second.metrics["reward.propose"] <= 0.5
    assert {each.source for each in trainer.parts.stock} == set(KINDS)


def test_a_machine_without_namespaces_refuses_the_run_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_programs, "why_not", lambda: "user namespaces are off: allow them")
    tables = {
        "task": "small_programs",
        "rewards": [{"reward": "by_running"}],
        "rollouts": {"rollouts": 1},
        "method": {"method": "azr", "controller": {"environment": "python_programs"}},
    }
    config = RunConfig(**tables)
    assert config.errors() == ["method.controller: environment: user namespaces are off: allow them"]
    assert RunConfig(**{**tables, "method": "azr"}).errors() == []
    with pytest.raises(ConfigError, match="no environment is called 'paint'"):
        RunConfig(**{**tables, "method": {"method": "azr", "controller": {"environment": "paint"}}})


def test_what_a_proposer_reads() -> None:
    for kind in KINDS:
        text = PYTHON.ask(kind, PYTHON.first(kind)[: 1 if kind == "write" else 2], "key").prompt
        assert text.count("def f(x)") == {"write": 1}.get(kind, 3)
        assert ("Example 2:" in text) == (kind != "write")
        assert (NAMES[0] in text) == (kind != "write")
