"""Python imports this at the start of every process a test starts (tests/conftest.py puts this folder on PYTHONPATH)."""

import outside

outside.install()
