import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'

const PASSWORD = randomBytes(32).toString('hex')
const SECRET = JSON.stringify({ username: 'latchkey_app', password: PASSWORD })

const migrate = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/migrate.ts', args, env)

const UNUSABLE_SECRET: Record<string, string> = {
  'of another role': JSON.stringify({ username: 'postgres', password: PASSWORD }),
  'that is no JSON': PASSWORD,
  'that is not there': '',
}

for (const [name, secret] of Object.entries(UNUSABLE_SECRET)) {
  test(`with a secret ${name} nothing is done and nothing quoted`, async (t) => {
    const { env, statements } = await serveAws(t, { outputs: STACK_OUTPUTS, secret })
    const { stdout, stderr, status } = await migrate(['--stage', 'dev'], env)
    assert.equal(status, 1)
    assert.match(stderr, /^The migration failed: .*latchkey_app.*\n$/)
    assert.doesNotMatch(`${stdout}${stderr}`, new RegExp(PASSWORD.slice(0, 8)))
    assert.deepEqual(statements(), [])
  })
}

test('a refusal of AWS is said in its words', async (t) => {
  const { env } = await serveAws(t, {
    outputs: STACK_OUTPUTS,
    secret: SECRET,
    statement: () => ({
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException' },
      body: '{"message":"not authorized to perform rds-data:ExecuteStatement"}',
    }),
  })
  const { stderr, status } = await migrate(['--stage', 'dev'], env)
  assert.equal(status, 1)
  assert.equal(
    stderr,
    'The migration failed: AccessDeniedException: not authorized to perform rds-data:ExecuteStatement\n',
  )
})

test('an answer that is no JSON is not quoted, and a server that is not there is named', async (t) => {
  const statement = () => ({ status: 200, headers: {}, body: `{"a":${PASSWORD}` })
  const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET, statement })
  const garbled = await migrate(['--stage', 'dev'], env)
  assert.equal(garbled.stderr, 'The migration failed: AWS answered something that is not JSON.\n')
  const gone = { ...env, AWS_ENDPOINT_URL_RDS_DATA: 'http://127.0.0.1:1' }
  assert.match((await migrate(['--stage', 'dev'], gone)).stderr, /failed: .*ECONNREFUSED/)
})

test('a stage that is not deployed is an error that says so', async (t) => {
  const { env } = await serveAws(t, {})
  const { stderr, status } = await migrate(['--stage', 'dev'], env)
  assert.equal(status, 1)
  assert.match(stderr, /^The migration failed: There is no stack latchkey-dev in eu-central-1/)
})

for (const [args, problem] of [
  [[], /^--stage is missing/],
  [['--stage', 'local'], /^The stage local is migrated by npm start/],
  [['--stage', 'dev', '--dryrun'], /--dryrun/],
  [['dev'], /'dev'/],
] as const) {
  test(`usage is shown for: migrate ${args.join(' ')}`, async () => {
    const { stdout, stderr, status } = await migrate(args)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, problem)
    assert.match(stderr, /npm run migrate -- --stage S/)
  })
}
