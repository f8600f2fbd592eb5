"""A signal is described once, where it is defined; the record and the page take label, unit and help from there."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.widgets.fake_run import small_run
from widgets import page
from widgets.recorded.data import RunData
from widgets.wire.payload import unpack
from workbench import descriptions, registry
from workbench.runs.directory.record import read_table, write_table
from workbench.signals import SIGNALS
from workbench.types import AXES, axes

SOURCE = '''
from torch import Tensor

from workbench.signals import Logits, signal


@signal("margin", label="margin to the runner-up", unit="nats")
def margin(logits: Logits) -> Tensor:
    """Log-prob of the most likely token minus that of the second."""
    return logits.top[0][:, 0] - logits.top[0][:, 1]
'''


@pytest.fixture
def margin(tmp_path):
    """A user's file with one signal, loaded as `WORKBENCH_PATH` loads it; forgotten afterwards."""
    file = tmp_path / "margin.py"
    file.write_text(SOURCE)
    registry.load_file(file)
    assert str(file) not in registry.BROKEN
    yield "margin"
    for table in (SIGNALS.entries, descriptions.DESCRIPTIONS, AXES):
        del table["margin"]


def add_column(run, name, value):
    path = run.file("rollouts", 3)
    table = read_table(path)
    lists = [[value] * len(ids) for ids in table.column("token_ids").to_pylist()]
    column = type(table).from_pydict({name: lists}).column(0).cast(table.schema.field("entropy").type)
    write_table(path, table.append_column(name, column))


def test_a_signal_of_a_users_file_reaches_the_page_with_its_label_unit_and_help(tmp_path, margin):
    run = small_run(tmp_path)
    add_column(run, margin, 0.5)
    header, columns = unpack(RunData(run).group(3, 1))
    assert margin in header["signals"]
    np.testing.assert_array_equal(columns[margin], 0.5)
    assert header["described"][margin] == {
        "label": "margin to the runner-up",
        "unit": "nats",
        "help": "Log-prob of the most likely token minus that of the second.",
    }
    assert axes(margin) == axes(f"old_{margin}") == ("rollout", "token")


def test_a_page_that_does_not_know_the_signal_reads_its_description_off_the_record(tmp_path, margin):
    run = small_run(tmp_path)
    add_column(run, margin, 0.5)
    known = descriptions.DESCRIPTIONS.pop(margin)
    try:
        header, _ = unpack(RunData(run).group(3, 1))
    finally:
        descriptions.DESCRIPTIONS[margin] = known
    assert header["described"][margin] == known.as_texts()


def test_a_record_without_descriptions_is_shown_under_plain_names(tmp_path):
    run = small_run(tmp_path)
    assert not any(field.metadata for field in pq.read_schema(run.file("rollouts", 3)))
    header, _ = unpack(RunData(run).group(3, 1))
    assert header["described"]["chosen_logit"]["label"] in ("chosen logit", "logit")  # as far as signals are loaded
    assert header["described"]["lens"]["help"].startswith("Gradient weight")


def test_every_column_that_is_shown_first_has_help():
    for name in (*descriptions.DESCRIPTIONS, "old_logprob", "ref_logprob", "engine_logprob", "sampled_logprob"):
        found = descriptions.described(name)
        assert found is not None, name
        assert found.label, name
        assert found.help.endswith((".", "]")), name


def test_an_argument_and_a_policy_change_the_label_and_not_the_unit():
    found = descriptions.describe("ref_nucleus_entropy:0.8")
    assert (found.label, found.unit) == ("reference nucleus entropy 0.8", "nats")


UNLOADED = "import sys; from workbench.descriptions import describe; assert 'torch' not in sys.modules"


def test_what_a_page_names_where_it_was_not_recorded_is_described_without_torch():
    """A kernel that only reads has not imported the signals, and there is no column to take the description from."""
    text = (Path(page.__file__).parent / "signals.js").read_text()
    (listed,) = re.findall(r"MORE = \[(.*?)\]", text)
    names = re.findall(r'"(\w+)"', listed)
    code = f"{UNLOADED}; [print(describe(name).as_texts()) for name in {names!r}]"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    known = [
        SIGNALS.entries[name].description if name in SIGNALS.entries else descriptions.describe(name) for name in names
    ]
    assert "kl" in names
    assert printed.splitlines() == [str(each.as_texts()) for each in known]
    assert all(each.help for each in known)
