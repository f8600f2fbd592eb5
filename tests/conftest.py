"""Settings of every test: one thread, the same examples each time."""

import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)
settings.register_profile(
    "workbench", deadline=None, derandomize=True, max_examples=10, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("workbench")

collect_ignore_glob = ["conftest.py", "*/conftest.py"]  # read by pytest itself; they hold no examples to run
