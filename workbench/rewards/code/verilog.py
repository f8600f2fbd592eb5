"""Hardware by simulation: the ports of a module, a testbench with random inputs, and what a simulator prints.

The candidate and the reference module are simulated apart, with the same inputs, and their outputs are compared in this
process: a candidate that prints what it likes can only print outputs of its own.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workbench.sandbox.jobs import Limits
from workbench.sandbox.tools import Ran, run_tool

TOP = "workbench_testbench"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
MODULE = re.compile(r"\bmodule\s+(\w+)\b(.*?)\bendmodule\b", re.DOTALL)
PORT = re.compile(
    r"\b(input|output)\b(?:\s+(?:wire|reg|logic|signed|unsigned))*\s*(?:\[\s*(\d+)\s*:\s*(\d+)\s*\])?"
    r"\s*((?!input\b|output\b)[A-Za-z_]\w*(?:\s*,\s*(?!input\b|output\b)[A-Za-z_]\w*)*)"
)
CLOCK = re.compile(r"clk|clock", re.IGNORECASE)
RESET = re.compile(r"a?re?se?t|clear|clr", re.IGNORECASE)
REMEDY = "install Icarus Verilog (Debian, Ubuntu: apt-get install iverilog)"


@dataclass(frozen=True)
class Port:
    """An input or output of so many bits."""

    name: str
    bits: int
    output: bool


@dataclass(frozen=True)
class Bench:
    """How long a module is simulated: sequences of steps, each beginning with a reset where there is one."""

    sequences: int
    steps: int
    seed: int


def missing() -> str:
    """Why hardware cannot be simulated here, with the remedy; empty where it can."""
    return "" if shutil.which("iverilog") and shutil.which("vvp") else f"iverilog is not installed. {REMEDY}"


def module_of(source: str) -> tuple[str, tuple[Port, ...]]:
    """The last module of a source and its ports. Raises ValueError where they are not plain."""
    modules = MODULE.findall(COMMENT.sub(" ", source))
    if not modules:
        raise ValueError("the reference holds no module")
    name, body = modules[-1]
    ports: dict[str, Port] = {}
    for direction, high, low, names in PORT.findall(body):
        bits = abs(int(high) - int(low)) + 1 if high else 1
        for each in re.split(r"\s*,\s*", names):
            ports[each] = Port(each, bits, direction == "output")
    if not any(port.output for port in ports.values()) or re.search(r"\binout\b|\bparameter\b", body):
        raise ValueError(f"the ports of module {name} cannot be read: plain inputs and outputs with numbers for ranges")
    return name, tuple(ports.values())


def testbench(name: str, ports: Sequence[Port], bench: Bench) -> str:
    """A module that drives another at random and prints its outputs, after both edges of every step."""
    inputs, outputs = ([port for port in ports if port.output is side] for side in (False, True))
    declared = [f"  reg [{port.bits - 1}:0] {port.name};" for port in inputs]
    declared += [f"  wire [{port.bits - 1}:0] {port.name};" for port in outputs]
    links = ", ".join(f".{port.name}({port.name})" for port in ports)
    clocks = [port.name for port in inputs if CLOCK.search(port.name)]
    driven = [drive(port) for port in inputs if port.name not in clocks]
    edges = ["".join(f" {clock} = {level};" for clock in clocks) for level in (1, 0)]
    shown = ", ".join(port.name for port in outputs)
    form = " ".join("%b" for _ in outputs)
    return f"""module {TOP};
  integer seed, sequence_number, step;
{chr(10).join(declared)}
  {name} dut({links});
  initial begin
    seed = {bench.seed};
   {edges[1]}
    for (sequence_number = 0; sequence_number < {bench.sequences}; sequence_number = sequence_number + 1)
      for (step = 0; step < {bench.steps}; step = step + 1) begin
        {" ".join(driven)}
        #5;{edges[0]}
        #5 $display("{form}", {shown});
       {edges[1]}
        #5 $display("{form}", {shown});
      end
    $finish;
  end
endmodule
"""


def drive(port: Port) -> str:
    """The statement that gives an input its next value; a reset is on in the first two steps of a sequence."""
    words = "{" + ", ".join(["$random(seed)"] * (1 + (port.bits - 1) // 32)) + "}"
    if not RESET.search(port.name):
        return f"{port.name} = {words};"
    # which level resets is not known: even sequences take 1, odd ones 0; later on rarely
    return f"{port.name} = (step < 2 || $random(seed) % 16 == 0) ^ (sequence_number % 2);"


def simulated(source: str, bench_text: str, limits: Limits) -> Ran:
    """What a source prints under a testbench; its exit status is that of the compiler where it does not compile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source.v").write_text(source, encoding="utf-8", errors="replace")
        (folder / "bench.v").write_text(bench_text, encoding="utf-8")
        words = ["iverilog", "-g2012", "-s", TOP, "-o", "program.vvp", "bench.v", "source.v"]
        compiled = run_tool(words, folder, limits, compiles=True)
        if compiled.code or compiled.late:
            return compiled
        return run_tool(["vvp", "-n", "program.vvp"], folder, limits)


@lru_cache(maxsize=256)
def expected(reference: str, bench_text: str, limits: Limits) -> tuple[str, ...]:
    """The lines that the reference module prints. Raises ValueError where it does not run to its end."""
    ran = simulated(reference, bench_text, limits)
    lines = tuple(ran.output.splitlines())
    if ran.code or ran.late or not lines:
        raise ValueError(f"the reference does not run: {' '.join(ran.output.split())[:200] or f'status {ran.code}'}")
    return lines
