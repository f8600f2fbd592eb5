"""The model that ships with the project: a Qwen3 of under a million parameters that knows the embedded tasks.

The folder is an ordinary Hugging Face model: `AutoModelForCausalLM.from_pretrained(FOLDER)` and
`AutoTokenizer.from_pretrained(FOLDER)` load it. `python -m workbench.models.embedded.make` made it.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
