"""psycopg 3 (libpq, pipelines included) and asyncpg, as their users use them."""
import asyncio

import asyncpg
import psycopg
import pytest


@pytest.fixture
def table(database):
    database.execute("CREATE TABLE things (id int PRIMARY KEY, name text, stamp timestamptz,"
                     f" tags text[], data jsonb); GRANT ALL ON things TO {database.user}")


def test_libpq_pipeline(gate, database, table, warm):
    warm(gate)
    with gate.connect() as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int * 2", (number,), prepare=True)
                       for number in range(200)]
            assert [cursor.fetchone()[0] for cursor in cursors] == [n * 2 for n in range(200)]


def test_libpq_pipeline_with_an_error_in_the_middle(gate, database, table):
    with gate.connect() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            with connection.pipeline():
                for number in (1, 2, 1, 3):
                    connection.execute("INSERT INTO things (id) VALUES (%s)", (number,))
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with connection.pipeline() as pipeline:
            first = connection.execute("SELECT 1 / %s", (0,))
            with pytest.raises(psycopg.errors.DivisionByZero):
                pipeline.sync()
                first.fetchone()
            second = connection.execute("SELECT 'after'")
            pipeline.sync()
            assert second.fetchone() == ("after",)


def test_pipelined_transactions(gate, table):
    with gate.connect() as connection:
        with connection.pipeline(), connection.transaction():
            for number in range(50):
                connection.execute("INSERT INTO things (id, name) VALUES (%s, %s)",
                                   (number, f"n{number}"))
        assert connection.execute("SELECT count(*), max(name) FROM things").fetchone() == (50, "n9")


def test_psycopg_types_and_executemany(gate, table):
    with gate.connect() as connection, connection.cursor(binary=True) as cursor:
        cursor.executemany("INSERT INTO things VALUES (%s, %s, now(), %s, %s::jsonb)",
                           [(n, f"wasser {n}", [f"a{n}", "b"], '{"n": %d}' % n) for n in range(100)])
        cursor.execute("SELECT name, tags, data FROM things WHERE id = %s", (42,))
        assert cursor.fetchone() == ("wasser 42", ["a42", "b"], {"n": 42})


def test_psycopg_server_side_cursor(gate):
    with gate.connect(autocommit=False) as connection:
        with connection.cursor(name="walk") as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT generate_series(1, 1000)")
            assert sum(value for value, in cursor) == 500_500


def asyncpg_connect(gate, **options):
    values = gate.parameters()
    return asyncpg.connect(host=values["host"], port=values["port"], user=values["user"],
                           password=values["password"], database=values["dbname"], ssl=False,
                           **options)


def test_asyncpg_statements_and_transactions(gate, table, warm):
    warm(gate)

    async def use():
        connection = await asyncpg_connect(gate)
        for number in range(30):
            assert await connection.fetchval("SELECT $1::int + 1", number) == number + 1
        statement = await connection.prepare("SELECT $1::text || '!'")
        assert [await statement.fetchval(f"v{n}") for n in range(10)] == [f"v{n}!" for n in range(10)]
        async with connection.transaction():
            await connection.executemany("INSERT INTO things (id, name) VALUES ($1, $2)",
                                         [(n, str(n)) for n in range(500)])
            total = 0
            async for record in connection.cursor("SELECT id FROM things"):
                total += record["id"]
            assert total == sum(range(500))
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO things (id) VALUES (1)")
        assert await connection.fetchval("SELECT count(*) FROM things") == 500
        await connection.close()

    asyncio.run(asyncio.wait_for(use(), 60))


@pytest.mark.parametrize("servers", [1, 5])
def test_asyncpg_names_the_columns_that_are_there(start_gate, warm, database, table, servers):
    """It asks for the columns once, and prepares anew when it is told that they changed: also by a
    server that did not have the statement before, of those that are handed out in turn."""
    gate = start_gate(route={"pool_size": servers})
    warm(gate, servers)

    async def use():
        connection = await asyncpg_connect(gate)
        await connection.execute("INSERT INTO things (id, name) VALUES (1, 'one')")
        assert (await connection.fetchrow("SELECT * FROM things"))["name"] == "one"
        database.execute("ALTER TABLE things DROP COLUMN name; ALTER TABLE things ADD title text")
        row = await connection.fetchrow("SELECT * FROM things")
        assert (list(row.keys()), row["title"]) == (["id", "stamp", "tags", "data", "title"], None)
        await connection.close()

    asyncio.run(asyncio.wait_for(use(), 60))


def test_asyncpg_pool_of_many_tasks(gate, warm):
    warm(gate)

    async def use():
        values = gate.parameters()
        async with asyncpg.create_pool(
                host=values["host"], port=values["port"], user=values["user"], ssl=False,
                password=values["password"], database=values["dbname"], min_size=5,
                max_size=20) as pool:
            async def one(number):
                async with pool.acquire() as connection:
                    return await connection.fetchval("SELECT $1::int", number)
            assert await asyncio.gather(*map(one, range(400))) == list(range(400))

    asyncio.run(asyncio.wait_for(use(), 60))


def test_asyncpg_copy_and_cancel(gate, table):
    async def use():
        connection = await asyncpg_connect(gate)
        records = [(n, f"name {n}") for n in range(5000)]
        await connection.copy_records_to_table("things", records=records, columns=["id", "name"])
        assert await connection.fetchval("SELECT count(*) FROM things") == 5000
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetchval("SELECT pg_sleep(35)", timeout=0.3)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()

    asyncio.run(asyncio.wait_for(use(), 60))
