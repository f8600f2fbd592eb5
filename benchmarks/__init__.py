"""What is claimed about speed, as scripts: `python -m benchmarks.NAME` prints one JSON line.

`ratio` in it says how many times better we are than the peer measured in the same run. With `--save` the line is also
appended to `results/NAME.jsonl`, with hardware and commit.
"""
