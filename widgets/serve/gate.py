"""Who may come in: whoever knows the token. Everybody else is shown one short page and nothing besides.

The gate stands before every other route of the server, so it holds for pages, for web sockets and for static files
alike, and for whatever the libraries below add. The token comes in the address once; from then on a cookie has it,
so that it need not stay in the address bar, in shared links or on a projector.
"""

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, RequestHandler

TOKEN = "token"  # the name of the token in an address
STRANGER = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Closed</title>
<style>:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 38em; margin: 18vh auto; padding: 0 1em }</style>
</head><body><h1>The address lacks the token</h1>
<p>This page is open only to those who were given its whole address, which ends in <code>?token=…</code>. It was printed
where <code>workbench serve</code> was started; every start has a new one. Ask the
person who started it.</p></body></html>
"""


@dataclass(frozen=True)
class Gate(Matcher):
    """Catches every request that does not have the cookie, comes from a page of another server, or brings a token."""

    token: str
    port: int

    @property
    def cookie(self) -> str:
        """The cookie's name; browsers do not tell the servers of a machine apart by their ports."""
        return f"workbench-{self.port}"

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """What the stranger's handler is given; None for a request that may pass."""
        brings = TOKEN in request.query_arguments
        return None if self.knows(request) and self.same_origin(request) and not brings else {}

    def knows(self, request: HTTPServerRequest) -> bool:
        """Whether the request has the cookie."""
        held = request.cookies.get(self.cookie)
        return held is not None and self.is_token(held.value)

    def is_token(self, text: str) -> bool:
        """Whether a text is the token; takes as long whichever character differs."""
        return hmac.compare_digest(text.encode(), self.token.encode())

    def same_origin(self, request: HTTPServerRequest) -> bool:
        """Whether the request comes from a page of this server; a web socket of another page is refused."""
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == request.host

    def guard(self, application: Application) -> None:
        """Stands before everything that an application serves."""
        application.default_router.rules.insert(0, Rule(self, Door, {"gate": self}))


class Door(RequestHandler):
    """Lets in whoever brings the token, without it in the address; tells everybody else how to get one."""

    def initialize(self, gate: Gate) -> None:
        """Takes the gate it belongs to."""
        self.gate = gate

    def prepare(self) -> None:
        """Answers any request, whatever its method."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        given = self.get_query_argument(TOKEN, "")
        if self.request.method != "GET" or not self.gate.same_origin(self.request) or not self.admits(given):
            self.set_status(403)
            self.finish(STRANGER)
            return
        self.set_cookie(self.gate.cookie, self.gate.token, httponly=True, samesite="Lax", path="/")
        kept = [(name, self.get_query_argument(name)) for name in self.request.query_arguments if name != TOKEN]
        self.redirect("/" + (f"?{urlencode(kept)}" if kept else ""))

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Whatever bytes an address holds: they are compared, never trusted."""
        return value.decode(errors="replace")

    def admits(self, given: str) -> bool:
        """Whether the token is correct; an old one in a saved link does not shut out who is in already."""
        return self.gate.is_token(given) or self.gate.knows(self.request)
