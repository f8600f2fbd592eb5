"""The page of benchmarks, from the newest line that each script kept in `benchmarks/results/`."""

import ast
import json
from pathlib import Path
from typing import Any

from scripts.sources import ROOT, tree

RESULTS = ROOT / "benchmarks" / "results"
#: What to say of a script's newest line. A script without an entry is shown with its plain numbers.
SENTENCES = {
    "demo": "{to_accuracy:.0f} s to {goal:.0%} held-out accuracy, {to_first_step:.1f} s to the first step; five seeds",
    "demo_real": "{gain:+.0%} held-out accuracy ({factor:.1f} times) after {seconds:.0f} s; medians of three seeds",
    "asking_rewards": "RLPR's probability {rewards[rlpr without debiasing][correct]:.2f} over correct completions, "
    "{rewards[rlpr without debiasing][incorrect]:.2f} over incorrect ones; {passes} passes for all rewards",
    "azr_embedded": "held-out accuracy {before:.0%} before, {after:.0%} after {steps} steps, {seeds} seeds "
    "(gain, 95 %: {low:+.1%} to {high:+.1%}); largest fall from the best {worst_fall:.1%}",
    "azr_step_cost": "{ratio:.2f} times the processor time of a GRPO step for as many generated tokens, "
    "{ratio_trained:.2f} times for as many trained ones",
    "step_vs_trl": "{ratio:.1f} times the speed of TRL's step, while every token is recorded",
    "memory_cost": "ledger and stock of {problems:,} problems take {share:.2%} of a step",
    "record_cost": "recording takes {share:.1%} of a step",
    "engine_rollouts": "{ratio:.1f} times the speed of {peer}",
    "grader_agreement": "{gsm8k[agree]:,} of {gsm8k[cases]:,} GSM8K solutions graded as flagged",
    "grader_pairs": "{cases} pairs: {false_positives} false positives, {false_negatives} false negatives",
    "embedded_base": "pass@1 {word_problems-2[pass_1]:.0%}, pass@64 {word_problems-2[pass_64]:.0%} before training",
    "programs_base": "pass@1 {all-2[pass_1]:.0%} before training (predict {predict-2[pass_1]:.0%}, find "
    "{find-2[pass_1]:.0%}, write {write-2[pass_1]:.0%}); proposals in order {propose_predict[in_order]:.0%}, "
    "{propose_find[in_order]:.0%}, {propose_write[in_order]:.0%}",
    "programs_learn": "{gain:+.1%} held-out accuracy after {steps} steps of {method}",
    "sandbox_speed": "programs a processor second: {exact[programs_per_processor_second]:,} exact, "
    "{sandboxed[programs_per_processor_second]:,} sandboxed; 1,000 tasks of {unit_tests[calls_each]} unit tests in "
    "{unit_tests[processor_seconds]:.1f} s of processor time",
    "sandbox_attacks": "{attacks} attacks: {escapes} escapes, {forged} forged grades; the honest program after each "
    "graded correct in {honest_after_each}",
    "math_verdicts": "{per_10000:.1f} s of processor time for 10,000 verdicts, a quarter of them of formulas",
    "np_verifiers": "{wrong} wrong verdicts on {instances:,} instances of each of ten families, against brute force",
    "lens_speed": "{methods} methods on {rollouts} rollouts in {usual:.2f} s",
    "ui_tokens": "first paint {first_paint:.2f} s, new signal {signal[median]:.2f} s, frame {scroll_p95:.2f} s (95 %)",
    "ui_live": "95th percentile {painted_p95:.2f} s; idle kernel {idle_cpu:.1%} of a core",
    "ui_open": "first paint {first_paint[median]:.2f} s",
    "prune_speed": "{ratio:.1f} times the speed of no pruning; {over_prediction:.2f} times the cost model's forecast",
    "prune_quality": "accuracy {differences[group - unpruned][mean]:+.1%} against no pruning "
    "(95 %: {differences[group - unpruned][low]:+.1%} to {differences[group - unpruned][high]:+.1%})",
    "plan_error": "forecast at most {worst_error:.1%} off the measured peak",
    "plan_time": "forecast at most {worst_ratio:.2f} times off",
    "long_rollouts": "measured peak {over_forecast:.2f} times the forecast; largest table of logits {table} tokens",
    "vllm_pruning": "saved: {seconds_saved_two_phase:.0%} in two phases, {seconds_saved_in_engine:.0%} in the engine",
    "import_time": "`import workbench` takes {seconds:.2f} s more than bare Python",
    "arrol_sim": "r(1 − r), times random pruning: rule `group` {ratio:.2f}, printed rule {printed_ratio:.2f}",
}
OWN_PAGE = ("league", "study")
UNSAID = ("benchmark", "commit", "time", "hardware", "methods", "cases")


def benchmarks_page(note: str, folder: Path = RESULTS) -> str:
    """Every benchmark with a result: what it measures, what came out, where and of which commit."""
    lines = ["# Benchmarks", "", note, ""]
    lines += [
        "Each row is the newest line of `benchmarks/results/NAME.jsonl`, from `python -m benchmarks.NAME --save`.",
        "A line holds the hardware, the versions of the packages, the load of the machine and the commit; `+` marks a",
        "commit with uncommitted changes. Where the *load* is far above the cores, other work slowed the numbers down.",
        "Run one yourself: `make bench NAME=demo`.",
        "",
        '!!! warning "Nothing here was measured on a GPU"',
        "    If you have one, `make gpu-check` measures the pruning kernel, recorded decoding and a step against TRL.",
        "",
        "| script | what it measures | result | hardware | load | commit | date |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem not in OWN_PAGE:
            lines.append(row(path.stem, json.loads(path.read_text(encoding="utf-8").splitlines()[-1])))
    lines += ["", "The methods against each other: [the league](league.md). Self-play: [the study](study.md).", ""]
    return "\n".join(lines)


def row(name: str, line: dict[str, Any]) -> str:
    """A benchmark's newest line as a row."""
    hardware = line["hardware"]
    machine = hardware.get("gpu") or f"{hardware['processor']}, {hardware['cores']} cores"
    commit = str(line["commit"])
    shown = f"`{commit[:10].rstrip('+')}+`" if commit.endswith("+") else f"`{commit[:10]}`"
    cells = (f"`{name}`", purpose(name), result(name, line), machine, f"{hardware.get('load', 'not known')}", shown)
    return "| " + " | ".join((*cells, line["time"][:10])) + " |"


def result(name: str, line: dict[str, Any]) -> str:
    """What came out, in words.

    >>> result("record_cost", {"share": 0.0101}), result("another", {"ratio": 2.5, "peer": "theirs", "cases": {}})
    ('recording takes 1.0% of a step', 'ratio 2.5, peer theirs')
    """
    if name in SENTENCES:
        return SENTENCES[name].format(**line).replace("-0.0%", "0.0%")
    plain = {key: value for key, value in line.items() if key not in UNSAID and isinstance(value, int | float | str)}
    return ", ".join(f"{key} {value}" for key, value in plain.items()).replace("|", "\\|")


def purpose(name: str) -> str:
    """The first sentence of a benchmark's file."""
    path = ROOT / "benchmarks" / f"{name}.py"
    text = (ast.get_docstring(tree(path)) or "") if path.exists() else "the script is gone"
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
