import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  ExecuteStatementCommand,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import { createClient } from '../../../test/support/data-api-script.ts'
import { serveDatabase } from '../../../test/support/database.ts'
import { DB_SECRET_ARN } from '../../../test/support/handler.ts'
import { openMigratedPglite } from '../../../test/support/pglite.ts'
import { NO_SERVER, temporaryDatabase } from '../../../test/support/temporary-database.ts'
import { connectPostgres } from './postgres-engine.ts'

/** Statements that change the role of their session, outside a transaction. */
const CHANGES = [
  'SET ROLE latchkey_app',
  'RESET ROLE',
  'SET SESSION AUTHORIZATION latchkey_app',
  'RESET SESSION AUTHORIZATION',
  "SELECT set_config('role', 'latchkey_app', false)",
  "SELECT set_config('role', 'none', false)",
  "SELECT set_config('session_authorization', 'latchkey_app', false)",
  "DO $$ BEGIN PERFORM set_config('role', 'latchkey_app', false); END $$",
  "DO $$ BEGIN PERFORM set_config('session_authorization', 'latchkey_app', false); END $$",
]

const WHO = 'SELECT current_user::text'
const DENIED = { name: 'DatabaseErrorException', message: /SQLState: 42501$/ }

const ENGINES = [
  { on: 'PGlite', skip: false, open: openMigratedPglite },
  {
    on: 'a Postgres server',
    skip: NO_SERVER,
    open: async (t: Parameters<typeof temporaryDatabase>[0]) =>
      connectPostgres(await temporaryDatabase(t)),
  },
] as const

for (const { on, skip, open } of ENGINES) {
  test(`roles, on ${on}`, { skip }, async (t) => {
    const { url, query, close } = await serveDatabase(await open(t))
    t.after(close)
    const client = createClient(t, url)
    const by = (secretArn: string) => {
      const target = { resourceArn: 'arn:aws:rds:…', secretArn, database: 'latchkey' }
      const execute = async (sql: string, transactionId?: string) => {
        const command = new ExecuteStatementCommand({ ...target, sql, transactionId })
        return (await client.send(command)).records?.[0]?.[0]?.stringValue
      }
      return {
        execute,
        batch: (sql: string) =>
          client.send(new BatchExecuteStatementCommand({ ...target, sql, parameterSets: [[]] })),
        /** Runs the statements in a transaction, and always rolls it back. */
        async inTransaction(...statements: readonly string[]) {
          const { transactionId = '' } = await client.send(new BeginTransactionCommand(target))
          try {
            let value: string | undefined
            for (const sql of statements) value = await execute(sql, transactionId)
            return value
          } finally {
            await client.send(new RollbackTransactionCommand({ ...target, transactionId }))
          }
        },
      }
    }
    const app = by(DB_SECRET_ARN)
    const other = by('arn:aws:secretsmanager:…:secret:other')
    const [[owner = null] = []] = await query(
      'SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()',
    )

    /** Sequential calls share a session on a server too. */
    async function assertUnchanged() {
      assert.equal(await app.execute(WHO), 'latchkey_app')
      assert.equal(await other.execute(WHO), owner)
      assert.deepEqual(await query(WHO), [[owner]])
    }

    await t.test("a statement without a GRANT fails for the function's ARN only", async () => {
      const sql = 'SELECT created_at FROM users'
      await assert.rejects(app.execute(sql), DENIED)
      await assert.rejects(app.batch(sql), DENIED)
      await app.execute('SELECT username FROM users')
      await other.execute(sql)
    })

    await t.test('a transaction has the role of the ARN that began it', async () => {
      assert.equal(await app.inTransaction(WHO), 'latchkey_app')
      assert.equal(await other.inTransaction(WHO), owner)
      await assertUnchanged()
    })

    await t.test('a transaction that fails leaves no role behind', async () => {
      const change = "SELECT set_config('role', 'latchkey_app', false)"
      for (const { inTransaction } of [app, other]) {
        await assert.rejects(inTransaction(change, 'SELECT 1 / 0'), /SQLState: 22012$/)
        await assertUnchanged()
      }
    })

    for (const sql of CHANGES) {
      await t.test(`no later call has the role of: ${sql}`, async () => {
        for (const { execute, inTransaction } of [app, other]) {
          await execute(sql)
          await assertUnchanged()
          await inTransaction(sql)
          await assertUnchanged()
        }
      })
    }
  })
}
