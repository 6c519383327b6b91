"""What the checks of other languages are run with: their `prepare` has put them under build/."""
import os
import subprocess
from pathlib import Path

import pytest

BUILT = Path(__file__).resolve().parents[2] / "build" / "drivers"


@pytest.fixture
def run_check(start_gate, database, warm):
    """run_check(command, tls) runs one check against a gate of its own with five warm servers."""
    def run(command, tls):
        gate = start_gate(tls={"sslmode": "require"} if tls else {})
        if tls:
            gate.defaults["sslmode"] = "require"
        warm(gate)
        database.execute(f"GRANT CREATE ON SCHEMA public TO {database.user}")
        environment = {**os.environ, "TIDEGATE_URL": gate.url(), **({"TIDEGATE_TLS": "1"} if tls else {})}
        done = subprocess.run(command, cwd=BUILT, env=environment, capture_output=True, text=True,
                              timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr

    return run
