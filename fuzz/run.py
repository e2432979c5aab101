"""Coverage-guided fuzzing of target.once, by atheris (libFuzzer): `make fuzz`. Arguments go to libFuzzer."""

import sys

import atheris

with atheris.instrument_imports(include=["soundpost.wire", "soundpost.drivers", "fuzz.target"]):
    from fuzz.target import once

if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
