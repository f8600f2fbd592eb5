"""Stories of true and false beliefs in families: one story, and alterations under which the answer may be another.

Unexpected transfer with the alterations of Ullman, arXiv:2302.08399: a model that knows the story by heart gives the
false belief's place whatever was altered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.problems.minds import Event, after
from workbench.types import Problem

Split = Literal["train", "test"]
PEOPLE = ("Anna", "Omar", "Lena", "Ravi", "Sofia", "Kofi", "Yuki", "Pablo", "Nora", "Hugo", "Mina", "Jonas")
THINGS: Mapping[Split, tuple[str, ...]] = {
    "train": ("ball", "key", "letter", "ring", "coin", "whistle", "pen", "stamp"),
    "test": ("marble", "watch", "ticket", "shell", "button", "candle", "medal", "spoon"),
}
PLACES = ("basket", "box", "drawer", "bag", "jar", "chest", "cupboard", "bucket")
CLOSING = '\nEnd with a line "answer: " and the container alone: {places}.'


@dataclass(frozen=True)
class Cast:
    """Who and what a family of stories is about: `who` is fooled, `other` moves the thing from `first` to `second`."""

    who: str
    other: str
    thing: str
    first: str
    second: str
    third: str


@dataclass(frozen=True)
class Story:
    """A story's sentences, its events for the solver, and whose belief is asked: the thing's place for nobody's."""

    sentences: tuple[str, ...]
    events: tuple[Event, ...]
    asked: tuple[str, ...]
    glass: bool = False


def told(cast: Cast, *between: str, end: str = "{who} comes back.") -> tuple[str, ...]:
    """The sentences of the usual story, with others between the transfer and the return."""
    usual = (
        "{who} and {other} are in a room with a {first}, a {second} and a {third}, all of them closed.",
        "{who} puts the {thing} into the {first}.",
        "{who} leaves the room.",
        *between,
        *([end] if end else []),
    )
    return tuple(line.format(**vars(cast)) for line in usual)


UNNOTICED = "Through the window, unnoticed by {other}, {who} watches everything that happens."
MOVE = "{other} takes the {thing} out of the {first} and puts it into the {second}."


def events(cast: Cast, *middle: Event) -> tuple[Event, ...]:
    """The usual events: put, leave, what happens then, return."""
    return (Event("put", cast.who, cast.first), Event("leave", cast.who), *middle, Event("enter", cast.who))


def moved(cast: Cast) -> Event:
    """The transfer."""
    return Event("put", cast.other, cast.second)


def plain(cast: Cast) -> Story:
    """The usual false belief."""
    return Story(told(cast, MOVE), events(cast, moved(cast)), (cast.who,))


def glass(cast: Cast) -> Story:
    """The containers are of glass: who comes back sees the thing."""
    sentences = tuple(line.replace("all of them closed", "all of them of clear glass") for line in told(cast, MOVE))
    return Story(sentences, events(cast, moved(cast)), (cast.who,), glass=True)


def informed(cast: Cast) -> Story:
    """Who was outside is told."""
    line = "On the telephone {other} tells {who} truthfully where the {thing} is now."
    return Story(
        told(cast, MOVE, line), events(cast, moved(cast), Event("tell", cast.other, whom=cast.who)), (cast.who,)
    )


def watching(cast: Cast) -> Story:
    """Who is outside watches through a window."""
    return Story(told(cast, UNNOTICED, MOVE), events(cast, Event("watch", cast.who), moved(cast)), (cast.who,))


def deceived(cast: Cast) -> Story:
    """The watcher again, asked for what the other believes of him."""
    return Story(told(cast, UNNOTICED, MOVE, end=""), watching(cast).events[:-1], (cast.other, cast.who))


def returned(cast: Cast) -> Story:
    """The thing is put back before the return."""
    back = "{other} takes the {thing} out of the {second} again and puts it back into the {first}."
    middle = (moved(cast), Event("put", cast.other, cast.first))
    return Story(told(cast, MOVE, back), events(cast, *middle), (cast.who,))


def stayed(cast: Cast) -> Story:
    """Nobody leaves: the transfer is seen."""
    lines = (line for line in told(cast, MOVE, end="") if "leaves the room" not in line)
    return Story(tuple(lines), (Event("put", cast.who, cast.first), moved(cast)), (cast.who,))


def mover(cast: Cast) -> Story:
    """The one who moved the thing is asked about."""
    return Story(told(cast, MOVE), events(cast, moved(cast)), (cast.other,))


def second_order(cast: Cast) -> Story:
    """What the other believes that the first believes."""
    return Story(told(cast, MOVE), events(cast, moved(cast)), (cast.other, cast.who))


def distracted(cast: Cast) -> Story:
    """A sentence that changes nothing."""
    return Story(told(cast, MOVE, "{other} dusts the {third}."), events(cast, moved(cast)), (cast.who,))


def real(cast: Cast) -> Story:
    """Where the thing is, whatever anybody believes."""
    return Story(told(cast, MOVE), events(cast, moved(cast)), ())


#: The usual story first; then what was altered.
ALTERATIONS: Mapping[str, Callable[[Cast], Story]] = {
    "plain": plain,
    "glass": glass,
    "informed": informed,
    "watching": watching,
    "deceived": deceived,
    "returned": returned,
    "stayed": stayed,
    "mover": mover,
    "second_order": second_order,
    "distracted": distracted,
    "real": real,
}


@dataclass(frozen=True)
class Minds(Task):
    """Families of stories of beliefs, eleven problems each: number i is alteration i mod 11 of family i // 11.

    The answer is one of three containers, found by `problems.minds` from the events (a test compares it with a second
    solver over every short history). Things differ between the splits. `data["family"]` groups the stories of one
    cast, `data["alteration"]` says what was altered.
    """

    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of people, things and containers")] = 0

    def problem(self, number: int, split: Split) -> Problem:
        family, place = divmod(number, len(ALTERATIONS))
        name = list(ALTERATIONS)[place]
        random = Random(f"{self.seed}/{split}/{family}")
        who, other = random.sample(PEOPLE, 2)
        cast = Cast(who, other, random.choice(THINGS[split]), *random.sample(PLACES, 3))
        story = ALTERATIONS[name](cast)
        places = random.sample((cast.first, cast.second, cast.third), 3)
        end = CLOSING.format(places=f"{places[0]}, {places[1]} or {places[2]}")
        return Problem(
            key=f"minds-{split}-{self.seed}-{number}",
            prompt=" ".join([*story.sentences, question(story, cast)]) + end,
            answer=answer_of(story, cast),
            data={"family": f"{split}-{family}", "alteration": name, "places": places},
        )


def answer_of(story: Story, cast: Cast) -> str:
    """The container that the solver finds."""
    room = after((cast.who, cast.other), story.events, glass=story.glass)
    found = room.belief(*story.asked) if story.asked else room.place
    assert found is not None
    return found


def question(story: Story, cast: Cast) -> str:
    """What is asked: a place, a first or a second belief."""
    if not story.asked:
        return f"In which container is the {cast.thing} really?"
    if len(story.asked) == 1:
        return f"In which container will {story.asked[0]} look for the {cast.thing} first?"
    return f"Where does {story.asked[0]} think that {story.asked[1]} will look for the {cast.thing} first?"
