"""`verilog`: modules of completions, simulated against the reference (needs Icarus Verilog and the sandbox)."""

import json
import math
import shutil
from pathlib import Path

import pytest

from tests.rewards.reward_examples import score_text
from workbench.rewards.code import verilog
from workbench.rewards.code.verilog import Bench, module_of
from workbench.rewards.verilog import Verilog, tagged
from workbench.sandbox.jobs import Limits
from workbench.sandbox.probe import why_not
from workbench.sandbox.tools import run_tool
from workbench.types import Score

COUNTER = """
// counts
module counter(input clk, input rst, input [1:0] by, output reg [3:0] q);
  always @(posedge clk) if (rst) q <= 0; else q <= q + by;
endmodule
"""
ADDER = "module add(a, b, s);\n  input [31:0] a, b;\n  output [32:0] s;\n  assign s = a + b;\nendmodule"
SAME = ADDER.replace("a + b", "b + {1'b0, a}")


@pytest.fixture
def simulator() -> None:
    if verilog.missing() or why_not():
        pytest.skip(verilog.missing() or why_not())


def score(source: str, reference: str = ADDER, **fields: object) -> Score:
    return score_text(Verilog(**fields), reference, f"Here:\n```verilog\n{source}\n```")  # type: ignore[arg-type]


def test_ports_are_read_in_both_styles() -> None:
    name, ports = module_of(COUNTER)
    assert name == "counter"
    assert [(port.name, port.bits, port.output) for port in ports] == [
        *(("clk", 1, False), ("rst", 1, False), ("by", 2, False), ("q", 4, True)),
    ]
    assert [(port.name, port.bits, port.output) for port in module_of(ADDER)[1]] == [
        *(("a", 32, False), ("b", 32, False), ("s", 33, True)),
    ]
    _, ports = module_of("module m(input a, b, output reg c, output [0:7] d, e); endmodule")
    assert [(port.name, port.bits, port.output) for port in ports] == [
        *(("a", 1, False), ("b", 1, False), ("c", 1, True), ("d", 8, True), ("e", 8, True)),
    ]


@pytest.mark.parametrize("source", ["", "module m(); endmodule", "module m(inout a, output b); endmodule", "42"])
def test_references_without_plain_ports_are_unscored(source: str) -> None:
    found = score("x", source)
    assert math.isnan(found.value)
    assert found.reason.startswith("unscored: ")


@pytest.mark.usefixtures("simulator")
class TestSimulations:
    """What modules are worth."""

    def test_equal_modules(self) -> None:
        assert score(SAME) == Score(1.0, "all 2000 outputs are those of the reference", True)
        other = COUNTER.replace("if (rst) q <= 0; else q <= q + by", "q <= rst ? 4'd0 : q + {2'b0, by}")
        assert score(other, COUNTER).value == 1
        assert score(other, json.dumps([COUNTER.replace("q + by", "q - by"), COUNTER])).value == 1

    @pytest.mark.parametrize(
        "change",
        [("rst) q <= 0", "!rst) q <= 0"), ("q + by", "q + 1"), ("posedge", "negedge"), ("[3:0] q", "[2:0] q")],
    )
    def test_modules_that_differ(self, change: tuple[str, str]) -> None:
        found = score(COUNTER.replace(*change), COUNTER)
        assert (found.value, found.correct) == (0.0, False)
        assert "expected" in found.reason

    @pytest.mark.parametrize(
        "source",
        [
            'module add(input [31:0] a, b, output [32:0] s); initial $display("All tests passed."); endmodule',
            "module add(input [31:0] a, b, output [32:0] s); initial $finish; assign s = a + b; endmodule",
            "module add(input [31:0] a, b, output [32:0] s); initial while (1); endmodule",
            'module add(input [31:0] a, b, output [32:0] s); initial while (1) $display("x"); endmodule',
            "module add(input [31:0] a, b, output [32:0] s); assign s = workbench_testbench.dut.s; endmodule",
            "module add(input [31:0] a, b, output [32:0] s); initial force workbench_testbench.a = 0; endmodule",
            f"{SAME}\nmodule workbench_testbench; initial $finish; endmodule",
            '`include "bench.v"\nmodule add; endmodule',
            "module sub(input [31:0] a, b, output [32:0] s); assign s = a + b; endmodule",
            "not verilog",
        ],
    )
    def test_nothing_else_earns_anything(self, source: str) -> None:
        assert score(source, seconds=1).value == 0

    def test_a_simulation_writes_no_file_and_reads_none_of_this_machine(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("a-secret")
        body = f'$display("%d", $fopen("{tmp_path}/mark", "w")); $display("%d", $fopen("/work/mark", "w"));'
        body += f'$display("%d", $fopen("{tmp_path}/secret", "r")); $display("%d", $fopen("/etc/passwd", "r"));'
        ran = verilog.simulated("", f"module {verilog.TOP}; initial begin {body} $finish; end endmodule", Limits())
        assert ran.output.split() == ["0"] * 4
        assert not (tmp_path / "mark").exists()

    def test_tools_have_limits(self, tmp_path: Path) -> None:
        assert run_tool(["sh", "-c", "echo hello"], tmp_path, Limits()).output == "hello\n"
        assert run_tool(["sh", "-c", "sleep 1 & wait"], tmp_path, Limits()).code != 0
        assert run_tool(["sh", "-c", "while :; do :; done"], tmp_path, Limits(seconds=1)).code in (128 + 9, 128 + 24)
        assert len(run_tool(["yes"], tmp_path, Limits(output=1000)).output) == 1000
        assert run_tool(["sh", "-c", "echo x > y"], tmp_path, Limits()).code != 0
        assert not list(tmp_path.iterdir())

    def test_the_format_of_the_authors(self) -> None:
        block = f"```verilog\n{SAME}\n```"
        strict = Verilog(tags=True)
        assert score_text(strict, ADDER, f"<think>add</think><answer>{block}</answer>").value == 1
        assert score_text(strict, ADDER, block).value == 0
        assert not tagged("<answer></answer><think></think>")
        assert not tagged("<think></think><answer></answer><answer></answer>")


def test_the_inputs_depend_on_the_problem_and_resets_come_in_both_polarities() -> None:
    text = verilog.testbench(*module_of(COUNTER), Bench(10, 100, 7))
    assert "seed = 7;" in text
    assert "rst = (step < 2 || $random(seed) % 16 == 0) ^ (sequence_number % 2);" in text
    assert "clk = 1;" in text
    assert "by = {$random(seed)};" in text


def test_without_icarus_a_run_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr("shutil.which", lambda name: None if name == "iverilog" else which(name))
    assert Verilog().check()[0].startswith("iverilog is not installed. install Icarus Verilog (Debian")
