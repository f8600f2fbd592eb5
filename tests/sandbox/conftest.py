"""What the tests of the sandbox share."""

import pytest

from workbench.sandbox.probe import why_not


@pytest.fixture
def sandboxed() -> None:
    """Skips a test where programs cannot be run safely."""
    if why_not():
        pytest.skip(why_not())
