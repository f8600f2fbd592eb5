"""The second model that ships with the project: it solves small programs from three sides, and proposes new ones.

A Qwen3 of under a million parameters in an ordinary Hugging Face folder, as the embedded model is.
`python -m workbench.models.embedded_programs.make` made it.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
