"""postgres.js: its own tests. npm has the driver without them: they come from its repository, if somebody has
put that into build/suites/sources/postgres.js."""
import re
import shutil
from pathlib import Path

from suites import reports, sources, stage

NAME = "postgres.js"
MINUTES = 3
USERS = {"postgres_js_test": stage.PASSWORD, "postgres_js_test_md5": "postgres_js_test_md5",
         "postgres_js_test_scram": "postgres_js_test_scram"}
KNOWN = {
    "^listen reconnects|^listen result reports": "ends a server by the process id that the client was told, which is Tidegate's",
    "^subscribe": "replication connections are refused: they go past a pooler",
}


def prepare(there):
    sources.needs("node")
    repository = sources.own("postgres.js")
    if repository is None:
        raise sources.Unavailable("no registry has its tests")
    shutil.copytree(repository, there / "postgres.js", dirs_exist_ok=True)
    tests = there / "postgres.js" / "tests"
    harness = (tests / "test.js").read_text()
    # One that fails is not the end: the others are of interest, too.
    harness = harness.replace("failed = true\n", "\n").replace("failed = tests[line].error", "tests[line].error")
    harness = re.sub(r"tests\[line\]\.failed = failed = true", "tests[line].failed = true", harness)
    harness = harness.replace("process.stdout.write('✅')", "console.log('passed: ' + name)")
    harness = harness.replace("tests[line].error = err instanceof",
                              "console.log('failed: ' + name); console.log(err); tests[line].error = err instanceof")
    (tests / "test.js").write_text(harness)
    # Nobody is let in without a password here; the driver takes PGPASSWORD.
    users = (tests / "bootstrap.js").read_text()
    users = users.replace("'create user postgres_js_test'", f"'create user postgres_js_test password \\'{stage.PASSWORD}\\''")
    # What the pass before has left may still be connected to its database.
    users = users.replace("exec('dropdb', [", "exec('dropdb', ['--force', ")
    (tests / "bootstrap.js").write_text(users)


def make_ready(_):
    return USERS


def run(there, target):
    log = target.directory / "log"
    reports.run(["node", "--unhandled-rejections=warn", "index.js"], log, MINUTES * 60, cwd=there / "postgres.js" / "tests",
                env=target.environment())
    outcomes = {}
    for line in Path(log).read_text(errors="replace").splitlines():
        word, _, name = line.partition(": ")
        if word in (reports.PASSED, reports.FAILED):
            outcomes[name] = word
    return outcomes
