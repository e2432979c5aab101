"""Coverage-guided fuzzing of target.once, by atheris (libFuzzer): `make fuzz`. FUZZ_FAMILY names whose device speaks; arguments
go to libFuzzer."""

import os
import sys

import atheris

with atheris.instrument_imports(include=["soundpost.wire", "soundpost.drivers", "fuzz.target"]):
    from fuzz.target import once

FAMILY = os.environ.get("FUZZ_FAMILY", "converge_pro2")


def said(data: bytes) -> None:
    once(data, FAMILY)


if __name__ == "__main__":
    atheris.Setup(sys.argv, said)
    atheris.Fuzz()
