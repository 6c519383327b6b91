#!/usr/bin/env python3
"""Two psql commands for a database and the pooler in front of it, from the database's URL.

  psql_lines.py ADDRESS     DATABASE_URL from the environment; ADDRESS is where the pooler listens

The URL's own parameters stay, as far as psql knows them. Its password is never repeated. What says
how to reach the database itself (host, TLS, ...) goes with the direct line only: towards the pooler
that is another host, on loopback and in clear.
"""
import os
import shlex
import sys
from urllib.parse import quote, unquote

OF_THE_SESSION = {"application_name", "client_encoding", "connect_timeout",
                  "fallback_application_name", "options"}
OF_THE_WAY = {"channel_binding", "gssencmode", "gsslib", "host", "hostaddr", "keepalives",
              "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
              "load_balance_hosts", "passfile", "port", "requirepeer", "service",
              "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslcompression",
              "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslrootcert", "sslsni",
              "target_session_attrs", "tcp_user_timeout", "user", "dbname"}


def take_apart(url):
    """(user, hosts, database, parameters); user and database decoded, "" when not there."""
    rest, _, query = url.partition("://")[2].partition("?")
    authority, _, database = rest.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    parameters = [(unquote(key), unquote(value)) for key, _, value in pairs]
    named = dict(parameters)
    user = unquote(userinfo.partition(":")[0]) if at else named.get("user", "")
    return user, hosts, unquote(database) or named.get("dbname", ""), parameters


def put_together(user, hosts, database, parameters):
    name = quote(user, safe="") + "@" if user else ""
    url = f"postgres://{name}{hosts}/{quote(database, safe='')}"
    query = "&".join(f"{key}={quote(value, safe='/:,')}" for key, value in parameters)
    return url + ("?" + query if query else "")


def lines(url, address):
    user, hosts, database, parameters = take_apart(url)
    session = [(key, value) for key, value in parameters if key in OF_THE_SESSION
               # Words for the database's own proxy ("endpoint=..."), which the pooler passes on.
               and (key != "options" or value.startswith("-"))]
    way = [(key, value) for key, value in parameters
           if key in OF_THE_SESSION or key in OF_THE_WAY - {"user", "dbname"}]
    if address.startswith("unix:"):
        directory, _, port = address.removeprefix("unix:").rpartition("/.s.PGSQL.")
        session = [("host", directory), ("port", port), *session]
        address = ""
    pooled = put_together(user, address, database or user, session)
    direct = put_together(user, hosts, database, way)
    return [f"psql {shlex.quote(pooled)}    # pooled", f"psql {shlex.quote(direct)}    # direct"]


if __name__ == "__main__":
    for line in lines(os.environ["DATABASE_URL"], sys.argv[1]):
        print("  " + line)
