"""Keeps `tests/features`, which gives packages that are tested alone the features that the workspace resolves.

    .ci/features.py           writes its manifest
    .ci/features.py --check   fails where a package alone would compile a dependency anew
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "tests" / "features" / "Cargo.toml"
ALONE = ["okta-connector", "okta-simulator"]
HEAD = """[package]
name = "features"
description = "The features that the workspace resolves, for packages that are tested alone."
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

# Written by `.ci/features.py`.
[dependencies]
"""


class Library(NamedTuple):
    """A library as a test compiles it. What build scripts and procedural macros use has features of its own."""

    name: str
    version: str
    for_build: bool
    features: tuple[str, ...]


def resolved(*selection: str) -> set[Library]:
    """The libraries that a test of a selection of packages compiles."""
    # The graph of what would be compiled is an unstable output of Cargo's; nothing that is built depends on it.
    command = ["cargo", "test", *selection, "--no-run", "-Z", "unstable-options", "--unit-graph"]
    environment = os.environ | {"RUSTC_BOOTSTRAP": "1"}
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    found = set()
    for unit in json.loads(done.stdout)["units"]:
        if unit["pkg_id"].startswith("registry+"):
            name, version = unit["pkg_id"].split("#")[-1].split("@")
            # The profile of what only the build uses has no debug information.
            for_build = unit["profile"]["debuginfo"] in (None, 0)
            found.add(Library(name, version, for_build, tuple(sorted(unit["features"]))))
    return found


def differing() -> set[Library]:
    """What a package alone resolves otherwise than the workspace does."""
    return set().union(*(resolved("--package", name) for name in ALONE)) - resolved("--workspace")


def written(libraries: set[Library]) -> str:
    def lines(for_build: bool) -> str:
        chosen = (library for library in sorted(libraries) if library.for_build == for_build)
        return "".join(
            f'{it.name} = {{ version = "{it.version}", default-features = false, features = {json.dumps(it.features)} }}\n'
            for it in chosen
        )

    return f"{HEAD}{lines(False)}\n[build-dependencies]\n{lines(True)}"


def write() -> None:
    libraries: set[Library] = set()
    MANIFEST.write_text(written(libraries), encoding="utf-8")
    # What is added may bring dependencies whose features differ again.
    for _ in range(10):
        missing = {library[:3] for library in differing()}
        if not missing:
            return
        libraries |= {library for library in resolved("--workspace") if library[:3] in missing}
        MANIFEST.write_text(written(libraries), encoding="utf-8")
    sys.exit("the features do not settle")


if sys.argv[1:] == ["--check"]:
    if differing():
        sys.exit(f"run .ci/features.py: {sorted(differing())}")
else:
    write()
