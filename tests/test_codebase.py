"""The shape of the code: which package may import which, and that the stubs are those of the compiled modules."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "netlists": {"env", "placer", "torch", "torch_geometric", "gymnasium"},
    "env": {"placer", "torch", "torch_geometric", "mtkahypar"},
    "placer": set(),
}


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a module imports, lazily too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package):
    modules = list((ROOT / package).rglob("*.py"))
    assert modules
    for module in modules:
        assert not imported(module) & FORBIDDEN[package], module


def test_only_the_command_line_is_above_the_placer():
    for module in (ROOT / "placer").rglob("*.py"):
        names = {node.module for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)}
        if module.name != "cli.py":
            assert "placer.cli" not in names, module
            assert not any(str(name).startswith("placer.commands") for name in names), module


@pytest.mark.parametrize(
    "statement",
    [
        "import placer.cli",
        "import netlists.clustering",
        "from env.search import search",
        "from env.render import save_picture",
    ],
)
def test_what_needs_no_policy_imports_no_torch(statement):
    unwanted = ("torch", "gymnasium", "mtkahypar")
    code = f"{statement}; import sys; assert not set(sys.modules) & set({unwanted})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT.parent)


@pytest.mark.parametrize("module", ["env._core", "placer._policy_net"])
def test_stub_is_fresh(module, tmp_path):
    stub = tmp_path / "stub.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", module, "-o", str(stub)]
    subprocess.run(command, check=True, cwd=ROOT.parent)
    committed = ROOT / (module.replace(".", "/") + ".pyi")
    assert stub.read_text() == committed.read_text(), f"regenerate it: {' '.join(command[1:-1])} {committed.name}"


def test_modules_stay_small():
    for package in FORBIDDEN:
        for module in (ROOT / package).rglob("*.py"):
            assert len(module.read_text().splitlines()) <= 400, module


def test_own_gitignore_keeps_the_env_package():
    assert not any(line.strip() in ("env/", "env") for line in (ROOT / ".gitignore").read_text().splitlines())
