import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type ScriptedResponse, scriptDataApi } from '../../test/support/data-api-script.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { applyMigrations } from './migrations.ts'

const failure = (errorType: string, message = errorType, status = 400) => ({
  status,
  errorType,
  body: { message },
})
const RESUMING = failure('DatabaseResumingException')
const NO_TABLE = failure(
  'DatabaseErrorException',
  'ERROR: relation "latchkey_migrations" does not exist; Position: 26; SQLState: 42P01',
)
const NO_ROWS = { body: { records: [] } }
const BEGUN = { body: { transactionId: 'the transaction' } }
const LOCKED = { body: { records: [[{ booleanValue: true }]] } }
const TAKEN = { body: { records: [[{ booleanValue: false }]] } }
const HOLDER = {
  body: {
    records: [[{ stringValue: 'active' }, { longValue: 7 }, { stringValue: 'ALTER TABLE' }]],
  },
}
const RECORDED = { body: { records: [[{ stringValue: '001-a.sql' }]] } }
const CLOSED = { body: {} }

/** Migrates against scripted responses. `waits` are milliseconds. */
async function migrateByScript(t: TestContext, responses: readonly ScriptedResponse[]) {
  const { url, requests } = await scriptDataApi(t, responses)
  const folder = temporaryFolder(t)
  writeFileSync(`${folder}/001-a.sql`, 'CREATE TABLE a ()')
  const lines: string[] = []
  const waits: number[] = []
  const outcome = applyMigrations(migrationDatabase(t, url), {
    folder,
    say: (line) => lines.push(line),
    wait: async (milliseconds) => waits.push(milliseconds),
  })
  const [settled] = await Promise.allSettled([outcome])
  const applied = settled.status === 'fulfilled' ? settled.value : undefined
  const error = settled.status === 'rejected' ? String(settled.reason) : ''
  const paths = requests.map(({ path }) => path)
  return { applied, error, lines, waits, paths, requests }
}

test('a paused database is waited for, and that is reported once', async (t) => {
  const asleep = [RESUMING, failure('StatementTimeoutException'), RESUMING]
  const awake = [NO_TABLE, BEGUN, LOCKED, NO_ROWS, RECORDED, NO_ROWS, CLOSED]
  const { applied, lines, waits } = await migrateByScript(t, [...asleep, ...awake])
  assert.deepEqual(applied, ['001-a.sql'])
  assert.deepEqual(lines, ['Waiting for the database to resume', 'Applied 001-a.sql'])
  assert.deepEqual(waits, [5000, 5000, 5000])
})

test('a database that stays paused is an error after three minutes, any other error at once', async (t) => {
  const paused = await migrateByScript(t, Array<ScriptedResponse>(40).fill(RESUMING))
  assert.match(paused.error, /^DatabaseResumingException/)
  assert.equal(paused.waits.length * 5, 180)
  const denied = await migrateByScript(t, [failure('AccessDeniedException', '', 403)])
  assert.match(denied.error, /^AccessDeniedException/)
  assert.equal(denied.paths.length, 1)
})

test('another migrating process is polled for, in one transaction', async (t) => {
  const { applied, lines, requests } = await migrateByScript(t, [
    NO_TABLE,
    BEGUN,
    ...[TAKEN, HOLDER, TAKEN, LOCKED],
    ...[NO_ROWS, RECORDED, NO_ROWS, CLOSED],
  ])
  assert.deepEqual(applied, ['001-a.sql'])
  assert.equal(
    lines[0],
    'Waiting for another process that migrates this database: active, since 7 s: ALTER TABLE',
  )
  assert.equal(lines.length, 2)
  const sent = requests.map(({ body }) => JSON.stringify(body))
  assert.equal(sent.filter((line) => line.includes('pg_try_advisory_xact_lock')).length, 3)
  assert.ok(sent.slice(2).every((line) => line.includes('"transactionId":"the transaction"')))
})

test('a process that keeps the lock is an error after five minutes, with nothing left open', async (t) => {
  const taken = Array<ScriptedResponse>(600).fill(TAKEN)
  const script = [NO_TABLE, BEGUN, TAKEN, NO_ROWS, ...taken.slice(1), CLOSED]
  const { error, paths } = await migrateByScript(t, script)
  assert.match(error, /for five minutes/)
  assert.equal(paths.at(-1), '/RollbackTransaction')
})

test('no statement is retried after a lost response or a 5xx', async (t) => {
  for (const fault of [{ lost: true } as const, failure('InternalServerErrorException', '', 500)]) {
    const script = [NO_TABLE, BEGUN, LOCKED, NO_ROWS, RECORDED, fault, CLOSED]
    const { error, paths } = await migrateByScript(t, script)
    assert.match(error, /^Error: The migration 001-a.sql failed at statement 1 of 1: \w+: /)
    assert.equal(paths.length, script.length)
    assert.equal(paths.at(-1), '/RollbackTransaction')
  }
})
