"""What is recorded of a rollout: the one list of columns, and the writer of the parquet files.

One row per rollout; numbers per token are list columns. A signal that was not computed is a null column, never
zeros. Files are read by DuckDB, Polars and `datasets` as they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from workbench.descriptions import described
from workbench.runs.directory.aliases import current_name, recorded_names
from workbench.runs.directory.paths import RunDirectory, replacing, room, write_json

Per = Literal["rollout", "prompt", "token", "top"]
TOP = 5  # alternatives kept of every token

PART = pyarrow.struct(
    [
        ("name", pyarrow.string()),
        ("value", pyarrow.float32()),
        ("correct", pyarrow.float32()),
        ("reason", pyarrow.string()),
        ("extracted", pyarrow.string()),
    ]
)


@dataclass(frozen=True)
class Column:
    """A column: its name, the type of one entry, and what there is one entry of.

    `rollout`: one a row; `prompt`, `token`: a list over the prompt's or the answer's tokens; `top`: a list of
    `TOP` entries for every token of the answer, one token after the other.
    """

    name: str
    entry: Any
    per: Per = "rollout"

    @property
    def type(self) -> Any:
        """The type of the column."""
        return self.entry if self.per == "rollout" else pyarrow.list_(self.entry)


INT, REAL, TEXT = pyarrow.int32(), pyarrow.float32(), pyarrow.string()

COLUMNS = (
    Column("step", INT),
    Column("rollout", INT),  # 0, 1, ... within the step
    Column("problem", TEXT),  # the problem's key
    Column("source", TEXT),  # of a mixture, or the kind of question; "": the run's task
    Column("role", TEXT),  # what the rollout does; "": it solves the problem
    Column("parent", INT),  # the rollout of the step that this one was made from
    Column("group", INT),
    Column("round", INT),
    Column("tag", TEXT),
    Column("tag_number", REAL),  # a controller's mark, as the method was told it
    Column("prompt", TEXT),  # as the model saw it, special tokens included
    Column("prompt_ids", INT, "prompt"),
    Column("text", TEXT),
    Column("answer", TEXT),  # the reference
    Column("token_ids", INT, "token"),
    Column("trained", pyarrow.bool_(), "token"),
    Column("reward", REAL),
    Column("correct", REAL),  # nan: unscored
    Column("excluded", TEXT),  # why the update excluded it: pruned, filtered, not trained, unscored
    Column("parts", pyarrow.list_(PART)),
    Column("finish", TEXT),  # stop, length, pruned, given
    Column("pruned_at", INT),
    Column("length", REAL),  # tokens written
    Column("truncated", REAL),  # 1 where the budget ended it
    Column("score", REAL),  # of a pruner's head at the last pause, as the next three
    Column("posterior", REAL),  # probability that the answer will be right
    Column("survival", REAL),  # probability with which it was kept
    Column("u", REAL),  # the draw it survived or not
    Column("advantage", REAL, "token"),
    Column("lens", REAL, "token"),  # -dloss/dlogprob of the run's own method
    Column("logprob", REAL, "token"),  # of the policy as it was in the row's last update
    Column("old_logprob", REAL, "token"),
    Column("after_logprob", REAL, "token"),  # of the policy after the step's last update; of probes: the next step's
    Column("engine_logprob", REAL, "token"),
    Column("sampled_logprob", REAL, "token"),
    Column("off_policy", REAL, "token"),  # 1 where another policy (or another prompt) wrote it
    Column("behaviour_logprob", REAL, "token"),  # of the policy and prompt that wrote it
    Column("span", REAL, "token"),  # number of the part it belongs to, -1 for none
    Column("token_reward", REAL, "token"),
    Column("stored_advantage", REAL, "token"),  # nan where none
    Column("ref_logprob", REAL, "token"),
    Column("kl", REAL, "token"),
    Column("entropy", REAL, "token"),
    Column("max_prob", REAL, "token"),
    Column("rank", REAL, "token"),
    Column("chosen_logit", REAL, "token"),
    Column("logsumexp", REAL, "token"),
    Column("mean_logit", REAL, "token"),
    Column("nucleus_entropy", REAL, "token"),
    Column("collision", REAL, "token"),
    Column("top_ids", INT, "top"),
    Column("top_probs", REAL, "top"),
    Column("engine_top_ids", INT, "top"),  # the same as the engine saw it, where it was asked: -1 where it told fewer
    Column("engine_top_logprobs", REAL, "top"),  # of the distribution drawn from
)
BY_NAME = {column.name: column for column in COLUMNS}
SCHEMA = pyarrow.schema([(column.name, column.type) for column in COLUMNS])


def write_rollouts(path: Path, columns: Mapping[str, Any]) -> int:
    """Writes the rollouts of a step and answers the size of the file in bytes.

    Columns per rollout are lists of one entry a row. Columns per token are flat NumPy arrays over all rows,
    [tokens] or [tokens, k], with `offsets` (one more than rows) saying where each row's tokens begin; or lists of
    one list a row. A name that is not in `COLUMNS` is a further signal or fact: per token if it is given as an array,
    else per rollout. Columns left out, or None, are null. Raises ValueError where lengths do not fit, DiskFullError
    without room.
    """
    return write_table(path, rollout_table(columns))


def rollout_table(columns: Mapping[str, Any]) -> Any:
    """The rollouts of a step as an Arrow table; columns as `write_rollouts` takes them."""
    offsets = numpy.asarray(columns["offsets"], dtype=numpy.int32)
    extras = [further(name, given) for name, given in columns.items() if name not in BY_NAME and name != "offsets"]
    arrays = [array_of(column, columns.get(column.name), offsets) for column in (*COLUMNS, *extras)]
    fields = [*SCHEMA, *(pyarrow.field(column.name, column.type) for column in extras)]
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))


def further(name: str, given: Any) -> Column:
    """The column of a signal or fact that is not in `COLUMNS`: numbers per rollout are a list of them."""
    plain = isinstance(given, Sequence) and all(isinstance(entry, int | float) for entry in given)
    return Column(name, REAL, "rollout" if plain else "token")


def array_of(column: Column, given: Any, offsets: Any) -> Any:
    """One column as an Arrow array, all null where nothing is given."""
    rows = len(offsets) - 1
    if given is None:
        return pyarrow.nulls(rows, column.type)
    if column.per == "rollout" or not isinstance(given, numpy.ndarray):
        return checked(column, pyarrow.array(given, type=column.type), rows)
    width = given.shape[1] if given.ndim == 2 else 1
    if given.size != offsets[-1] * width or (column.per == "top" and width != TOP):
        raise ValueError(
            f"column {column.name} has shape {given.shape}, but there are {offsets[-1]} tokens"
            f"{f' with {TOP} entries each' if column.per == 'top' else ''}; give an array that fits `offsets`"
        )
    return pyarrow.ListArray.from_arrays(pyarrow.array(offsets * width), entries(column, given.reshape(-1)))


def entries(column: Column, flat: Any) -> Any:
    """The entries of a list column; a nan among whole numbers is a null."""
    if flat.dtype.kind == "f" and not pyarrow.types.is_floating(column.entry):
        missing = numpy.isnan(flat)
        return pyarrow.array(numpy.where(missing, 0, flat), type=column.entry, mask=missing, safe=False)
    return pyarrow.array(flat, type=column.entry, safe=False)


def checked(column: Column, array: Any, rows: int) -> Any:
    """The array, if it has one entry a row."""
    if len(array) != rows:
        raise ValueError(f"column {column.name} has {len(array)} entries for {rows} rollouts; give one per rollout")
    return array


def write_evaluation(path: Path, columns: Mapping[str, Sequence[Any]]) -> int:
    """Writes an evaluation, one row per answer, and answers the size in bytes; known columns keep their types."""
    arrays = {
        name: pyarrow.array(values, type=BY_NAME[name].type if name in BY_NAME else None)
        for name, values in columns.items()
    }
    return write_table(path, pyarrow.table(arrays))


def write_result(
    directory: RunDirectory, exam: str, step: int, document: Mapping[str, Any], samples: Mapping[str, Sequence[Any]]
) -> None:
    """Writes what was measured of a step: numbers as eval-EXAM-step-N.json, completions as samples-EXAM-step-N.parquet.

    `exam` is empty for the run's own held-out problems, and neither name then has it. The samples come first.
    """
    name = f"{exam}-step-{step:06d}" if exam else f"step-{step:06d}"
    write_evaluation(directory.evaluations / f"samples-{name}.parquet", samples)
    write_json(directory.evaluations / f"eval-{name}.json", dict(document))


def fill_column(path: Path, name: str, values: Any) -> None:
    """Puts numbers, [tokens] over all rows, into a column of rollouts on record; the file is replaced whole.

    ValueError where the file cannot be read or has another number of tokens.
    """
    table = read_table(path)
    counts = pyarrow.compute.list_value_length(table.column("token_ids")).to_numpy()
    column = array_of(BY_NAME[name], values, numpy.concatenate([[0], counts.cumsum()]).astype(numpy.int32))
    write_table(path, table.set_column(table.column_names.index(name), name, column))


def write_table(path: Path, table: Any) -> int:
    """Writes a table whole or not at all.

    zstd costs 2 ms more than nothing for 10,000 tokens and saves a quarter; dictionaries cost 7 ms and save
    nothing, since numbers per token hardly repeat.
    """
    with room(path.parent, table.nbytes), replacing(path) as draft:
        pyarrow.parquet.write_table(
            self_describing(table),
            draft,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )
        return draft.stat().st_size


def self_describing(table: Any) -> Any:
    """The table with label, unit and help of every described column per token in the metadata of its field.

    A reader needs neither the registry of signals nor the file that defines one. What a field says already is kept.
    """
    fields = [table.schema.field(number) for number in range(len(table.schema))]
    return table.cast(pyarrow.schema([with_description(each) for each in fields], metadata=table.schema.metadata))


def with_description(field: Any) -> Any:
    """A field with its description, if it is a list of numbers that has one."""
    per_token = pyarrow.types.is_list(field.type) and pyarrow.types.is_floating(field.type.value_type)
    found = described(field.name) if per_token and not field.metadata else None
    return field if found is None else field.with_metadata(found.as_texts())


def read_table(path: Path, columns: Sequence[str] | None = None) -> Any:
    """A parquet file as an Arrow table, columns under their current names.

    Raises:
        ValueError: if the file is not whole, or not as it was written; the message names it.
    """
    try:
        found = pyarrow.parquet.read_schema(path).names
        kept = None if columns is None else recorded_names(columns, found)
        table = pyarrow.parquet.read_table(path, columns=kept, partitioning=None, page_checksum_verification=True)
        return table.rename_columns([current_name(name) for name in table.column_names])
    except (OSError, ValueError, MemoryError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path.name} cannot be read ({str(error).splitlines()[0]})") from error
