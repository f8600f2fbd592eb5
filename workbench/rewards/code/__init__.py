"""What rewards that run programs share: the program in a completion, the tests of a problem, their comparison."""
