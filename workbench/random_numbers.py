"""Counter-based random numbers: one uniform number per token, a function of its keys, not of the order of draws.

A number depends on (seed, step, request number, rollout, branch, position) alone: a rollout does not depend on the rest
of its batch, and any token can be sampled again. The mixing function is splitmix64's (Steele, Lea and Flood, "Fast
splittable pseudorandom number generators", 2014).
"""

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's increment
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: Keys) -> Keys:
    """A bijection of 64-bit integers in which every input bit changes about half of the output bits."""
    values = (values ^ (values >> np.uint64(30))) * FIRST
    values = (values ^ (values >> np.uint64(27))) * SECOND
    return values ^ (values >> np.uint64(31))


def keys(seed: int, step: int, number: int | NDArray[np.int64], rollout: NDArray[np.int64], branch: int = 0) -> Keys:
    """One key per rollout, [n]. `rollout` [n]: indices within their requests; `number`: of one request, or one each.

    >>> keys(0, 0, 0, np.arange(2)).shape
    (2,)
    """
    key = np.zeros(len(rollout), dtype=np.uint64)
    for part in (seed, step, number, rollout, branch):
        # absorbing one part after another gives (1, 2) and (2, 1) different keys
        key = mix(key + GOLDEN + np.asarray(part).astype(np.int64).astype(np.uint64))
    return key


def uniforms(key: Keys, position: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in [0, 1) with 53 random bits for each key and position; the two broadcast.

    >>> bool((uniforms(keys(0, 0, 0, np.arange(3)), np.arange(3)) < 1).all())
    True
    """
    bits = mix(mix(key + GOLDEN * position.astype(np.uint64)) + GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def uniform_of(key: str) -> Callable[[int], float]:
    """Numbers in [0, 1) for every whole number, always the same under a key."""
    return lambda index: random.Random(f"{key}/{index}").random()
