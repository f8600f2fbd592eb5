"""A small server of chat completions on this machine, well or badly behaved, by what stands in the question."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "secret-key-7"


class Handler(BaseHTTPRequestHandler):
    """Replies as the question says: the word behind "server:"."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]
    awake: threading.Event

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        """One chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        question = body["messages"][-1]["content"]
        word = question.partition("server:")[2].split(" ")[0]
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self.send(401, f"wrong key: {self.headers.get('Authorization')}".encode())
        elif word == "hang":
            self.awake.wait(30)
        elif word == "drip":
            self.drip()
        elif word == "dies":
            self.dies()
        elif word == "flaky" and sum(question == one["messages"][-1]["content"] for one in self.asked) < 2:
            self.send(503, b"busy")
        else:
            self.send(*self.reply(word, body))

    def reply(self, word: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and content."""
        message: dict[str, Any] = {"role": "assistant", "content": f"echo {len(body['messages'][-1]['content'])}"}
        choice: dict[str, Any] = {"message": message, "finish_reason": "stop"}
        if body.get("logprobs"):
            top = [("Yes", -0.5), (" yes", -2.0), ("No", -1.5), ("!", -3.0)]
            entry = {"token": "Yes", "top_logprobs": [{"token": token, "logprob": value} for token, value in top]}
            choice["logprobs"] = {"content": [entry]}
        if word == "nonsense":
            return 200, b"<html>what?</html>"
        if word == "shape":
            return 200, b'{"choices": [{"message": "text"}]}'
        if word == "refuses":
            message.update(content=None, refusal="I cannot grade this")
        if word == "huge":
            message["content"] = "x" * 3_000_000
        if word == "long":
            message["content"] = "x" * 100_000
        if word == "bad":
            return 400, b"no such model"
        return 200, json.dumps({"choices": [choice]}).encode()

    def send(self, status: int, content: bytes) -> None:
        """A whole response."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def drip(self) -> None:
        """A byte now and then, without end."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            while not self.awake.is_set():
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def dies(self) -> None:
        """Half a response, then the end of the connection."""
        self.send_response(200)
        self.send_header("Content-Length", "500")
        self.end_headers()
        self.wfile.write(b'{"choices": [')
        self.wfile.flush()
        self.close_connection = True


@contextmanager
def chat_server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, the requests so far) of a server that runs inside."""
    asked: list[dict[str, Any]] = []
    awake = threading.Event()
    handler = type("Own", (Handler,), {"asked": asked, "awake": awake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        awake.set()
        server.shutdown()
        server.server_close()
        thread.join()
