"""What holds for every unit test."""

from tests.support.told import each_error_is_named

__all__ = ["each_error_is_named"]
