"""pgx: the checks of go/main.go, one test each."""
import pytest

CHECKS = ["login", "statements", "transactions", "errors", "batch", "copy", "cancel", "large", "many"]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_pgx(run_check, check, tls):
    run_check(["./go/checks", check], tls)
