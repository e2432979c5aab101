"""Whether a test may have a namespace of its own (Linux), and if not, what stands in the way, in that machine's own words."""

import subprocess


def hindrance(what: str, *command: str) -> str:
    """ "" when the command works here; else what to print where the test is left out."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"NOT PROVED HERE: {what}. `{' '.join(command)}` says: {error}"
    said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    return f"NOT PROVED HERE: {what}. `{' '.join(command)}` says: {said}" if done.returncode else ""
