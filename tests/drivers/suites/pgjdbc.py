"""pgjdbc: its own tests, from the source archive that it publishes beside its jar."""
import shutil

from suites import reports, sources

NAME = "pgjdbc"
MINUTES = 40
VERSION = "42.7.4"
KNOWN = {
    "ScramTest|PasswordUtilTest|AuthenticationPluginTest":
        "logs in as users that it has just made, or whose password it has just changed: the pooler is not told",
    "CopyTest":
        "ends a server by the process id that the client was told, which is Tidegate's, and waits for the end",
}
# Of what needs another kind of server (replication, TLS with its certificates) or hours.
LEFT_OUT = ["org/postgresql/replication/**", "org/postgresql/test/ssl/**", "org/postgresql/test/hostchooser/**",
            "**/*LeakTest*"]


def prepare(there):
    sources.needs("java", "mvn")
    repository = sources.own("pgjdbc") or fetched()
    shutil.copytree(repository, there / "pgjdbc", dirs_exist_ok=True)
    pom = there / "pgjdbc" / "pom.xml"
    pom.write_text(pom.read_text().replace("timeout.default=5 m", "timeout.default=60 s"))
    sources.run("mvn", "-q", "-B", "test-compile",
                cwd=there / "pgjdbc")


def fetched():
    """By Maven, which finds its repository and its proxy as it does for everything else."""
    there = sources.SOURCES / ".maven"
    there.mkdir(parents=True, exist_ok=True)
    sources.run("mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                f"-Dartifact=org.postgresql:postgresql:{VERSION}:tar.gz:jdbc-src", f"-DoutputDirectory={there}",
                cwd=there)
    archive, = there.glob("*.tar.gz")
    sources.unpack(archive, sources.SOURCES / "pgjdbc")
    return sources.SOURCES / "pgjdbc"


def make_ready(server):
    with server.connect() as connection:
        connection.execute("CREATE USER test PASSWORD 'test'")
        connection.execute("CREATE DATABASE test OWNER test")
        for extension in ("hstore", "citext"):
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    with server.connect("test") as connection:
        for extension in ("hstore", "citext"):
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    return {"test": "test"}


def run(there, target):
    """Its settings lie in a file beside its pom, or are Java's properties."""
    package = there / "pgjdbc"
    shutil.rmtree(package / "target" / "surefire-reports", ignore_errors=True)
    values = {"server": target.host, "port": target.port, "secondaryServer1": target.host,
              "secondaryPort1": target.port, "secondaryServer2": target.host, "secondaryPort2": target.port,
              "database": "test", "username": "test", "password": "test",
              "privilegedUser": target.user, "privilegedPassword": target.password, "sspiusername": "test",
              "preparethreshold": "5", "loggerLevel": "OFF", "loggerFile": "", "protocolVersion": "0",
              "binaryTransfer": "true"}
    (package / "build.local.properties").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
    excluded = ",".join(f"!{path}" for path in LEFT_OUT)
    reports.run(["mvn", "-B", "org.apache.maven.plugins:maven-surefire-plugin:2.22.2:test", f"-Dtest=**/*Test.java,{excluded}",
                 "-Dmaven.test.failure.ignore=true", "-DfailIfNoTests=false"],
                target.directory / "log", MINUTES * 60, cwd=package, env=target.environment())
    return reports.junit(*(package / "target" / "surefire-reports").glob("TEST-*.xml"))
