// node-postgres through the pooler. Usage: node checks.js CHECK, with the URL in TIDEGATE_URL.
'use strict';
const assert = require('assert');
const { Client, Pool } = require('pg');

// Without its query: what sslmode means in a URL differs between drivers.
const connectionString = process.env.TIDEGATE_URL.replace(/\?.*/, '');
// The certificate of the gate under test is its own.
const ssl = process.env.TIDEGATE_TLS ? { rejectUnauthorized: false } : false;

async function withClient(use) {
  const client = new Client({ connectionString, ssl });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const checks = {
  async login() {
    await withClient(async (client) => {
      const { rows } = await client.query('SELECT current_user AS name');
      assert.strictEqual(rows[0].name, client.user);
    });
    const wrong = new URL(connectionString);
    wrong.password = 'not this one';
    const stranger = new Client({ connectionString: wrong.href, ssl });
    await assert.rejects(stranger.connect(), { code: '28P01' });
  },

  async statements() {
    await withClient(async (client) => {
      const pids = new Set();
      for (let n = 0; n < 40; n++) {
        const { rows } = await client.query({
          name: `plus-${n % 4}`,
          text: `SELECT pg_backend_pid() AS pid, $1::int + ${n % 4} AS sum`,
          values: [n],
        });
        assert.strictEqual(rows[0].sum, n + (n % 4));
        pids.add(rows[0].pid);
      }
      assert(pids.size > 1, 'one server answered everything');
    });
  },

  async transactions() {
    await withClient(async (client) => {
      await client.query('CREATE TABLE node_rows (n int PRIMARY KEY)');
      await client.query('BEGIN');
      await client.query('INSERT INTO node_rows VALUES ($1)', [1]);
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await client.query('INSERT INTO node_rows VALUES ($1)', [2]);
      await client.query('COMMIT');
      const { rows } = await client.query('SELECT n FROM node_rows');
      assert.deepStrictEqual(rows, [{ n: 2 }]);
    });
  },

  async errors() {
    await withClient(async (client) => {
      for (let n = 0; n < 5; n++) {
        await assert.rejects(client.query('SELECT 1 / $1::int', [0]), { code: '22012' });
        await assert.rejects(client.query('SELEC'), { code: '42601' });
        const { rows } = await client.query('SELECT $1::text AS text', ['fine']);
        assert.strictEqual(rows[0].text, 'fine');
      }
    });
  },

  async cancel() {
    await withClient(async (client) => {
      const sleeping = client.query('SELECT pg_sleep(30)');
      const rejected = assert.rejects(sleeping, { code: '57014' });
      await withClient(async (watcher) => {
        for (let running = false; !running;) {
          const { rows } = await watcher.query(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'");
          running = rows.length > 0;
        }
      });
      const canceller = new Client({ connectionString, ssl });
      canceller.connection.on('error', () => {}); // the gate just closes, as PostgreSQL does
      canceller.cancel(client, client.activeQuery);
      await rejected;
      const { rows } = await client.query('SELECT 1 AS one');
      assert.deepStrictEqual(rows, [{ one: 1 }]);
    });
  },

  async large() {
    await withClient(async (client) => {
      const value = 'x'.repeat(20 * 1024 * 1024);
      const { rows } = await client.query('SELECT $1::text AS text', [value]);
      assert(rows[0].text === value);
    });
  },

  async many() {
    const pool = new Pool({ connectionString, ssl, max: 50 });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => pool.query('SELECT $1::int AS n', [n])));
    answers.forEach(({ rows }, n) => assert.strictEqual(rows[0].n, n));
    await pool.end();
  },
};

checks[process.argv[2]]().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
