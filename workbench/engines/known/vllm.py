"""vLLM, in a process of its own."""

from workbench.engines.entry import Entry
from workbench.engines.options import VLLM
from workbench.engines.vllm.process import check_installed

ENGINES = {
    "vllm": Entry("workbench.engines.vllm.engine:VllmEngine", VLLM, options=True, agrees=False, check=check_installed)
}
