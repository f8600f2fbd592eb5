"""`workbench serve` without a browser: who gets in, what is answered and what refused, one poller for many viewers."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.widgets.fake_run import Shape, make_run, write_json
from tests.widgets.serve.serving import ROOT, live_run, orders, record_step, served
from widgets.serve.feed import READING, Feed, Viewer
from widgets.wire import answers
from widgets.wire.payload import unpack
from workbench.runs.open import open_run

#: What changes a run, what takes the machine's time, what other pages ask for, and what is a notebook's alone.
NOT_FOR_READERS = {
    *("command", "set", "branch", "runs", "run_curves", "method_card", "replay"),
    *("checkpoints", "problem", "try", "open", "forkable", "fork_check", "fork"),
    *("evaluate", "evaluation_status", "evaluation_cancel", "evaluations", "weights"),
    "seen",
}


@pytest.fixture
def serve():
    """The module, which loads panel: for the tests that need it, and not before one runs."""
    from widgets.serve import serve

    return serve


class Screen:
    """A page that keeps what it is told."""

    def __init__(self):
        self.behind = False
        self.heard, self.states = [], []

    def tell(self, answer):
        header, _ = unpack(answer[4:])
        self.heard.append((int.from_bytes(answer[:4], "little"), header))

    def tell_state(self, state):
        self.states.append(state)

    @property
    def kinds(self):
        return [header.get("kind") for _, header in self.heard]


@pytest.fixture
def run(tmp_path):
    """A run that goes on."""
    return live_run(tmp_path / "live")


@pytest.fixture
def feed(run):
    """The run as viewers see it, and how often it was given up."""
    ended = []
    feed = Feed(open_run(run), lambda: ended.append(True))
    feed.ended = ended
    yield feed
    for viewer in list(feed.viewers):
        viewer.leave()


def viewers(feed, count, control=False):
    return [Viewer(feed, Screen(), control) for _ in range(count)]


# ------------------------------------------------------------------ who gets in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    make_run(folder / "runs" / "fake", Shape(steps=1, problems=1, rollouts=2))
    with served(folder / "runs", folder / "serve.log") as running:
        yield running


class Stay(urllib.request.HTTPRedirectHandler):
    """Does not go where it is sent."""

    def redirect_request(self, *given):
        return None


def fetch(address, method="GET", **headers):
    """Status, headers and text of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, headers=named, method=method)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def cookie_of(server):
    """The cookie that the token earns."""
    return fetch(server.door)[1]["Set-Cookie"].split(";")[0]


@pytest.mark.parametrize("place", ["", "static/js/bokeh.min.js", "ws", "favicon.ico", "autoload.js", "no/such/page"])
@pytest.mark.parametrize("token", ["", "?token=guess", "?token=%C3%A9%FF"])
def test_a_stranger_is_told_in_words_and_served_nothing(server, place, token):
    status, _, text = fetch(f"{server.address}{place}{token}")
    assert status == 403
    assert "token" in text
    assert "fake" not in text
    assert len(text) < 1_000


def test_no_other_method_gets_in(server):
    for method in ("POST", "PUT", "OPTIONS"):
        assert fetch(server.door, method=method)[0] == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(server):
    status, headers, _ = fetch(f"{server.door}&run=a%2Fb%26c&step=2")
    assert status == 302
    assert headers["Location"] == "/?run=a%2Fb%26c&step=2"
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in headers["Set-Cookie"]
    cookie = cookie_of(server)
    assert fetch(server.address, Cookie=cookie)[0] == 200
    assert fetch(f"{server.address}static/js/bokeh.min.js", Cookie=cookie)[0] == 200
    assert fetch(f"{server.address}?token=old", Cookie=cookie)[0] == 302
    assert fetch(server.address, Cookie=cookie[:-1] + "!")[0] == 403


def handshake(server, **headers):
    """The status of an attempt to open the web socket."""
    keys = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    more = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "bokeh, x"}
    host = server.address.removeprefix("http://").rstrip("/")
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in ({"Host": host} | keys | more | headers).items()]
    with socket.create_connection(host.split(":"), timeout=60) as line:
        line.sendall("\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode())
        return int(line.recv(200).split()[1])


def test_the_web_socket_wants_the_cookie_and_a_page_of_this_server(server):
    own, other = server.address.rstrip("/"), "http://elsewhere.example"
    cookie = cookie_of(server)
    assert handshake(server, Origin=own) == 403
    assert handshake(server, Origin=other, Cookie=cookie) == 403
    assert handshake(server, Origin=own, Cookie=cookie) == 101


# ------------------------------------------------------------------ what is answered


def test_every_kind_of_request_is_decided():
    answers.load()
    undecided = set(answers.ANSWERS) - READING - NOT_FOR_READERS
    assert not undecided, f"may a viewer who only reads ask for {undecided}? Say so in READING, or here that not"


def test_a_reader_is_answered_but_orders_nothing(feed, run):
    (reader,) = viewers(feed, 1)
    reader.reply({"id": 1, "kind": "board", "step": 2})
    reader.reply({"id": 2, "kind": "command", "command": "pause"})
    reader.reply({"id": 3, "kind": "set", "values": {"learning_rate": 1.0}})
    reader.reply({"id": 4, "kind": "branch", "step": 2, "rollout": 0, "at": 0, "token": 1, "n": 2})
    (_, board), *refusals = reader.screen.heard
    assert board["kind"] == "board"
    assert [number for number, _ in refusals] == [2, 3, 4]
    assert all("--control" in header["error"] for _, header in refusals)
    assert orders(run) == []


def test_an_order_is_placed_where_control_is_given(feed, run):
    (teacher,) = viewers(feed, 1, control=True)
    teacher.reply({"id": 1, "kind": "command", "command": "pause"})
    assert teacher.screen.kinds == ["command"]
    assert orders(run) == ["pause"]


def test_twenty_viewers_hear_the_same_of_one_poller(feed, run):
    everybody = viewers(feed, 20)
    feed.dashboard.poll()
    assert all(viewer.screen.kinds == ["metrics", "group", "board"] for viewer in everybody)
    assert len({id(viewer.data) for viewer in everybody}) == 1
    everybody[0].reply({"id": 1, "kind": "follow", "on": False})
    record_step(run, 4)
    feed.dashboard.poll()
    assert everybody[0].screen.kinds[3:] == ["follow", "metrics"]
    assert everybody[1].screen.kinds[3:] == ["metrics", "group", "board"]


def test_the_poller_ends_with_the_last_viewer(feed):
    first, second = viewers(feed, 2)
    first.leave()
    assert feed.dashboard.comm is not None
    assert not feed.ended
    second.leave()
    assert feed.dashboard.comm is None
    assert feed.ended == [True]


def test_who_does_not_keep_up_is_left_out_and_told_everything_later(feed, run):
    slow, quick = viewers(feed, 2)
    slow.screen.behind = True
    feed.dashboard.poll()
    record_step(run, 4)
    feed.dashboard.poll()
    assert slow.screen.heard == []
    assert len(quick.screen.heard) == 6
    slow.screen.behind = False
    slow.caught_up()
    slow.caught_up()
    assert slow.screen.kinds == ["metrics"]
    assert not slow.screen.heard[0][1]["tail"]


def test_a_run_that_vanishes_is_told_in_words(feed, run, tmp_path):
    (viewer,) = viewers(feed, 1)
    run.rename(tmp_path / "elsewhere")
    feed.dashboard.poll()
    assert "moved or removed" in viewer.screen.states[-1]["text"]
    viewer.reply({"id": 1, "kind": "board", "step": 1})
    assert viewer.screen.heard[-1][1]["error"]


# ------------------------------------------------------------------ bad input


def test_only_runs_below_the_folder_are_found(run, tmp_path, serve):
    site = serve.Site(tmp_path)
    assert site.find("live").path == tmp_path / "live"
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("nothing", "../live", str(run), "./live", "live/", "a\0b"):
        with pytest.raises(ValueError, match="no run named"):
            serve.Site(inside if name == "../live" else tmp_path).find(name)


def test_a_run_of_a_later_version_says_so(run, tmp_path, serve):
    write_json(run / "format.json", {"format": 99, "kind": "run"})
    with pytest.raises(ValueError, match="upgrade rlvr-workbench"):
        serve.Site(tmp_path).find("live")


def test_a_folder_that_is_none_and_one_that_is_a_run_are_refused(run, tmp_path, serve):
    with pytest.raises(ValueError, match="is not a folder"):
        serve.Site(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is a run; give the folder that holds it"):
        serve.Site(run)


def test_a_port_that_is_taken_is_refused_with_the_remedy(tmp_path, serve):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ValueError, match="--port 0 for any that is free"):
            serve.make_server(serve.Site(tmp_path), "token", port=other.getsockname()[1])


def test_the_address_to_open(serve):
    assert serve.address_of("0.0.0.0", 80, "x") == "http://127.0.0.1:80/?token=x"


def test_the_notebook_side_does_not_load_panel():
    code = "import sys, widgets, widgets.dashboard.dashboard, widgets.serve.command; sys.exit('panel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(ROOT)).returncode == 0


def test_a_server_without_a_tcp_port_is_refused_before_anybody_is_let_in(serve):
    class OnASocket:
        port = None

    with pytest.raises(ValueError, match="--port 0 for any that is free"):
        serve.port_of(OnASocket())


def test_a_page_outside_a_session_is_refused_in_words(serve):
    with pytest.raises(RuntimeError, match="open the address"):
        serve.session_document()
