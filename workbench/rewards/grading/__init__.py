"""Grading: find the answer in a text, read it as a typed value, compare it with the reference.

One file for one question: `find` (where does the answer stand, and where does it end), `typography` (the same text
however it is set), `numbers`, `spelled` and `units` (quantities), `times` (clock times and dates), `values` (everything
else: choices, words, intervals, sets, orderings, equations), `restated` (is it the task instead of its answer),
`compare` (are two values the same), `pool` and `worker` (what takes computer algebra, in processes of its own).
"""
