"""Branches: the model continues a rollout from another token."""

from widgets.recorded.data import group_parts
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack

MOST = 64  # rollouts of a branch


@answer("branch", slow=True)
def branch(desk: Desk, request: Request) -> bytes:
    """`n` rollouts that continue from `token` in place of token `at` of `rollout` of `step`; as a group's payload.

    ValueError where there is no checkpoint to sample from, or the place does not exist.
    """
    from workbench.runs.checkpoints.snapshot import branch as branch_off

    step, n = int(request["step"]), int(request["n"])
    if not 1 <= n <= MOST:
        raise ValueError(f"n = {n}: give 1 to {MOST} rollouts")
    table = branch_off(desk.run, step, int(request["rollout"]), int(request["at"]), int(request["token"]), n)
    header, columns = group_parts(table, desk.data.vocabulary)
    return pack({"kind": "branch", "step": step, "source": source(table.schema.metadata or {}), **header}, columns)


def source(metadata: dict[bytes, bytes]) -> str:
    """The policy that sampled the branch, in words."""
    checkpoint = int(metadata[b"checkpoint"])
    policy = f"the policy after step {checkpoint}" if checkpoint else "the model before training"
    return f"by {policy}" + ("" if metadata[b"exact"] == b"true" else " (nearest checkpoint)")
