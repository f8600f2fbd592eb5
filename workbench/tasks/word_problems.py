"""Short stories with numbers in them: how many apples does Mia have now?"""

from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.tasks.chains import Chain, draw
from workbench.types import Problem

GIRLS, BOYS = ("Mia", "Ava", "Zoe", "Lily"), ("Tom", "Leo", "Sam", "Ben")


@dataclass(frozen=True)
class Story:
    """Sentences for the parts of a chain. `{n}` is the number of the part, `{m}` a second factor."""

    name: str
    things: tuple[str, ...]
    opening: str
    product: str  # an opening that multiplies
    more: tuple[str, ...]
    less: tuple[str, ...]
    question: str


STORIES = (
    Story(
        name="collection",
        things=("marbles", "stickers", "stamps", "shells", "cards", "coins"),
        opening="{name} has {n} {things}.",
        product="{name} has {n} bags with {m} {things} each.",
        more=("{They} finds {n} more.", "{They} buys {n} more.", "{friend} gives {them} {n} more."),
        less=("{They} loses {n}.", "{They} gives {n} to {friend}.", "{They} sells {n}."),
        question="How many {things} does {name} have now?",
    ),
    Story(
        name="bus",
        things=("bus", "train", "boat"),
        opening="There are {n} people on the {things}.",
        product="There are {n} rows with {m} people each on the {things}.",
        more=("Then {n} people get on.", "{n} more get on."),
        less=("Then {n} people get off.", "{n} of them get off."),
        question="How many people are on the {things} now?",
    ),
    Story(
        name="garden",
        things=("apples", "plums", "pears", "lemons"),
        opening="{name} picks {n} {things}.",
        product="{name} picks {n} {things} from each of {m} trees.",
        more=("Later {they} picks {n} more.", "{friend} brings {n} more."),
        less=("{They} eats {n}.", "{They} sells {n}.", "{friend} takes {n}."),
        question="How many {things} are there in the end?",
    ),
    Story(
        name="money",
        things=("book", "ball", "hat", "cake"),
        opening="{name} has {n} dollars.",
        product="{name} works {n} hours for {m} dollars each.",
        more=("{They} earns {n} dollars.", "{friend} gives {them} {n} dollars."),
        less=("{They} spends {n} dollars on a {things}.", "{They} pays {n} dollars for a {things}."),
        question="How many dollars does {name} have now?",
    ),
    Story(
        name="library",
        things=("books", "games", "films"),
        opening="A library has {n} {things}.",
        product="A library has {n} shelves with {m} {things} each.",
        more=("It gets {n} new {things}.", "{name} brings {n} back."),
        less=("{name} takes {n} home.", "{friend} takes {n} home."),
        question="How many {things} are in the library now?",
    ),
)


@dataclass(frozen=True)
class WordProblems(Task):
    """Stories of one to three calculations with numbers below 100: a start, and what is added or taken away."""

    level: Annotated[int, Field(ge=1, le=3, description="how many operations a problem has")] = 2
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="problem i is drawn from Random(seed + i)")] = 0

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        """The problem drawn from `Random(seed + number)`."""
        random = Random(self.seed + number)
        chain = draw(random, self.level, split)
        story = random.choice(STORIES)
        return Problem(
            key=f"word_problems-{self.level}-{split}-{self.seed + number}",
            prompt=tell(random, story, chain) + "\n",
            answer=str(chain.results[-1]),
            data={
                "level": self.level,
                "template": story.name,
                "numbers": list(chain.numbers),
                "operations": list(chain.operations),
                "solution": chain.solution,
            },
        )


def tell(random: Random, story: Story, chain: Chain) -> str:
    """The story of a chain, with its question at the end."""
    words = cast_of(random) | {"things": random.choice(story.things)}
    product = chain.operations[0] == "*"
    opening = story.product if product else story.opening
    sentences = [opening.format(n=chain.numbers[0], m=chain.numbers[1], **words)]
    begun = 1 if product else 0
    for operation, number in zip(chain.operations[begun:], chain.numbers[begun + 1 :], strict=True):
        sentence = random.choice(story.more if operation == "+" else story.less)
        sentences.append(sentence.format(n=number, **words))
    return " ".join([*sentences, story.question.format(**words)])


def cast_of(random: Random) -> dict[str, str]:
    """Two people: the first with pronouns, the second by name alone."""
    girl = random.random() < 0.5
    name = random.choice(GIRLS if girl else BOYS)
    friend = random.choice([other for other in GIRLS + BOYS if other != name])
    pronouns = ("She", "she", "her") if girl else ("He", "he", "him")
    return {"name": name, "friend": friend} | dict(zip(("They", "they", "them"), pronouns, strict=True))
