"""Small programs: how they are drawn, how a solver and a proposer are asked, and what a proposal must be.

What is trained on and what is held out is decided by a program's text alone (`drawing.split_of`), for problems that are
drawn and for those that a model proposes.
"""
