import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { startDataApi } from '../../test/support/data-api.ts'
import { openTestPglite } from '../../test/support/pglite.ts'
import { createSecret } from '../../test/support/secret-endpoint.ts'
import { newSigningKey } from '../new-signing-key.ts'
import { MIGRATE } from './migrate.ts'
import { scramVerifier } from './scram-verifier.ts'

const PASSWORD = randomBytes(32).toString('hex')
const SECRET = JSON.stringify({ username: 'latchkey_app', password: PASSWORD })

const FILES = readdirSync(new URL('../../migrations/', import.meta.url)).sort()

const migrate = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  callCommand(MIGRATE, args, env)

const engine = await openTestPglite()
/** The text of every statement. */
const queries: string[] = []
async function session() {
  const own = await engine.session()
  const query: typeof own.query = (text, values) => {
    queries.push(text)
    return own.query(text, values)
  }
  return { ...own, query }
}
const { url, execute } = await startDataApi({ after }, { ...engine, session })

test('a dry run only selects, and reports what the first run does; a second run only sets the password', async (t) => {
  const { env, requests } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET })
  const stage = { ...env, AWS_ENDPOINT_URL_RDS_DATA: url }
  const args = ['--stage', 'dev', '--region', 'eu-west-1']
  const dry = await migrate([...args, '--dry-run'], stage)
  assert.ok(queries.every((sql) => sql.startsWith('SELECT ')))
  const first = await runCommand('tools/deploy/migrate.ts', args, stage)
  const second = await migrate(args, stage)
  const later = await migrate([...args, '--dry-run'], stage)

  const printed = (...lines: readonly string[]) => ({
    stdout: `latchkey-dev in eu-west-1, database latchkey\n${lines.join('\n')}\n`,
    stderr: '',
    status: 0,
  })
  const none = 'No migration to apply'
  const set = 'Set the password of latchkey_app from its secret'
  const wouldSet = 'Would set the password of latchkey_app from its secret'
  assert.deepEqual(dry, printed(...FILES.map((file) => `Would apply ${file}`), wouldSet))
  assert.deepEqual(first, printed(...FILES.map((file) => `Applied ${file}`), set))
  assert.deepEqual(second, printed(none, set))
  assert.deepEqual(later, printed(none, wouldSet))
  const secretIds = requests.flatMap(({ body }) => /"SecretId":"([^"]+)"/.exec(body)?.[1] ?? [])
  const { AppSecretArn: app, JwtSecretArn: jwt } = STACK_OUTPUTS
  const inTurn = secretIds.filter((id, index) => id !== secretIds[index - 1])
  assert.deepEqual(inTurn, [jwt, ...Array(4).fill([app, jwt]).flat()])
  assert.ok(queries.length > 10)
  assert.doesNotMatch(queries.join(), new RegExp(PASSWORD))

  const sql = "SELECT rolpassword, rolcanlogin FROM pg_authid WHERE rolname = 'latchkey_app'"
  const [stored, mayLogIn] = (await execute(sql)).records?.[0] ?? []
  const salt = /:([^$]+)\$/.exec(stored?.stringValue ?? '')?.[1] ?? ''
  assert.equal(stored?.stringValue, scramVerifier(PASSWORD, Buffer.from(salt, 'base64')))
  assert.equal(mayLogIn?.booleanValue, true)
})

test('after the reader of a pipe has ended, every file is applied and nothing is complained of', async (t) => {
  const api = await startDataApi(t, await openTestPglite())
  const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET })
  const script = '{ "$@"; echo $? >&2; } | head -n 1'
  const command = [process.execPath, 'tools/deploy/migrate.ts', '--stage', 'dev']
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', script, 'sh', ...command], {
    env: { ...env, AWS_ENDPOINT_URL_RDS_DATA: api.url },
  })
  assert.deepEqual([stdout.split('\n').length, stderr], [2, '0\n'])
  const applied = await api.query('SELECT name FROM latchkey_migrations ORDER BY name')
  assert.deepEqual(applied.flat(), FILES)
})

test('with rs256 a new signing key is pending until the deployment, then current, and never printed', async (t) => {
  const before = 'k'.repeat(64)
  const signingSecret = createSecret(before)
  const run = async (outputs: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const stack = { outputs: { ...STACK_OUTPUTS, ...outputs }, secret: SECRET, signingSecret }
    const { env } = await serveAws(t, stack)
    const options = ['--stage', 'dev', '--signing', 'rs256', ...args]
    const { stdout, status } = await migrate(options, { ...env, AWS_ENDPOINT_URL_RDS_DATA: url })
    assert.equal(status, 0)
    for (const text of Object.values(signingSecret.labels())) assert.ok(!stdout.includes(text))
    return stdout
  }
  assert.match(await run({}, '--dry-run'), /^Would store a new RS256 key as AWSPENDING$/m)
  assert.deepEqual(signingSecret.labels(), { AWSCURRENT: before })
  assert.match(await run({}), /^Signing key: store a new RS256 key as AWSPENDING$/m)
  assert.doesNotMatch(await run({}), /Signing key/)
  const { AWSPENDING: pending = '', ...current } = signingSecret.labels()
  assert.deepEqual(current, { AWSCURRENT: before })
  assert.match(pending, /^-----BEGIN PRIVATE KEY-----/)
  assert.match(await run({ JwtAlgorithm: 'RS256' }), /make the RS256 key AWSCURRENT/)
  const { AWSCURRENT: signs, AWSPREVIOUS: previous } = signingSecret.labels()
  assert.deepEqual([signs, previous], [pending, before])
})

test('a previous key of another algorithm is removed once its last token has expired', async (t) => {
  const [hmac, current, rsa] = ['k'.repeat(64), newSigningKey('RS256'), newSigningKey('RS256')]
  const changed = Date.now() - 4190_000
  /** Runs 4190 s after the last change, and resolves with the last line and the labels. */
  const run = async (
    { tokenSeconds = 3590, previous = hmac, pending = current },
    ...args: readonly string[]
  ) => {
    const signingSecret = createSecret(previous, () => changed)
    signingSecret.put(current, ['AWSPENDING', 'AWSCURRENT'])
    if (pending !== current) signingSecret.put(pending, ['AWSPENDING'])
    const signing = { JwtAlgorithm: 'RS256', JwtTtlSeconds: String(tokenSeconds) }
    const outputs = { ...STACK_OUTPUTS, ...signing }
    const { env } = await serveAws(t, { outputs, secret: SECRET, signingSecret })
    const options = ['--stage', 'dev', '--signing', 'rs256', ...args]
    const { stdout, status } = await migrate(options, { ...env, AWS_ENDPOINT_URL_RDS_DATA: url })
    assert.equal(status, 0)
    return { last: stdout.trim().split('\n').at(-1) ?? '', labels: signingSecret.labels() }
  }
  const all = { AWSCURRENT: current, AWSPENDING: current, AWSPREVIOUS: hmac }
  const early = await run({ tokenSeconds: 3600 })
  assert.deepEqual(early.labels, all)
  const end = new Date(changed + 4200_000).toISOString()
  assert.match(early.last, new RegExp(end.slice(0, 19)))
  const dry = await run({}, '--dry-run')
  assert.deepEqual(dry.labels, all)
  assert.match(dry.last, /^Would remove AWSPREVIOUS/)
  const late = await run({})
  assert.deepEqual(late.labels, { AWSCURRENT: current })
  assert.match(late.last, /^Signing key: remove AWSPREVIOUS/)
  // A rotation is under way.
  assert.deepEqual((await run({ pending: rsa })).labels, { AWSCURRENT: current, AWSPENDING: rsa })
  assert.deepEqual((await run({ previous: rsa })).labels, { ...all, AWSPREVIOUS: rsa })
})

test('colliding names stop it, a dry run prints them, and --rename-collisions renames the later one', async (t) => {
  const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET })
  const run = (...args: string[]) =>
    migrate(['--stage', 'dev', ...args], { ...env, AWS_ENDPOINT_URL_RDS_DATA: url })
  assert.equal((await run()).status, 0)
  const insert = `INSERT INTO users (username, username_key, password)
    VALUES ('Sam', 'sam', 'a'), ('\u017fam', NULL, 'a') RETURNING id`
  const ids = ((await execute(insert)).records ?? []).map(([id]) => id?.longValue)

  const stopped = await run()
  assert.equal(stopped.status, 1)
  for (const id of ids) assert.match(stopped.stderr, new RegExp(`\\b${id}\\b`))
  assert.doesNotMatch(`${stopped.stdout}${stopped.stderr}`, /[S\u017f]am/)
  const dry = await run('--dry-run')
  assert.equal(dry.status, 1)
  assert.match(dry.stdout, new RegExp(`^${ids[0]} "Sam".*\\n${ids[1]} "\u017fam"`, 'm'))
  const renamed = new RegExp(`${ids[1]}: "\u017fam" to "\u017fam-${ids[1]}"$`, 'm')
  const planned = await run('--dry-run', '--rename-collisions')
  assert.match(planned.stdout, renamed)
  assert.equal((await run('--dry-run')).status, 1)
  const done = await run('--rename-collisions')
  assert.deepEqual([planned.status, done.status], [0, 0])
  assert.match(done.stdout, renamed)
  const again = await run('--rename-collisions')
  assert.equal(again.status, 0)
  assert.doesNotMatch(again.stdout, /am-/)
})

test('where the deployed release cannot sign with the current text, its previous key signs again', async (t) => {
  const [hs256, other, rs256] = ['k'.repeat(64), 'o'.repeat(64), newSigningKey('RS256')]
  const ssh = `ssh-rsa ${'A'.repeat(64)}`
  const run = async (
    { previous = hs256, current = 'garbage', pending = '' },
    ...args: readonly string[]
  ) => {
    const signingSecret = createSecret(previous)
    signingSecret.put(current, ['AWSCURRENT'])
    if (pending) signingSecret.put(pending, ['AWSPENDING'])
    const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET, signingSecret })
    const options = { ...env, AWS_ENDPOINT_URL_RDS_DATA: url }
    const { stdout, status } = await migrate(['--stage', 'dev', ...args], options)
    assert.equal(status, 0)
    return { stdout, labels: signingSecret.labels() }
  }
  const dry = await run({}, '--dry-run')
  assert.match(dry.stdout, /^Would make AWSPREVIOUS, the HS256 key, AWSCURRENT again/m)
  assert.deepEqual(dry.labels, { AWSCURRENT: 'garbage', AWSPREVIOUS: hs256 })
  assert.deepEqual((await run({})).labels, { AWSCURRENT: hs256, AWSPREVIOUS: 'garbage' })
  // Also in the middle of a rotation, and before a change of the algorithm.
  const back = { AWSCURRENT: hs256, AWSPREVIOUS: 'garbage' }
  assert.deepEqual((await run({ pending: other })).labels, { ...back, AWSPENDING: other })
  const { AWSPENDING: next = '', ...rest } = (await run({}, '--signing', 'rs256')).labels
  assert.deepEqual(rest, back)
  assert.match(next, /^-----BEGIN PRIVATE KEY-----/)
  // A rollback over a change of the algorithm, with the settings of the newer release or of the older one.
  for (const signing of ['rs256', 'hs256']) {
    const { labels } = await run({ current: rs256 }, '--signing', signing)
    const { AWSPENDING: stored, ...others } = labels
    assert.deepEqual(others, { AWSCURRENT: hs256, AWSPREVIOUS: rs256 })
    assert.equal(stored === undefined, signing === 'hs256')
  }
  // Not in place of a key, nor one of another algorithm or that looks public.
  for (const previous of [rs256, ssh, 'too short']) {
    const { AWSCURRENT: current = '' } = (await run({ previous })).labels
    assert.match(current, /^[\da-f]{64}$/)
  }
  assert.deepEqual((await run({ current: other })).labels, {
    AWSCURRENT: other,
    AWSPREVIOUS: hs256,
  })
})

test('a secret that is gone or marked for deletion is named, and nothing is done', async (t) => {
  const respond = (status: number, body: object) => ({
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(body),
  })
  const gone = () => respond(400, { __type: 'ResourceNotFoundException' })
  const marked = (action: string) =>
    action === 'DescribeSecret'
      ? respond(200, { DeletedDate: 1.7e9 })
      : respond(400, { __type: 'InvalidRequestException' })
  const { AppSecretArn: app, JwtSecretArn: jwt } = STACK_OUTPUTS
  const restore = (arn: string) =>
    `aws secretsmanager restore-secret --region eu-west-1 --secret-id ${arn}\n`
  for (const handle of [gone, marked]) {
    for (const args of [[], ['--dry-run']]) {
      for (const arn of [app, jwt]) {
        const stack = { outputs: STACK_OUTPUTS, secret: createSecret(SECRET) }
        const lost = { ...createSecret(''), handle }
        const changed = arn === app ? { secret: lost } : { signingSecret: lost }
        const { env, statements } = await serveAws(t, { ...stack, ...changed })
        const { stderr, status } = await migrate(['--stage', 'dev', ...args], env)
        assert.equal(status, 1)
        assert.ok(stderr.includes(arn), stderr)
        assert.equal(stderr.endsWith(restore(arn)), handle === marked)
        assert.deepEqual(statements(), [])
      }
    }
  }
})

test('nothing is done while the current key looks public', async (t) => {
  const key = 'https://id.example/.well-known/jwks.json'
  for (const args of [[], ['--dry-run'], ['--signing', 'rs256']]) {
    const stack = { outputs: STACK_OUTPUTS, secret: SECRET, signingSecret: createSecret(key) }
    const { env, statements } = await serveAws(t, stack)
    const { stdout, stderr, status } = await migrate(['--stage', 'dev', ...args], env)
    assert.equal(status, 1)
    assert.doesNotMatch(`${stdout}${stderr}`, /id\.example/)
    assert.deepEqual(statements(), [])
    assert.deepEqual(stack.signingSecret.labels(), { AWSCURRENT: key })
  }
})

test('an unusable secret is not quoted, and nothing is done', async (t) => {
  const otherRole = JSON.stringify({ username: 'postgres', password: PASSWORD })
  for (const secret of [otherRole, PASSWORD, '']) {
    const { env, statements } = await serveAws(t, { outputs: STACK_OUTPUTS, secret })
    const { stdout, stderr, status } = await migrate(['--stage', 'dev'], env)
    assert.equal(status, 1)
    assert.match(stderr, /^The migration failed: .*latchkey_app.*\n$/)
    assert.doesNotMatch(`${stdout}${stderr}`, new RegExp(PASSWORD.slice(0, 8)))
    assert.deepEqual(statements(), [])
  }
})

test('a response that is not JSON is not quoted, and a refused connection is named', async (t) => {
  const statement = () => ({ status: 200, headers: {}, body: `{"a":${PASSWORD}` })
  const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, secret: SECRET, statement })
  const garbled = await migrate(['--stage', 'dev'], env)
  assert.equal(garbled.stderr, 'The migration failed: AWS sent a response that is not JSON.\n')
  const gone = { ...env, AWS_ENDPOINT_URL_RDS_DATA: 'http://127.0.0.1:1' }
  assert.match((await migrate(['--stage', 'dev'], gone)).stderr, /failed: .*ECONNREFUSED/)
})
