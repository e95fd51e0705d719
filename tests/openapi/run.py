"""Lints the description of the API, generates a Python and a TypeScript client from it, and does the main job with each
of them, against `okta-connector serve` and a simulated tenant.

    .ci/tools/openapi/bin/python tests/openapi/run.py [DESCRIPTION]

DESCRIPTION is `infra/openapi.json` if it is left out. It needs what `.ci/openapi.txt` and `package.json` pin, which
`.ci/run` installs, and what `cargo build --workspace` makes. Everything generated is in `tests/openapi/generated`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = Path(os.environ.get("PROGRAMS", ROOT / "target" / "debug"))
GENERATED = HERE / "generated"
NODE = HERE / "node_modules" / ".bin"
PYTHON = Path(sys.executable).parent
# Seconds until this gives up, whatever it waits for.
PATIENCE = 180

ENVIRONMENT = os.environ | {
    # The Python generator formats what it writes with the `ruff` of its environment.
    "PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}",
    "MYPYPATH": str(GENERATED),
    "PYTHONPATH": str(GENERATED),
    # Redocly sends no usage data and looks for no newer version.
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
}


def say(text: str) -> None:
    print(text, flush=True)


def run(*command: object) -> None:
    """Runs a tool, and shows what it printed only if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=HERE, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{' '.join(words)}: failed with {done.returncode}")


def lint(description: Path) -> None:
    run(NODE / "redocly", "lint", "--config", HERE / "redocly.yaml", description)
    say("Redocly finds neither an error nor a warning")
    run(NODE / "spectral", "lint", "--ruleset", HERE / "spectral.yaml", "--fail-severity", "warn", description)
    say("Spectral finds neither an error nor a warning")


def generate(description: Path) -> None:
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir()
    package = GENERATED / "okta_connector_client"
    # A warning is about an operation or an answer that the generator leaves out.
    options = ["--meta", "none", "--output-path", package, "--fail-on-warning"]
    run(PYTHON / "openapi-python-client", "generate", "--path", description, *options)
    say("openapi-python-client generates every operation, and warns of nothing")
    run(NODE / "openapi-typescript", description, "--output", GENERATED / "api.d.ts")
    say("openapi-typescript generates the types")


def type_check() -> None:
    run(PYTHON / "mypy", "--strict", "--follow-imports", "silent", "--cache-dir", os.devnull, HERE / "client.py")
    say("the program that uses the Python client passes mypy --strict")
    # Where the types are right, this also writes `generated/client.js`.
    run(NODE / "tsc", "--project", HERE)
    say("the program that uses the TypeScript client passes tsc --strict")


def start(stack: ExitStack, name: str, *options: str) -> str:
    """Starts a program, which ends with `stack`, and gives its first line."""
    log = stack.enter_context((GENERATED / f"{name}.log").open("w"))
    command = [str(PROGRAMS / name), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    # The stack runs backwards: it kills the program, and then waits for its end.
    stack.enter_context(process)
    stack.callback(process.kill)
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{name} ended at once: {Path(log.name).read_text()}")
    return line


def use(language: str, *command: object) -> None:
    """Runs one of the two programs, which prints a line for each fact it proves."""
    words = [str(word) for word in command]
    status = subprocess.run(words, env=ENVIRONMENT).returncode
    if status:
        raise SystemExit(f"{language}: failed with {status}; the services' logs are in {GENERATED}")


def main() -> None:
    description = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "infra" / "openapi.json").resolve()
    lint(description)
    generate(description)
    type_check()
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="openapi-"))
        tenant = json.loads(start(stack, "okta-simulator", "--port", "0", "--users", "120", "--rate-limit", "100000"))
        origin = tenant["listening"]
        line = start(stack, "okta-connector", "serve", "--port", "0", "--data", data, "--allow-okta-origin", origin)
        found = re.search(r"http://\S+", line)
        if not found:
            raise SystemExit(f"okta-connector prints no address: {line}")
        where = [found[0], (Path(data) / "token").read_text(), origin, tenant["api_token"]]
        use("Python", sys.executable, HERE / "client.py", *where)
        use("TypeScript", "node", GENERATED / "client.js", *where)


def give_up(*_: object) -> None:
    raise SystemExit(f"not done after {PATIENCE} s")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.alarm(PATIENCE)
    main()
