import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { startDataApi } from '../../test/support/data-api.ts'
import type { Engine } from '../local/data-api/engine.ts'
import { openPglite } from '../local/data-api/pglite-engine.ts'
import { scramVerifier } from './scram-verifier.ts'

const PASSWORD = randomBytes(32).toString('hex')
const SECRET = JSON.stringify({ username: 'latchkey_app', password: PASSWORD })

const migrate = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/migrate.ts', args, env)

/** An engine that also keeps the text of every statement. */
function spiedOn(engine: Engine) {
  const queries: string[] = []
  async function session() {
    const spied = await engine.session()
    const query: typeof spied.query = (text, values) => {
      queries.push(text)
      return spied.query(text, values)
    }
    return { ...spied, query }
  }
  return { engine: { ...engine, session }, queries }
}

/** A deployed stage with a database, and the environment that leads the command there. */
async function deployStage(t: TestContext) {
  const { engine, queries } = spiedOn(await openPglite())
  const { url, execute } = await startDataApi(t, engine)
  const { env, requests } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET })
  return { queries, requests, execute, env: { ...env, AWS_ENDPOINT_URL_RDS_DATA: url } }
}

test('a stage is migrated and its role set up, and the second time only the latter', async (t) => {
  const { env, queries, execute, requests } = await deployStage(t)
  const first = await migrate(['--stage', 'dev', '--region', 'eu-west-1'], env)
  const second = await migrate(['--stage', 'dev', '--region', 'eu-west-1'], env)
  const dry = await migrate(['--stage', 'dev', '--dry-run'], env)

  assert.deepEqual(first, {
    stdout: `latchkey-dev in eu-west-1, database latchkey
Applied 001-users.sql
Applied 002-app-role.sql
Applied 003-idempotency-key.sql
Applied 004-app-role-idempotency-key.sql
latchkey_app may log in with the password of its secret
`,
    stderr: '',
    status: 0,
  })
  assert.deepEqual(second, {
    stdout: `latchkey-dev in eu-west-1, database latchkey
No migration to apply
latchkey_app may log in with the password of its secret
`,
    stderr: '',
    status: 0,
  })
  assert.match(dry.stdout, /\nNo migration to apply\nWould set the password [^\n]+\n$/)
  const secretIds = requests.flatMap(({ body }) => /"SecretId":"([^"]+)"/.exec(body)?.[1] ?? [])
  assert.deepEqual(secretIds, [STACK_OUTPUTS.AppSecretArn, STACK_OUTPUTS.AppSecretArn])
  assert.ok(queries.length > 10)
  assert.doesNotMatch(queries.join(), new RegExp(PASSWORD))

  const sql = "SELECT rolpassword, rolcanlogin FROM pg_authid WHERE rolname = 'latchkey_app'"
  const [stored, mayLogIn] = (await execute(sql)).records?.[0] ?? []
  const salt = /:([^$]+)\$/.exec(stored?.stringValue ?? '')?.[1] ?? ''
  assert.equal(stored?.stringValue, scramVerifier(PASSWORD, Buffer.from(salt, 'base64')))
  assert.equal(mayLogIn?.booleanValue, true)
})

test('a dry run asks the database once, as the master, and reads no secret', async (t) => {
  const records = [[{ stringValue: '001-users.sql' }, { stringValue: 'the hash of another file' }]]
  const statement = () => ({ status: 200, headers: {}, body: JSON.stringify({ records }) })
  const { env, requests, statements } = await serveAws(t, { outputs: STACK_OUTPUTS, statement })
  const { stderr } = await migrate(['--stage', 'dev', '--dry-run'], env)
  assert.match(stderr, /^The migration failed: The migration 001-users.sql was changed/)
  assert.equal(requests.length, 2)
  const [asked] = statements()
  assert.equal(asked?.['secretArn'], STACK_OUTPUTS.MasterSecretArn)
  assert.equal(asked?.['resourceArn'], STACK_OUTPUTS.ClusterArn)
  assert.equal(asked?.['database'], STACK_OUTPUTS.DatabaseName)
  assert.match(String(asked?.['sql']), /^SELECT /)
})

test('a dry run says what it would do, and does nothing', async (t) => {
  const { env, queries } = await deployStage(t)
  const { stdout, status } = await migrate(['--stage', 'dev', '--dry-run'], env)
  assert.equal(
    stdout,
    `latchkey-dev in eu-central-1, database latchkey
Would apply 001-users.sql
Would apply 002-app-role.sql
Would apply 003-idempotency-key.sql
Would apply 004-app-role-idempotency-key.sql
Would set the password of latchkey_app from its secret
`,
  )
  assert.equal(status, 0)
  assert.equal(queries.length, 1)
})
