"""What script/run prints for a DATABASE_URL: two lines that psql understands, and no password."""
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

PROGRAM = Path(__file__).resolve().parents[2] / "script" / "lib" / "psql_lines.py"


def lines(url, address="127.0.0.1:6432"):
    done = subprocess.run([PROGRAM, address], env={**os.environ, "DATABASE_URL": url},
                          capture_output=True, text=True, timeout=30, check=True)
    pooled, direct = done.stdout.splitlines()
    assert pooled.endswith("# pooled") and direct.endswith("# direct")
    return [conninfo_to_dict(shlex.split(line, comments=True)[1]) for line in (pooled, direct)]


def test_parameters_are_kept_and_the_password_is_not_repeated():
    pooled, direct = lines("postgres://al%20ice:se%40cret@db.example:5433/my%20shop?sslmode=require"
                           "&options=-c%20search_path%3Da,b&application_name=it's%20mine&pool_size=5")
    session = {"options": "-c search_path=a,b", "application_name": "it's mine"}
    assert direct == {"user": "al ice", "host": "db.example", "port": "5433", "dbname": "my shop",
                      "sslmode": "require", **session}
    assert pooled == {"user": "al ice", "host": "127.0.0.1", "port": "6432", "dbname": "my shop",
                      **session}


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "postgres://u@h/d?password=hunter2",
                                 "postgres://u:hunter2@h/d?sslmode=require&password=hunter2"])
def test_no_form_of_the_password_is_printed(url):
    done = subprocess.run([PROGRAM, "127.0.0.1:6432"], env={**os.environ, "DATABASE_URL": url},
                          capture_output=True, text=True, timeout=30, check=True)
    assert "hunter2" not in done.stdout + done.stderr


def test_other_ways_to_a_database():
    pooled, direct = lines("postgres:///shop?host=/run/postgresql&port=5433&user=app")
    assert direct == {"host": "/run/postgresql", "port": "5433", "user": "app", "dbname": "shop"}
    assert pooled == {"host": "127.0.0.1", "port": "6432", "user": "app", "dbname": "shop"}
    pooled, direct = lines("postgres://u:p@a:1,b:2/d?options=endpoint%3Dcool&sslrootcert=/ca.pem")
    assert (direct["host"], direct["port"]) == ("a,b", "1,2")
    assert (direct["options"], direct["sslrootcert"]) == ("endpoint=cool", "/ca.pem")
    assert "options" not in pooled and "sslrootcert" not in pooled
    pooled, _ = lines("postgres://u:p@h/", "unix:/run/tidegate/.s.PGSQL.6432")
    assert pooled == {"host": "/run/tidegate", "port": "6432", "user": "u", "dbname": "u"}
