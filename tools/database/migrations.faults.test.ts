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
const ENDED = { body: { transactionStatus: 'ended' } }

function folderWithOne(t: TestContext): string {
  const folder = temporaryFolder(t)
  writeFileSync(`${folder}/001-a.sql`, 'CREATE TABLE a ()')
  return folder
}

/** Migrates against scripted responses; `lines` is what was reported, `waits` are milliseconds. */
async function migrateByScript(t: TestContext, answers: readonly ScriptedResponse[]) {
  const { url, requests } = await scriptDataApi(t, answers)
  const lines: string[] = []
  const waits: number[] = []
  const outcome = applyMigrations(migrationDatabase(t, url), {
    folder: folderWithOne(t),
    say: (line) => lines.push(line),
    wait: async (milliseconds) => waits.push(milliseconds),
  })
  const [settled] = await Promise.allSettled([outcome])
  const paths = requests.map(({ path }) => path)
  return { settled, lines, waits, paths, requests }
}

test('a paused database is waited for, and that is reported once', async (t) => {
  const asleep = [RESUMING, failure('StatementTimeoutException'), RESUMING]
  const applied = [NO_TABLE, BEGUN, LOCKED, NO_ROWS, RECORDED, NO_ROWS, ENDED]
  const { settled, lines, waits } = await migrateByScript(t, [...asleep, ...applied])
  assert.deepEqual(settled, { status: 'fulfilled', value: ['001-a.sql'] })
  assert.deepEqual(lines, ['Waiting for the database to resume', 'Applied 001-a.sql'])
  assert.deepEqual(waits, [5000, 5000, 5000])
})

test('a database that stays paused is given up after three minutes', async (t) => {
  const { settled, waits } = await migrateByScript(t, Array<ScriptedResponse>(40).fill(RESUMING))
  assert.equal(settled.status === 'rejected' && settled.reason.name, 'DatabaseResumingException')
  assert.equal(waits.length * 5, 180)
})

test('no other refusal is waited for', async (t) => {
  const { settled, paths } = await migrateByScript(t, [failure('AccessDeniedException', '', 403)])
  assert.equal(settled.status === 'rejected' && settled.reason.name, 'AccessDeniedException')
  assert.equal(paths.length, 1)
})

test('another process that migrates is waited for by asking, in one transaction', async (t) => {
  const { settled, lines, requests } = await migrateByScript(t, [
    NO_TABLE,
    BEGUN,
    ...[TAKEN, HOLDER, TAKEN, LOCKED],
    ...[NO_ROWS, RECORDED, NO_ROWS, ENDED],
  ])
  assert.equal(settled.status, 'fulfilled')
  assert.equal(
    lines[0],
    'Waiting for another process that migrates this database: active, since 7 s: ALTER TABLE',
  )
  assert.equal(lines.length, 2)
  const sent = requests.map(({ body }) => JSON.stringify(body))
  assert.equal(sent.filter((line) => line.includes('pg_try_advisory_xact_lock')).length, 3)
  assert.ok(sent.slice(2).every((line) => line.includes('"transactionId":"the transaction"')))
})

test('a process that never ends is given up after five minutes, and nothing is left open', async (t) => {
  const taken = Array<ScriptedResponse>(600).fill(TAKEN)
  const script = [NO_TABLE, BEGUN, TAKEN, NO_ROWS, ...taken.slice(1), ENDED]
  const { settled, paths } = await migrateByScript(t, script)
  assert.match(String(settled.status === 'rejected' && settled.reason), /for five minutes/)
  assert.equal(paths.at(-1), '/RollbackTransaction')
})

test('no statement is sent a second time after a lost response or a 5xx', async (t) => {
  for (const fault of [{ lost: true } as const, failure('InternalServerErrorException', '', 500)]) {
    const script = [NO_TABLE, BEGUN, LOCKED, NO_ROWS, RECORDED, fault, ENDED]
    const { settled, paths } = await migrateByScript(t, script)
    assert.match(
      String(settled.status === 'rejected' && settled.reason),
      /^Error: The migration 001-a.sql failed at statement 1 of 1: \w+: /,
    )
    assert.equal(paths.length, script.length)
    assert.equal(paths.at(-1), '/RollbackTransaction')
  }
})
