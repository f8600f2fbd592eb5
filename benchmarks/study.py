"""SFT, RLVR and self-play from the same weights at equal cost in tokens: the claims of arXiv:2510.27072 over seeds.

`python -m benchmarks.study --save` plays what is not in `results/study/plays.jsonl`, seed by seed, one play at a time,
so that it can be stopped and resumed; then it prints the claims with their verdicts.
"""

import sys
from pathlib import Path

from benchmarks.common import RESULTS, commit, hardware, now, options, publish
from workbench.study.plan import PLAN, Plan
from workbench.study.plays import Plays, play_all
from workbench.study.report import report

PLAYS = RESULTS / "study" / "plays.jsonl"


def main(arguments: list[str]) -> int:
    """Plays a study; fails where a play broke off."""
    parser = options(__doc__ or "")
    parser.add_argument("--plan", type=Path, default=PLAN, help="the study's TOML file")
    parser.add_argument("--plays", type=Path, default=PLAYS, help="file of the plays")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=None, help="only the first so many seeds")
    parser.add_argument("--report", action="store_true", help="play nothing")
    given = parser.parse_args(arguments)
    plan = Plan.load(given.plan)
    plan = plan.model_copy(update={"seeds": plan.seeds[: given.seeds]})
    plays = Plays(given.plays)
    if not given.report:
        machine = {"commit": commit(), "time": now(), "processor": hardware()["processor"]}
        play_all(plan, plays, given.runs, machine=machine, told=lambda text: print(text, file=sys.stderr, flush=True))
    found = report(plays.of(plan))
    publish("study", {"plan": plan.name, **found}, save=given.save)
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
