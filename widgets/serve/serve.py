"""The standalone application, `workbench serve`: the runs of a folder in any browser, without Jupyter.

It is a Panel application over the notebook's own modules. Each page is a session of its own; what is read of a run is
shared, so twenty viewers cost little more than one. Nothing is fetched from elsewhere.
"""

import errno
import logging
import secrets
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import panel as pn
from bokeh.document import Document
from panel.io.server import Server, get_server
from tornado.ioloop import IOLoop

from widgets.recorded.folder import RunFolder
from widgets.serve.clerk import Lister
from widgets.serve.feed import Feed, Viewer
from widgets.serve.gate import TOKEN, Gate
from widgets.serve.page import Page, framed
from widgets.wire import answers
from widgets.wire.sections import listed
from workbench.runs.open import Run, open_run

HOME = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass
class Site:
    """What is served: a folder of runs. `control`: whether pages may control runs."""

    folder: Path
    control: bool = False
    feeds: dict[str, Feed] = field(default_factory=dict)  # runs that are looked at, by name

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise ValueError(
                f"{self.folder} is not a folder; give the folder that contains the runs, or start workbench demo"
            )
        if (self.folder / "format.json").exists():
            raise ValueError(f"{self.folder} is a run; give the folder that holds it: {self.folder.resolve().parent}")
        self.runs = RunFolder(self.folder)

    def page(self) -> pn.Template:
        """The page that the address of this session asks for."""
        asked = pn.state.session_args
        name, step = ((asked.get(key) or [b""])[0].decode(errors="replace") for key in ("run", "step"))
        page = Page(session_document(), shown={"folder": str(self.folder), "control": self.control, "run": name})
        try:
            if name:
                self.show_run(page, name, step)
            else:
                page.give(Lister(self.runs, page), page="runs")
        except ValueError as error:
            page.shown = {**page.shown, "page": "trouble", "text": str(error)}
        return framed(page)

    def show_run(self, page: Page, name: str, step: str) -> None:
        """Makes a page that of a run; ValueError where there is none, or of a later version, or for no number."""
        if step and not step.isdecimal():
            raise ValueError(f"step={step}: give the number of a step, as in ?run={name}&step=12")
        viewer = Viewer(self.feed(name), page, self.control)
        viewer.following = page.following = not step
        page.state = dict(viewer.feed.dashboard.state)
        page.give(viewer, page="run", head=True, curves=True, step=int(step) if step else None, sections=listed())

    def feed(self, name: str) -> Feed:
        """The run of a name as all viewers see it."""

        def forget() -> None:
            del self.feeds[name]

        if name not in self.feeds:
            self.feeds[name] = Feed(self.find(name), forget)
        return self.feeds[name]

    def find(self, name: str) -> Run:
        """The run of a name below the folder, and nowhere else; ValueError where it cannot be shown."""
        inside = PurePosixPath(name)
        outside = inside.is_absolute() or ".." in inside.parts or str(inside) != name
        if outside or not (self.folder / inside / "format.json").is_file():
            raise ValueError(f"no run named {name!r} in {self.folder}; it may have been moved or removed")
        return open_run(self.folder / inside)


def make_server(site: Site, token: str, address: str = HOME, port: int = 0) -> Server:
    """A server that waits for its loop to be started; ValueError where it cannot have the address and port."""
    logging.getLogger("bokeh.server.util").setLevel(logging.ERROR)  # it warns of "*"; the gate looks at origins itself
    try:
        server = get_server(site.page, port=port, address=address or None, websocket_origin="*", title="RLVR Workbench")
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        remedy = "give another with --port, or --port 0 for any that is free" if taken else "give another --address"
        raise ValueError(f"cannot listen at {address}, port {port} ({error.strerror}): {remedy}") from None
    Gate(token, port_of(server)).guard(server._tornado)
    return server


def serve(folder: Path, address: str = HOME, port: int = 0, control: bool = False) -> None:
    """Serves the runs of a folder until it is interrupted; prints the address, with its token."""
    token = secrets.token_urlsafe(24)
    answers.load()  # now, so that the first viewer need not wait for it
    server = make_server(Site(folder, control), token, address, port)
    print(f"runs in {folder}, {'runs can be controlled' if control else 'read-only'}; open")
    print(f"    {address_of(address, port_of(server), token)}", flush=True)
    if address not in (HOME, "localhost", "::1"):
        print("other machines can connect; the connection is not encrypted", flush=True)
    server.start()
    IOLoop.current().start()


def session_document() -> Document:
    """The document of the session that asks for a page; RuntimeError outside a session of the server."""
    document = pn.state.curdoc
    if document is None:
        raise RuntimeError("no session asks for a page: open the address of `workbench serve` in a browser")
    return document


def port_of(server: Server) -> int:
    """The TCP port a server listens on; ValueError where it listens on none, as on a Unix socket."""
    if server.port is None:
        raise ValueError("the server listens on no TCP port: give one with --port, or --port 0 for any that is free")
    return int(server.port)


def address_of(address: str, port: int, token: str) -> str:
    """What to open in a browser.

    >>> address_of("::1", 5006, "x")
    'http://[::1]:5006/?token=x'
    """
    host = HOME if address in EVERYWHERE else address
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/?{TOKEN}={token}"
