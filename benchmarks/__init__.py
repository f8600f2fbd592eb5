"""Every performance claim as a script: `python -m benchmarks.NAME` prints one JSON line.

Its `ratio` says how many times better we are than the peer measured in the same run. With `--save` the line is also
appended to `results/NAME.jsonl`, with hardware and commit.
"""
