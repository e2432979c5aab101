"""The same real processes the tests use."""

from tests.support.programs import CLOCK, Api, Program, eventually

__all__ = ["CLOCK", "Api", "Program", "eventually"]
