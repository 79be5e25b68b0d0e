import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { ACCOUNT } from './account.ts'

const HASH = await hash('correct horse battery', 4)

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())

/** A deployed stage with one user, Gary, whose account is paused. */
async function deployStage(t: TestContext) {
  await database.query('TRUNCATE users RESTART IDENTITY')
  await database.query(
    `INSERT INTO users (username, username_key, password, failures, paused_until, device_failures, fresh_failures)
    VALUES ('Gary', 'gary', $1, 7, now() + interval '4 seconds', 2, 3)`,
    [HASH],
  )
  const { env } = await serveAws(t, { outputs: { ...STACK_OUTPUTS, BcryptCost: '10' } })
  const aws = { ...env, AWS_ENDPOINT_URL_RDS_DATA: database.url }
  const account = (...args: string[]) => callCommand(ACCOUNT, ['--stage', 'dev', ...args], aws)
  const row = async () => {
    const columns =
      'password, password_version, failures, device_failures, fresh_failures, paused_until'
    const [found] = await database.query(`SELECT ${columns} FROM users`)
    return found
  }
  return { aws, account, row }
}

test('show finds any spelling of the name, prints no hash, and changes nothing', async (t) => {
  const { aws, row } = await deployStage(t)
  const before = await row()
  const args = ['--stage', 'dev', 'ＧＡＲＹ', 'show']
  const { stdout, stderr, status } = await runCommand('tools/deploy/account.ts', args, aws)
  assert.deepEqual([stderr, status], ['', 0])
  assert.match(stdout, /^1 Gary, since 20.*version 0/)
  assert.match(stdout, /failures of strangers: 7, .*until 20/)
  assert.match(stdout, /failures of devices: 2, .*never/)
  assert.match(stdout, /failures of fresh tokens: 3, .*never/)
  assert.ok(!stdout.includes(HASH))
  assert.deepEqual(await row(), before)
})

test('unpause, sign-out and delete change only their own columns', async (t) => {
  const { account, row } = await deployStage(t)
  assert.equal((await account('gary', 'unpause', '--yes')).status, 0)
  assert.deepEqual(await row(), [HASH, '0', '0', '0', '0', null])
  assert.equal((await account('gary', 'sign-out', '--yes')).status, 0)
  assert.deepEqual(await row(), [HASH, '1', '0', '0', '0', null])
  assert.equal((await account('gary', 'delete', '--yes')).status, 0)
  assert.equal(await row(), undefined)
  const gone = await account('gary', 'delete', '--yes')
  assert.deepEqual([gone.status, gone.stdout], [1, ''])
  assert.match(gone.stderr, /no account with this name/)
})

test('reset-password prints the new password, revokes tokens and resets every count', async (t) => {
  const { account, row } = await deployStage(t)
  const { stdout, status } = await account('gary', 'reset-password', '--yes')
  assert.equal(status, 0)
  const password = /shown once: ([\w-]{20})$/m.exec(stdout)?.[1] ?? ''
  const [stored, ...numbers] = (await row()) ?? []
  assert.ok(await compare(password, stored ?? ''))
  assert.match(stored ?? '', /^\$2b\$10\$/)
  assert.deepEqual(numbers, ['1', '0', '0', '0', null])
})

test('nothing changes without --yes and without a terminal', async (t) => {
  const { account, row } = await deployStage(t)
  const before = await row()
  process.stdin.isTTY = false // Also where a person runs this file.
  for (const action of ['unpause', 'sign-out', 'reset-password', 'delete']) {
    const { stderr, status } = await account('gary', action)
    assert.equal(status, 1)
    assert.match(stderr, /^Nothing was done: .*--yes/)
  }
  assert.deepEqual(await row(), before)
})
