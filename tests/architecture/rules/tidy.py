"""Size, names and statements of modules and folders."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.rules.files import Source

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
STATEMENT_CHARACTERS_MIN = 60
VAGUE_MODULES = {"common", "data", "helper", "helpers", "manager", "misc", "util", "utils"}
# A path of one machine: somebody's home directory, or the folder of one build.
MACHINE_PATH = re.compile(
    r"(?<![\w.$}/:-])/(?:home|root|Users|work|workspace)(?:/[\w.]|(?![\w/-]))"
)
CLIENT_OWNERS = ("infra/kafka/cluster.py", "infra/kafka/unreachable.py")
CLIENTS = {
    "AIOKafkaAdminClient", "AIOKafkaClient", "AIOKafkaConsumer", "AIOKafkaProducer", "create_conn",
}  # fmt: skip
CLIENT_KEYWORDS = {"bootstrap_servers", "security_protocol", "sasl_mechanism"}
FAUST_OWNERS = ("agents/runtime/", "agents/app.py", "agents/worker.py")


def size_problems(source: Source) -> list[str]:
    """Return modules and functions that are too long to be read in one go."""
    lines = source.text.count("\n")
    problems = [f"{source.path}: {lines} lines"] if lines > MODULE_LINES_MAX else []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                problems.append(f"{source.path}: {node.name} has {length} lines")
    return problems


def vague_names(paths: Iterable[Path]) -> list[str]:
    """Return modules and folders whose name says nothing."""
    return [str(path) for path in paths if VAGUE_MODULES & {path.stem, *path.parent.parts}]


def machine_paths(path: Path, text: str) -> list[str]:
    """Return lines that name a folder of one machine."""
    return [
        f"{path}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]


def statement_problem(folder: str, statement: str | None, whole: bool) -> str | None:
    """Return what the statement of a folder lacks.

    Args:
        folder: name, for the message.
        statement: docstring of ``__init__.py`` or text of ``README.md``; None when there is none.
        whole: a top-level folder must also say what may not live there.
    """
    if statement is None or len(statement) < STATEMENT_CHARACTERS_MIN:
        return f"{folder}: no statement of what lives there"
    flat = " ".join(statement.split()).lower()
    if whole and not ("lives here" in flat and "may not live here" in flat):
        return f"{folder}: the statement must say what lives here and what may not live here"
    return None


def framework_problems(source: Source) -> list[str]:
    """Return imports of Faust outside the few modules that own it."""
    if source.path.as_posix().startswith(FAUST_OWNERS):
        return []
    return [
        f"{source.path}: imports {name}"
        for name in imported(source)
        if name.split(".")[0] in {"faust", "mode"}
    ]


def client_problems(source: Source) -> list[str]:
    """Return clients of Kafka that are made where nobody thinks of TLS and logins."""
    if source.path.as_posix() in CLIENT_OWNERS:
        return []
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in CLIENTS or any(word.arg in CLIENT_KEYWORDS for word in node.keywords):
            found.append(f"{source.path}:{node.lineno}: {name} speaks to Kafka by itself")
    return found


def imported(source: Source) -> list[str]:
    """Return the modules that a source imports, in order."""
    names = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names += [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
