"""Who believes a thing to be where: events in a room, and what each person knows of them, and of each other.

Perner and Wimmer's unexpected transfer (1983) with the alterations that language models fail on (Ullman,
arXiv:2302.08399): glass containers, a thing told, a person who watches, a thing put back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["put", "leave", "enter", "watch", "tell"]


@dataclass(frozen=True)
class Event:
    """put: `who` puts the thing into `place`; leave, enter: the room; watch: from outside, unnoticed; tell: `whom`.

    Who tells says where he believes the thing to be; the two are alone.
    """

    kind: Kind
    who: str
    place: str = ""
    whom: str = ""


@dataclass
class Room:
    """The state of a story, changed by its events. `glass`: who is in the room sees where the thing is.

    `beliefs[(a,)]` is where a believes the thing to be, `beliefs[(a, b)]` where a believes that b believes it; None
    while there is no belief.
    """

    people: tuple[str, ...]
    glass: bool = False
    place: str | None = None
    inside: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)  # who watches unnoticed
    beliefs: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inside = set(self.people)

    def belief(self, *chain: str) -> str | None:
        """Where the first of the chain believes that the next believes … that the thing is."""
        return self.beliefs.get(chain)

    def happen(self, event: Event) -> None:
        """Changes the state. ValueError for an event that cannot happen."""
        if wrong := impossible(self, event):
            raise ValueError(f"{event}: {wrong}")
        if event.kind == "put":
            self.place = event.place
            self.see()
        elif event.kind == "leave":
            self.inside.discard(event.who)
        elif event.kind == "watch":
            self.hidden.add(event.who)
        elif event.kind == "enter":
            self.hidden.discard(event.who)
            self.inside.add(event.who)
            if self.glass and self.place is not None:
                self.see()
        else:
            told = self.beliefs[(event.who,)]
            for chain in ((event.whom,), (event.who, event.whom), (event.whom, event.who)):
                self.beliefs[chain] = told

    def see(self) -> None:
        """Who is in the room sees the thing's place, and that the others there see it; who watches sees both."""
        for person in self.inside | self.hidden:
            self.beliefs[(person,)] = self.place
            for other in self.inside - {person}:
                self.beliefs[(person, other)] = self.place


def impossible(room: Room, event: Event) -> str:
    """Why an event cannot happen; empty if it can."""
    inside = event.who in room.inside
    if event.who not in room.people or (event.kind == "tell" and event.whom not in room.people):
        return "nobody is called so"
    if event.kind in ("put", "leave") and not inside:
        return "who is outside can neither put nor leave"
    if event.kind in ("enter", "watch") and inside:
        return "who is inside can neither enter nor watch from outside"
    if event.kind == "tell" and (event.who == event.whom or room.belief(event.who) is None):
        return "nobody tells himself, or what he does not know"
    return ""


def after(people: Sequence[str], events: Sequence[Event], *, glass: bool = False) -> Room:
    """The room after the events. ValueError for one that cannot happen."""
    room = Room(tuple(people), glass)
    for event in events:
        room.happen(event)
    return room


def possible(room: Room, places: Sequence[str]) -> Iterator[Event]:
    """Every event that can happen next."""
    for who in room.people:
        others = [Event("tell", who, whom=whom) for whom in room.people]
        plain = [Event("leave", who), Event("enter", who), Event("watch", who)]
        for event in [*(Event("put", who, place) for place in places), *plain, *others]:
            if not impossible(room, event):
                yield event
