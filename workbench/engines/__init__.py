"""Who writes rollouts: `scripted` (no weights), `local`, `generate`; `build` finds them by name.

Each satisfies `types.Engine`; what an engine can give stands in its `capabilities`.
"""
