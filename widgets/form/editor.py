"""Which editor a field has."""

from dataclasses import replace
from typing import get_args, get_origin

from widgets.form.desk import Desk, Editor
from widgets.form.fields import control
from widgets.form.pieces import PieceEditor, Pieces
from widgets.form.spec import Spec, choices
from widgets.form.table import Maybe, Table, fields_of, is_piece


def editor(desk: Desk, spec: Spec) -> Editor:
    """The editor of a field: of a piece, a list of pieces, a field that may be left out, a table, or a single value."""
    if is_piece(spec.type):
        return PieceEditor(desk, spec)
    if get_origin(spec.type) is tuple and is_piece(get_args(spec.type)[0]):
        return Pieces(desk, replace(spec, type=get_args(spec.type)[0]))
    if spec.optional and spec.type is not str and not choices(spec.type):
        return Maybe(desk, spec)
    fields = fields_of(spec.type)
    return Table(desk, fields, title=spec.label) if fields else control(desk, spec)
