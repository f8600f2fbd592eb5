"""What rewards share whose verifier reads a whole answer, over several lines where it has them."""
