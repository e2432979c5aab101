"""Benchmarks anyone can rerun: `soundpost bench [name|all] [--json]`. Never part of the tests. See README.md."""
