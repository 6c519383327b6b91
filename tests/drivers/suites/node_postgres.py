"""node-postgres: its own tests, each file a run of its own, as its Makefile has it."""
import json
import shutil
import subprocess

from suites import reports, sources

NAME = "node-postgres"
SECONDS = 40  # of one file
HELPERS = {"async": "2.6.4", "bluebird": "3.7.2", "co": "4.6.0", "pg-copy-streams": "0.3.0"}
KNOWN = {
    "connection-pool/error-tests|gh-issues/130-tests":
        "ends the servers of idle clients by their process ids, but an idle client has none",
}


def prepare(there):
    """The driver with its dependencies comes from npm, at the version of its tests."""
    sources.needs("node", "npm")
    repository = sources.own("node-postgres") or sources.debian("node-postgres")
    package = repository / "packages" / "pg"
    version = json.loads((package / "package.json").read_text())["version"]
    there.mkdir(parents=True, exist_ok=True)
    shutil.copytree(package, there / "pg", dirs_exist_ok=True)
    described = json.loads((package / "package.json").read_text())
    described["devDependencies"] = HELPERS
    (there / "pg" / "package.json").write_text(json.dumps(described))
    sources.run("npm", "install", "--no-progress", "--no-audit", "--no-fund", "--legacy-peer-deps",
                cwd=there / "pg")
    assert version == described["version"]


def run(there, target):
    package = there / "pg"
    address = target.url()
    subprocess.run(["node", "script/create-test-tables.js", address], cwd=package, check=True,
                   env=target.environment(), capture_output=True, timeout=SECONDS)
    outcomes = {}
    for how in ([], ["binary"]):
        for file in sorted((package / "test" / "integration").rglob("*-tests.js")):
            name = " ".join([str(file.relative_to(package / "test" / "integration")), *how])
            log = target.directory / (name.replace("/", "_").replace(" ", "_") + ".log")
            status = reports.run(["node", file.relative_to(package), address, *how], log, SECONDS,
                                 cwd=package, env=target.environment())
            outcomes[name] = reports.PASSED if status == 0 else reports.FAILED
    return outcomes
