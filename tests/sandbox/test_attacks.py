"""Every attack that is kept: none gets out, none is graded correct, and what comes after it is graded as it should."""

import pytest

from benchmarks.attack_programs import Attack, attacks
from benchmarks.sandbox_attacks import Surroundings, correct, surroundings, tried
from workbench.sandbox.jobs import Outcome, Result
from workbench.sandbox.pool import Sandbox

ATTACKS = attacks()


@pytest.fixture(scope="module")
def place():  # type: ignore[no-untyped-def]
    with surroundings() as found:
        yield found


@pytest.fixture(scope="module")
def sandbox():  # type: ignore[no-untyped-def]
    found = Sandbox()
    yield found
    found.close()


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.family}-{attack.name}".replace(" ", "-"))
def test_attack(attack: Attack, sandbox: Sandbox, place: Surroundings) -> None:
    row = tried(sandbox, attack, place)
    assert not row["escapes"]
    assert not row["forged"]
    assert not row["unnoticed"]
    assert row["after"]


def test_there_are_many_of_every_family() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 60
    assert {attack.family for attack in ATTACKS} == {"try", "hog", "forge", "poison", "fickle", "print"}


def test_the_grade_is_formed_from_values() -> None:
    results = [Result(text) for text in ("2", "5", "901")]
    assert correct(Outcome("finished", tuple(results)))
    assert not correct(Outcome("finished", tuple(results[:2])))
    assert not correct(Outcome("timeout", tuple(results)))
    assert not correct(Outcome("finished", (Result("True"), *results[1:])))


@pytest.mark.usefixtures("sandboxed")
def test_an_escape_would_be_seen(place: Surroundings, sandbox: Sandbox) -> None:
    (place.folder / "mark").touch()
    assert place.traces() == ["made a file"]
    (place.folder / "mark").unlink()
    row = tried(sandbox, Attack("said", "try", "def f(x): return 'ESCAPED'"), place)
    assert len(row["escapes"]) == 3  # type: ignore[arg-type]
    assert tried(sandbox, Attack("solved", "forge", "def f(x): return x * x + 1"), place)["forged"]
