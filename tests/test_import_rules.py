"""Who may know whom: the design's import rules, on the source and in a fresh interpreter."""

from __future__ import annotations

import ast
import importlib
import operator
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "emlib"
OUTER = {"algorithms", "problem", "diagnostics", "solve", "fit", "fitting", "result"}
PRESENTATION = {"backends"}
# first name under emlib of the importing module -> first names that it must not import
FORBIDDEN = {
    **dict.fromkeys(("models", "families", "kernels", "blocks", "space", "numerics", "model", "data"),
                    OUTER | PRESENTATION),
    **dict.fromkeys(("evaluation", "problem"), (OUTER - {"problem"}) | PRESENTATION),
    "algorithms": {"models", "families", "kernels", "diagnostics", "space", "solve", "fit",
                   "fitting"} | PRESENTATION,
    "fitting": {"models", "families", "kernels", "fit"} | PRESENTATION,
    **dict.fromkeys(("result", "solve", "fit", "diagnostics", "datasets", "__init__"), PRESENTATION),
}
HEAVY = ("matplotlib", "jax", "numba", "pandas", "dask", "sklearn", "IPython", "yaml")
ALLOWED_OUTSIDE = {"numpy", "scipy"}
# loaded at first use alone, and never needed
OPTIONAL = {"kernels": {"numba", "llvmlite"}, "evaluation": {"threadpoolctl"}}


def imported(source: str) -> Iterator[str]:
    """Every module that the source imports, dotted, wherever the statement stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def faults(part: str, source: str) -> list[str]:
    """What a file of this part of emlib imports against the rules."""
    names = [name.split(".") for name in imported(source)]
    inner = [".".join(n) for n in names if n[0] == "emlib" and len(n) > 1 and n[1] in FORBIDDEN.get(part, set())]
    known = set(sys.stdlib_module_names) | ALLOWED_OUTSIDE | OPTIONAL.get(part, set()) | {"emlib"}
    outside = [".".join(n) for n in names if n[0] not in known and part not in PRESENTATION]
    return inner + outside


FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file_keeps_the_import_rules(path: Path) -> None:
    assert faults(part_of(path), path.read_text(encoding="utf-8")) == []


def test_every_part_has_a_rule() -> None:
    assert {part_of(path) for path in FILES} <= set(FORBIDDEN) | PRESENTATION


@pytest.mark.parametrize(("part", "source", "caught"), [
    ("models", "from emlib.algorithms import EM", "emlib.algorithms.EM"),
    ("models", "def f():\n    import emlib.problem", "emlib.problem"),
    ("families", "from emlib import diagnostics", "emlib.diagnostics"),
    ("algorithms", "from emlib.models import Linkage", "emlib.models.Linkage"),
    ("algorithms", "from emlib.families.poisson import Poisson", "emlib.families.poisson.Poisson"),
    ("fit", "from embook import claim", "embook.claim"),
    ("diagnostics", "from emlib.backends.jax import autodiff_gradient", "emlib.backends.jax.autodiff_gradient"),
    ("solve", "import matplotlib.pyplot as plt", "matplotlib.pyplot"),
    ("kernels", "import pandas", "pandas"),
    ("models", "try:\n    import numba\nexcept ImportError:\n    pass", "numba"),
])
def test_a_broken_rule_is_caught(part: str, source: str, caught: str) -> None:
    assert faults(part, source) == [caught]


def test_what_is_allowed_is_not_caught() -> None:
    assert faults("models", "import numpy as np\nfrom emlib.families import Poisson\nfrom emlib.space import X") == []
    assert faults("algorithms", "from emlib.problem import Problem\nfrom emlib.result import Status") == []
    assert faults("backends", "import dask") == []
    assert faults("kernels", "import numba") == []


def graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """The modules of the package that each one imports, wherever the statement stands."""
    found = {}
    for name, source in sources.items():
        names = {other if other in sources else other.rpartition(".")[0] for other in imported(source)}
        found[name] = names & set(sources) - {name}
    return found


def circle(modules: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, directly or by way of others; none if there is an order without any."""
    left = {name: set(others) for name, others in modules.items()}
    while free := [name for name, others in left.items() if not others & set(left)]:
        left = {name: others for name, others in left.items() if name not in free}
    return sorted(left)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_is_imported_by_what_it_imports() -> None:
    """The package's own `__init__` apart, whose names the functions of others may ask for."""
    sources = {dotted(path): path.read_text(encoding="utf-8") for path in FILES if path.parent != PACKAGE or
               path.stem != "__init__"}
    assert circle(graph(sources)) == []


def test_a_circle_is_found() -> None:
    sources = {"emlib.a": "def f():\n    from emlib.b import g", "emlib.b": "from emlib import c",
               "emlib.c": "import emlib.a", "emlib.d": "import emlib.a"}
    assert circle(graph(sources)) == ["emlib.a", "emlib.b", "emlib.c", "emlib.d"]
    assert circle(graph(sources | {"emlib.c": "import numpy"})) == []


def fresh(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after running the code."""
    done = subprocess.run([sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_emlib_loads_nothing_heavy() -> None:
    loaded = fresh("import emlib, emlib.models, emlib.algorithms, emlib.diagnostics")
    assert {"numpy", "scipy", "emlib.models"} <= loaded
    assert not loaded & set(HEAVY)
    assert not {name for name in loaded if name.startswith(("embook", "emlib.backends"))}


def test_the_fresh_interpreter_would_show_it() -> None:
    assert "emlib.backends" in fresh("import emlib\nimport emlib.backends")


def dear(loaded: set[str]) -> set[str]:
    """What `import emlib` must leave for later, so that it costs little more than NumPy and scipy.linalg."""
    later = {"emlib.models", "emlib.diagnostics", "emlib.datasets"}
    return loaded & (later | {f"scipy.{name}" for name in ("optimize", "sparse", "special", "stats")})


def test_importing_emlib_alone_loads_little() -> None:
    assert dear(fresh("import emlib")) == set()


@pytest.mark.parametrize(("use", "part"), [
    ("emlib.models.Linkage", "emlib.models"),
    ("from emlib import diagnostics", "emlib.diagnostics"),
    ("emlib.datasets.hasselblad()", "emlib.datasets"),
    ("import scipy.optimize", "scipy.optimize"),
])
def test_a_part_is_loaded_at_its_first_use(use: str, part: str) -> None:
    assert part in dear(fresh(f"import emlib\n{use}"))


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'model_zoo'; there are .*'models'"):
        operator.attrgetter("model_zoo")(importlib.import_module("emlib"))
