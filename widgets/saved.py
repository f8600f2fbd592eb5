"""What a saved notebook shows of a widget when the kernel that held it is gone.

The picture lies beside the widget in one output, and places that draw no widgets choose it by themselves. JupyterLab
does not in a notebook it trusts: it draws the widget's output, and says there that the model is missing. So the picture
is written once more, as an output of its own that is hidden; a style sheet alone shows it where no widget is drawn.
"""

from typing import Any

from IPython.display import display

VIEW = ".jp-OutputArea-output.lm-Panel:not([data-mime-type])"  # where Lab draws a widget, or says what is the matter
STYLE = f"""<style>
.jp-OutputArea:has({VIEW}):not(:has({VIEW} > *)) .wb-saved {{ display: block !important; }}
.jp-OutputArea:has(.wb-saved) {VIEW}:not(:has(> *)) {{ display: none; }}
</style>"""


class Saved:
    """A widget whose `_repr_mimebundle_` has a picture, `text/html`. It must come before the widget's class."""

    def _ipython_display_(self) -> None:
        """Shows the widget, and writes its picture for later."""
        found: Any = self._repr_mimebundle_()  # type: ignore[attr-defined]
        if found is None:
            return
        data, metadata = found if isinstance(found, tuple) else (found, {})
        display(data, metadata=metadata, raw=True)
        hidden = f'{STYLE}<div class="wb-saved" style="display:none">{data["text/html"]}</div>'
        display({"text/html": hidden}, raw=True)
