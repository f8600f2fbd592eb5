"""The benchmark of self-play: plays that are on record are not played again, and what the summary says of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import azr_embedded
from workbench.methods.azr import SelfPlay


def line(method: str, seed: int, steps: int, sizes: str) -> dict[str, Any]:
    """A play as it would be."""
    after = 0.35 + 0.01 * seed
    return {
        "method": method,
        "seed": seed,
        "steps": steps,
        "sizes": sizes,
        "before": 0.25,
        "after": after,
        "best": after + 0.01,
        "processor_seconds": 100 + seed,
    }


def test_a_stopped_benchmark_plays_what_is_missing_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[int] = []

    def play(method: str, seed: int, steps: int, sizes: str) -> dict[str, Any]:
        played.append(seed)
        if played == [0, 1]:
            raise KeyboardInterrupt
        return line(method, seed, steps, sizes)

    monkeypatch.setattr(azr_embedded, "play", play)
    arguments = ["--seeds", "3", "--steps", "9", "--plays", str(tmp_path / "plays.jsonl")]
    with pytest.raises(KeyboardInterrupt):
        azr_embedded.main(arguments)
    assert azr_embedded.main(arguments) == 0
    assert played == [0, 1, 1, 2]
    found = json.loads(capsys.readouterr().out)
    assert (found["seeds"], found["before"], found["after"], found["gain"]) == (3, 0.25, 0.36, 0.11)
    assert found["low"] < 0.11 < found["high"]
    assert (found["worst_gain"], found["worst_fall"], found["most_processor_seconds"]) == (0.1, 0.01, 102)
    assert azr_embedded.main([*arguments, "--steps", "8"]) == 0  # other steps are other plays
    assert played[4:] == [0, 1, 2]


def test_a_fall_or_a_small_gain_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, changed in (("fall", {"best": 0.5}), ("small", {"after": 0.30})):
        monkeypatch.setattr(azr_embedded, "play", lambda *given, changed=changed: {**line(*given), **changed})
        assert azr_embedded.main(["--seeds", "1", "--plays", str(tmp_path / name)]) == 1


def test_every_method_plays_with_the_sizes_of_the_config() -> None:
    for method in ("azr", "azr_half"):
        controller = azr_embedded.config(method, 1, 9, "config").method.controller
        assert isinstance(controller, SelfPlay)
        assert (controller.proposals, controller.tries, controller.seeds) == (12, 8, 48)
        assert controller.reward == ("half" if method == "azr_half" else "hard")
    assert azr_embedded.config("azr", 1, 9, "method").method.controller.proposals == 64  # type: ignore[union-attr]
