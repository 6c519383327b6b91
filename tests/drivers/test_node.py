"""node-postgres: the checks of node/checks.js, one test each."""
import pytest

CHECKS = ["login", "statements", "transactions", "errors", "cancel", "large", "many"]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_node_postgres(run_check, check, tls):
    run_check(["node", "node/checks.js", check], tls)
