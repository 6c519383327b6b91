"""The command line: serve with a URL, with TOML, with pgbouncer.ini; check; what goes wrong."""
import os
import resource
import signal
import socket
import subprocess

import psycopg
import pytest

from harness.gate import PROGRAM, configuration
from harness.waiting import eventually


def run(*arguments, environment=None):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **(environment or {})})


def url_of(database):
    return database.postgres.url(database.user, database.password.replace(" ", "%20"),
                                 database.name)


def test_serve_upstream_needs_no_file(start_gate, database):
    gate = start_gate(["--upstream", url_of(database)])
    assert gate.host == "127.0.0.1"
    with gate.connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (database.user,)
    with pytest.raises(psycopg.OperationalError):
        gate.connect(password="not this one")


def test_serve_takes_database_url(start_gate, database):
    gate = start_gate([], environment={"DATABASE_URL": url_of(database)})
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_password_in_argv_is_overwritten(start_gate, database):
    gate = start_gate(["--upstream", url_of(database)])
    with open(f"/proc/{gate.pid}/cmdline", "rb") as cmdline:
        assert b"s3cret" not in cmdline.read()


def test_a_core_dump_would_hold_no_memory(start_gate, database):
    gate = start_gate(["--upstream", url_of(database)])
    with open(f"/proc/{gate.pid}/coredump_filter", encoding="ascii") as kinds_of_memory:
        assert int(kinds_of_memory.read(), 16) == 0
    assert gate.descriptors() > 0, "looking at it is still allowed"


def test_serve_pgbouncer_ini(start_gate, database, tmp_path):
    postgres = database.postgres
    users = tmp_path / "userlist.txt"
    users.write_text(f'"{database.user}" "{database.password}"\n')
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text(f"""
        [databases]
        {database.name} = host={postgres.host} port={postgres.port} pool_size=3
        alias = host={postgres.host} port={postgres.port} dbname={database.name}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = 6432
        auth_type = scram-sha-256
        auth_file = {users}
        pool_mode = transaction
        max_client_conn = 50
        server_round_robin = 1
        ignore_startup_parameters = extra_float_digits
        admin_users = {database.user}
    """)
    gate = start_gate(["--config", str(ini)])
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with gate.connect(dbname="alias") as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (database.name,)


def test_an_ini_without_databases_starts(start_gate, database, tmp_path):
    """As Debian installs it, but for the paths."""
    users = tmp_path / "userlist.txt"
    users.write_text("")
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text(f"""
        ;; database name = connect string
        [databases]
        ; foodb =
        [users]
        [pgbouncer]
        logfile = {tmp_path / "pgbouncer.log"}
        pidfile = {tmp_path / "pgbouncer.pid"}
        listen_addr = localhost
        listen_port = 6432
        unix_socket_dir = {tmp_path}
        auth_type = md5
        auth_file = {users}
    """)
    checked = run("check", ini)
    assert checked.returncode == 0, checked.stdout
    warning, summary = checked.stdout.splitlines()
    assert "[databases] has no line" in warning and "0 upstreams" in summary
    users.write_text(f'"{database.user}" "{database.password}"\n')
    gate = start_gate(["--config", ini])
    with pytest.raises(psycopg.OperationalError, match="no such database"):
        gate.connect()


def test_secrets_come_from_the_environment(start_gate, database, tmp_path):
    file = tmp_path / "tidegate.toml"
    file.write_text(configuration(database, users={database.user: {"password": "${APP_PASSWORD}"}}))
    gate = start_gate(["--config", str(file)], environment={"APP_PASSWORD": database.password})
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_check_accepts_what_serve_accepts(database, tmp_path):
    file = tmp_path / "good.toml"
    file.write_text(configuration(database))
    assert run("check", file).returncode == 0


def test_check_and_serve_say_the_same_of_files_that_are_not_there(database, tmp_path):
    file = tmp_path / "tidegate.toml"
    zeros = "A" * 43 + "="
    file.write_text(configuration(
        database, top={"pid_file": "run/tidegate.pid", "listen": ["127.0.0.1:0"]},
        tls={"sslmode": "require", "cert_file": "zz.crt", "key_file": "zz.key"},
        upstream={"sslmode": "verify-full", "tls_ca_file": "zz"},
        users={"ann": {"password": f"SCRAM-SHA-256$4096:abc$xx:{zeros}"}}))
    checked, served = run("check", file), run("serve", "--config", file)
    said = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert checked.returncode == served.returncode == 1
    assert [line for line in served.stderr.splitlines() if ": error: " in line] == said
    for setting, what in (("pid_file", "cannot be made in the folder"), ("cert_file", "zz.crt"),
                          ("key_file", "zz.key"), ("tls_ca_file", "zz"), (None, "SCRAM key of user")):
        line, = (line for line in said if what in line and (not setting or f"`{setting}`" in line))
        number = int(line.removeprefix(f"{file}:").split(":")[0])
        written = file.read_text().splitlines()[number - 1]
        assert written.startswith(setting or "password"), line


def test_one_mistake_is_one_error(database, tmp_path):
    file = tmp_path / "tidegate.toml"
    file.write_text(configuration(database, users={"ann": {"pasword": "x"}}))
    done = run("check", file)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1 and "did you mean `password`?" in errors[0]


def test_check_names_line_column_and_the_word_that_was_meant(database, tmp_path):
    file = tmp_path / "bad.toml"
    text = configuration(database).replace("pool_size", "pool_sise")
    file.write_text(text)
    done = run("check", file)
    assert done.returncode != 0
    line = text[:text.index("pool_sise")].count("\n") + 1
    assert f"bad.toml:{line}:1" in done.stdout + done.stderr
    assert "pool_size" in done.stdout + done.stderr


def test_check_says_where_a_setting_belongs(database, tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(configuration(database, top={"pool_size": 5}))
    done = run("check", file)
    assert done.returncode == 1
    assert "unknown key `pool_size`: it belongs in [pool] or [route.NAME]" in done.stdout


@pytest.mark.parametrize("text", ["listen = [", "workers = -3", "workers = 0", 'workers = "many"', "[nonsense]\na = 1"])
def test_serve_refuses_a_bad_file(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    done = run("serve", "--config", file)
    assert done.returncode != 0
    assert "bad.toml" in done.stdout + done.stderr


def test_serve_without_anything_says_what_is_needed():
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    done = subprocess.run([PROGRAM, "serve"], capture_output=True, text=True, timeout=30,
                          env=environment)
    assert done.returncode != 0
    assert "--upstream" in done.stdout + done.stderr


def test_a_taken_port_is_an_error(start_gate, database):
    gate = start_gate()
    done = run("serve", "--upstream", url_of(database), "--listen", f"127.0.0.1:{gate.port}")
    assert done.returncode != 0
    assert str(gate.port) in done.stdout + done.stderr


def test_every_taken_port_is_named(start_gate, database):
    ports = [start_gate().port, start_gate().port]
    listen = [word for port in ports for word in ("--listen", f"127.0.0.1:{port}")]
    done = run("serve", "--upstream", url_of(database), *listen)
    assert done.returncode == 1
    for port in ports:
        assert f"127.0.0.1:{port}" in done.stderr


def test_a_name_may_be_listened_on(start_gate):
    gate = start_gate(listen=["localhost:0"])
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_address_may_be_written_twice(start_gate, tmp_path_factory):
    """As PgBouncer has it, and as `localhost` and `127.0.0.1` in one list are."""
    door = f"{tmp_path_factory.mktemp('s')}:6432"
    gate = start_gate(listen=["127.0.0.1:0", door, door])
    assert len(gate.addresses) == 2
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def has_ipv6():
    """It may be switched off."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
        return True
    except OSError:
        return False


def test_a_star_listens_to_both_families(start_gate):
    gate = start_gate(listen=["*:0"])
    hosts = [address.rsplit(":", 1)[0] for address in gate.addresses]
    assert hosts == ["0.0.0.0"] + ["[::]"] * has_ipv6()
    for address in gate.addresses:
        host, port = address.rsplit(":", 1)
        loopback = "127.0.0.1" if host == "0.0.0.0" else "::1"
        with gate.connect(host=loopback, port=port) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_is_listened_on_instead_is_all_that_counts(start_gate, database, tmp_path):
    """A file for another machine can be tried here."""
    file = tmp_path / "tidegate.toml"
    file.write_text(configuration(database, top={"listen": ["192.0.2.7:6432"]}))
    done = run("serve", "--config", file)
    assert done.returncode == 1
    assert f"{file}:" in done.stderr and "cannot listen on `192.0.2.7`" in done.stderr
    assert run("check", file).returncode == 1
    gate = start_gate(["--config", file])
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_version_and_help():
    assert run("--version").stdout.strip() != ""
    assert "serve" in run("--help").stdout


def test_sighup_says_that_the_configuration_is_not_read_again(start_gate):
    gate = start_gate()
    gate.process.send_signal(signal.SIGHUP)
    eventually(lambda: "SIGHUP" in gate.log(), what="the signal in the log")
    assert "takes a restart" in gate.log()


def test_sighup_does_not_say_that_a_log_was_opened_that_could_not_be(start_gate, tmp_path):
    log = tmp_path / "gate.log"
    gate = start_gate(more={"log": {"file": str(log)}})
    eventually(lambda: "event=listening" in log.read_text(), what="the log")
    kept = log.rename(tmp_path / "gate.log.1")
    gate.process.send_signal(signal.SIGHUP)
    eventually(lambda: log.exists() and "log file opened anew" in log.read_text(), what="the new log")
    kept = log.rename(tmp_path / "gate.log.2")
    log.mkdir()
    gate.process.send_signal(signal.SIGHUP)
    eventually(lambda: "cannot open the log file" in kept.read_text(), what="the failure in the log")
    assert kept.read_text().count("opened anew") == 1


def test_a_log_file_has_the_warnings_of_the_start_too(start_gate, tmp_path):
    """Nobody may read the standard error of a daemon."""
    log = tmp_path / "tidegate.log"
    gate = start_gate(upstream={"retry_first": "9s", "retry_max": "1s"},
                      more={"log": {"file": str(log)}})
    assert "is longer than `retry_max`" in gate.log()
    line = eventually(lambda: next((line for line in log.read_text().splitlines()
                                    if "is longer than `retry_max`" in line), None))
    assert "level=warning" in line and "tidegate.toml:" in line


def test_a_log_file_that_is_a_pipe_without_reader_holds_nothing_up(start_gate, tmp_path):
    pipe = tmp_path / "gate.log"
    os.mkfifo(pipe)
    gate = start_gate(more={"log": {"file": str(pipe)}})
    eventually(lambda: "event=listening" in gate.log(), what="the log on standard error")
    assert "nobody reads it" in gate.log()


@pytest.mark.parametrize("asked, word", [(signal.SIGUSR1, "SIGUSR1: PAUSE"), (signal.SIGUSR2, "SIGUSR2: RESUME")])
def test_pgbouncers_signals_for_pause_and_resume_end_nothing(start_gate, wire, asked, word):
    gate = start_gate()
    client = wire(gate)
    client.ask("BEGIN")
    gate.process.send_signal(asked)
    line = eventually(lambda: next((line for line in gate.log().splitlines() if word in line), None),
                      what="the signal in the log")
    assert "level=warning" in line and "not there yet" in line
    assert client.ask("SELECT 1") == [("1",)]
    client.ask("COMMIT")


def test_help_names_the_signals():
    said = run("serve", "--help").stdout
    for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        assert name in said


def test_pid_file_is_held_and_removed(start_gate, database, tmp_path):
    pid_file = tmp_path / "gate.pid"
    gate = start_gate(top={"pid_file": str(pid_file)})
    assert pid_file.read_text() == f"{gate.pid}\n"
    config = tmp_path / "second.toml"
    config.write_text(configuration(database, top={"pid_file": str(pid_file)}))
    done = run("serve", "--config", config, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert f"held by process {gate.pid}" in done.stderr
    assert pid_file.read_text() == f"{gate.pid}\n"
    gate.may_have_left = True
    gate.stop()
    assert not pid_file.exists()


def test_too_few_descriptors_are_said_at_once(start_gate, database, tmp_path):
    """At the check and at the start, in one line that says what to do."""
    config = tmp_path / "big.toml"
    config.write_text(configuration(database, top={"clients_max": 5000}))

    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    done = subprocess.run([PROGRAM, "check", config], capture_output=True, text=True, timeout=30,
                          preexec_fn=limited)
    assert done.returncode == 0
    warning, = [line for line in done.stdout.splitlines() if "file descriptors" in line]
    assert "the limit is 1024" in warning and "LimitNOFILE" in warning
    gate = start_gate(["--config", config], preexec=limited)
    eventually(lambda: "event=listening" in gate.log(), what="the log of the start")
    assert "file descriptors may run out" in gate.log()
    gate = start_gate(["--config", config])
    eventually(lambda: "event=listening" in gate.log(), what="the log of the start")
    assert "file descriptors may run out" not in gate.log()
