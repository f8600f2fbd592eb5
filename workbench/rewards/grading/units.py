r"""Units of measurement with their dimension and size, and nouns that only say what is counted."""

import re
from dataclasses import dataclass
from fractions import Fraction

Powers = tuple[tuple[str, int], ...]

#: names of a unit = size in the base unit, dimension. A plural s may follow names of four letters and more.
TABLE = """
m meter metre = 1 length           | km kilometer kilometre = 1000 length   | cm centimeter centimetre = 1/100 length
mm millimeter millimetre = 1/1000 length | nm nanometer nanometre = 1/1000000000 length
dm decimeter decimetre = 1/10 length | μm micrometer micrometre micron = 1/1000000 length
in inch inches = 127/5000 length   | ft foot feet = 381/1250 length         | yd yard = 1143/1250 length
mi mile = 201168/125 length        | kg kilogram kilo = 1 mass              | g gram gramme = 1/1000 mass
mg milligram = 1/1000000 mass      | μg microgram = 1/1000000000 mass | tonne = 1000 mass
lb lbs pound = 45359237/100000000 mass | oz ounce = 45359237/1600000000 mass
s sec second = 1 time              | min mins minute = 60 time              | h hr hrs hour = 3600 time
ms millisecond = 1/1000 time       | μs microsecond = 1/1000000 time        | ns nanosecond = 1/1000000000 time
day = 86400 time                   | week = 604800 time                     | month = 1 month
yr yrs year = 12 month             | decade = 120 month                     | century centuries = 1200 month
ha hectare = 10000 length^2        | acre = 316160658/78125 length^2
L l liter litre = 1/1000 length^3  | mL ml milliliter millilitre cc = 1/1000000 length^3
cl cL centiliter centilitre = 1/100000 length^3 | dl dL deciliter decilitre = 1/10000 length^3
gal gallon = 473176473/125000000000 length^3 | qt quart = 473176473/500000000000 length^3
pt pint = 473176473/1000000000000 length^3   | cup = 473176473/2000000000000 length^3
mph = 1397/3125 length time^-1     | kph kmh = 5/18 length time^-1
N newton = 1 mass length time^-2   | kN kilonewton = 1000 mass length time^-2
J joule = 1 mass length^2 time^-2  | kJ kilojoule = 1000 mass length^2 time^-2
cal calorie = 523/125 mass length^2 time^-2  | kcal kilocalorie = 4184 mass length^2 time^-2
kWh = 3600000 mass length^2 time^-2 | W watt = 1 mass length^2 time^-3
kW kilowatt = 1000 mass length^2 time^-3 | MW megawatt = 1000000 mass length^2 time^-3
Pa pascal = 1 mass length^-1 time^-2 | kPa kilopascal = 1000 mass length^-1 time^-2
atm atmosphere = 101325 mass length^-1 time^-2 | Hz hertz = 1 time^-1 | kHz kilohertz = 1000 time^-1
V volt = 1 voltage                 | A amp ampere = 1 current               | mA milliamp = 1/1000 current
Ω ohm = 1 voltage current^-1       | mol mole = 1 amount                    | K kelvin = 1 temperature
°C celsius centigrade = 1 temperature | °F fahrenheit = 5/9 temperature
° deg degree = 1 angle             | rad radian = 1 radians                 | bit = 1 bit
B byte = 8 bit                     | kB KB kilobyte = 8000 bit              | MB megabyte = 8000000 bit
GB gigabyte = 8000000000 bit       | TB terabyte = 8000000000000 bit
$ USD usd dollar buck = 1 dollar   | ¢ cent = 1/100 dollar                  | € EUR eur euro = 1 euro
£ GBP gbp = 1 sterling             | pence = 1/100 sterling                 | ¥ JPY jpy yen = 1 yen
₹ INR inr rupee Rs = 1 rupee       | ₩ won = 1 won                          | CNY RMB yuan = 1 yuan
"""
OFFSETS = {"°C": Fraction(27315, 100), "celsius": Fraction(27315, 100), "centigrade": Fraction(27315, 100)}
OFFSETS |= dict.fromkeys(("°F", "fahrenheit"), Fraction(45967, 100) * Fraction(5, 9))
CURRENCIES = frozenset({"dollar", "euro", "sterling", "yen", "rupee", "won", "yuan"})
#: Words behind a number that change it, so that it is no count of things.
CHANGING = frozenset(
    str.split(
        "dozen percent hundred thousand million billion "
        "pi sqrt sin cos tan cot csc sec log ln exp mod modulo or nor not no plus minus over times divided by "
        "squared cubed factorial choose to base power more less fewer greater smaller least most about around than "
        "below under above between but if maybe perhaps possibly otherwise except short negative root equals is "
        "are was and versus vs unknown wrong incorrect either neither"
    )
)
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
WORD = re.compile(r"[a-zA-Zμ°Ω¢$€£¥₹₩][a-zA-Zμ]*(?:['-][a-zA-Z]+)*")
PIECE = re.compile(
    r"\s*(?:(?P<over>/|per\b|an?\b(?=\s+[a-z]))|(?P<times>\\cdot|\\times|\*|-)"
    rf"|(?P<word>{WORD.pattern})(?:\s*\^\s*(?:\{{\s*(?P<long>-?[0-9])\s*\}}|(?P<short>-?[0-9]))|(?P<named>\s+(?:squared|cubed)\b))?)"
)
CIRCLE = re.compile(r"\s*\^\s*\\circ\s*")


@dataclass(frozen=True)
class Unit:
    """What stands behind a number: dimension, size in base units, zero point, and nouns that have no dimension."""

    powers: Powers = ()
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    nouns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.powers or self.nouns)


NONE = Unit()


def _read_table() -> dict[str, Unit]:
    units = {}
    for entry in TABLE.replace("\n", "|").split("|"):
        if "=" not in entry:
            continue
        names, _, meaning = entry.partition("=")
        scale, *dimensions = meaning.split()
        pairs = (dimension.partition("^") for dimension in dimensions)
        powers = tuple(sorted((base, int(power or 1)) for base, _, power in pairs))
        for name in names.split():
            unit = Unit(powers, Fraction(scale), OFFSETS.get(name, Fraction(0)))
            units[name] = unit
            if len(name) > 2 and name.isascii() and name.islower():
                units.setdefault(f"{name}s", unit)
    return units


UNITS = _read_table()


def known(word: str) -> Unit | None:
    """The unit of a name; the case of names up to three letters counts, since MW is no mW."""
    return UNITS.get(word) or (UNITS.get(word.lower()) if len(word) > 3 else None)


def read_unit(text: str) -> Unit | None:
    r"""The unit that a text consists of, words that only say what is counted included; None for anything else.

    >>> read_unit("km") == read_unit("kilometers"), read_unit("m/s^2") == read_unit("meters per second squared")
    (True, True)
    >>> read_unit("apples").nouns, read_unit("x"), read_unit("+ 3"), read_unit("more apples"), read_unit("cm^2").powers
    (('apple',), None, None, None, (('length', 2),))
    """
    text = CIRCLE.sub(" °", text)
    text = re.sub(r"°\s*([CF])\b", r"°\1", re.sub(r"\bdegrees?\s+(?=celsius|fahrenheit|[CF]\b)", "°", text, flags=re.I))
    text = re.sub(r"°(?=celsius|fahrenheit)", "", text, flags=re.I)
    powers: dict[str, int] = {}
    scale, offset = Fraction(1), Fraction(0)
    nouns: list[str] = []
    position, sign, multiple, count = 0, 1, 1, 0
    while position < len(text.rstrip()):
        found = PIECE.match(text, position)
        if found is None or count > 8:
            return None
        position, count = found.end(), count + 1
        word = found["word"]
        if found["over"]:
            sign = -1
        elif word and word.lower() in POWERS:
            multiple = POWERS[word.lower()]
        elif word:
            preposition = word == "in" and text[position : position + 1] == " "  # `5 in total` are no inches
            unit = None if nouns or preposition else known(word)
            power = sign * multiple * exponent(found)
            if unit is None:
                if not noun(word) or power not in (1, -1):
                    return None
                nouns.append(stem(word))
                continue
            for base, times in unit.powers:
                powers[base] = powers.get(base, 0) + times * power
            scale, offset, multiple = scale * unit.scale**power, unit.offset, 1
    return Unit(tuple(sorted(item for item in powers.items() if item[1])), scale, offset, tuple(nouns))


def exponent(found: re.Match[str]) -> int:
    """The power a unit is raised to."""
    if found["named"]:
        return 2 if "squared" in found["named"] else 3
    return int(found["long"] or found["short"] or 1)


def noun(word: str) -> bool:
    """Could this word say what is counted?"""
    lower = word.lower()
    return (
        lower not in CHANGING
        and word.isascii()
        and (len(word) > 2 or lower in ("of", "in", "a", "at", "on", "am", "pm"))
    )


def stem(word: str) -> str:
    """A noun without its plural.

    >>> stem("apples"), stem("boxes"), stem("people"), stem("ponies")
    ('apple', 'box', 'people', 'pony')
    """
    lower = word.lower()
    for ending, instead in (("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss")):
        if lower.endswith(ending):
            return lower.removesuffix(ending) + instead
    return lower.removesuffix("s") if not lower.endswith("ss") else lower


def same_kind(reference: Unit, answer: Unit) -> bool:
    """Whether numbers with these units can be compared: a unit left out altogether fits, another one does not."""
    if reference.powers and answer.powers:
        total = tuple(item for item in reference.powers if item[1] > 0)  # dollars for dollars per day
        return answer.powers in (reference.powers, total if total[:1] and total[0][0] in CURRENCIES else None)
    if reference.powers and answer.nouns:
        return False
    if reference.nouns and answer.nouns and not reference.powers:
        wanted, given = set(reference.nouns), set(answer.nouns)
        return wanted <= given or given <= wanted
    return not (reference.nouns and answer.powers)
