"""One JupyterLab and one Chromium for all browser tests; without Chromium they are skipped, with the reason."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))
