"""tokio-postgres: its own tests, which its crate brings along."""
import re
import shutil

from suites import reports, sources

NAME = "tokio-postgres"
MINUTES = 10
VERSION = "0.7.12"
KNOWN = {"^notices$": "a login with a name that is too long is not told that it is cut off"}
USERS = ("pass_user", "md5_user", "scram_user")
# Where the tests are to go, in the words of where they went.
HERE = '''
fn here(there: &str) -> &'static str {
    let port = std::env::var("PGPORT").unwrap();
    let here = there.replace("5433", &port).replace("user=postgres", "user=postgres password=postgres");
    Box::leak(here.into_boxed_str())
}
'''
FEATURES = "with-bit-vec-0_6 with-chrono-0_4 with-serde_json-1 with-uuid-1"


def prepare(there):
    """The tests know one address and one user without a password; here the environment names them."""
    sources.needs("cargo")
    crate = sources.own("tokio-postgres") or fetched(there)
    shutil.copytree(crate, there / "tokio-postgres", dirs_exist_ok=True)
    tests = there / "tokio-postgres" / "tests" / "test"
    for file in tests.rglob("*.rs"):
        if file.name != "parse.rs":  # it connects to nothing
            file.write_text(pointed_elsewhere(file.read_text()))
    with (tests / "main.rs").open("a") as main:
        main.write(HERE)
    sources.run("cargo", "test", "--no-run", "--features", FEATURES, "--test", "test",
                cwd=there / "tokio-postgres")


def fetched(there):
    """By cargo, as a dependency of nothing."""
    empty = there / "empty"
    (empty / "src").mkdir(parents=True, exist_ok=True)
    (empty / "src" / "lib.rs").write_text("")
    (empty / "Cargo.toml").write_text('[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n'
                                      f'[dependencies]\ntokio-postgres = "={VERSION}"\n')
    sources.run("cargo", "vendor", "--quiet", "vendor", cwd=empty)
    return empty / "vendor" / "tokio-postgres"


def pointed_elsewhere(text):
    """A literal of format! has to stay one."""
    def point(match):
        where = match[1]
        return f'"{where.replace(" ", " password=postgres ", 1)}"' if "{" in where else f'crate::here("{where}")'

    return re.sub(r'(?<!\w)"([^"]*(?:\b5433\b|user=postgres\b)[^"]*)"', point, text)


def make_ready(server):
    with server.connect() as connection:
        for user in USERS:
            connection.execute(f"CREATE USER {user} PASSWORD 'password'")
        for extension in ("hstore", "citext", "ltree"):
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    return {user: "password" for user in USERS}


def run(there, target):
    log = target.directory / "log"
    reports.run(["cargo", "test", "--features", FEATURES, "--test", "test"], log, MINUTES * 60,
                cwd=there / "tokio-postgres", env=target.environment())
    return reports.cargo_lines(log)
