import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
import { freePort } from '../../tools/local/port.ts'
import { createClient } from '../support/data-api-script.ts'
import { pressCtrlC, startEndpoint } from '../support/npm-start.ts'
import { copyService, newcomersEnvironment } from '../support/service-copy.ts'

const run = promisify(execFile)

/** Runs `npm start` in `cwd` until it has printed where it listens. */
const start = (t: TestContext, cwd: string, port: number, faults = '') =>
  startEndpoint(t, { cwd, env: { PORT: String(port), DATA_API_FAULTS: faults } })

async function post(port: number, route: string, username: string) {
  const response = await fetch(`http://localhost:${port}/auth/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://app.example' },
    body: JSON.stringify({ username, password: 'correct horse battery' }),
  })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const signUp = (port: number) => post(port, 'sign-up', 'ada')

test('npm start serves sign-up over HTTP, keeps its data across restarts and stops on Ctrl-C', async (t) => {
  const cwd = copyService(t)
  const port = await freePort('127.0.0.1', 0)

  await t.test('the first start creates the database and prints the URL', async (t) => {
    const { child, output } = await start(t, cwd, port)
    assert.match(output, /Creating the database/)
    assert.match(output, new RegExp(`Try the API at http://localhost:${port}/ `))

    const { status, headers, body } = await signUp(port)
    assert.equal(status, 201)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('access-control-allow-origin'), 'https://app.example')
    assert.match(body, /^\{"token":"[\w-]+\.[\w-]+\.[\w-]+"\}$/)

    await t.test('a second start on the same port is a clear error', async () => {
      const env = { ...newcomersEnvironment(), PORT: String(port) }
      const second = run('npm', ['start'], { cwd, env })
      await assert.rejects(second, { code: 1, stdout: /Port \d+ is in use.*PORT=3001 npm start/ })
    })

    await t.test('invoke local uses the database of the running endpoint', async () => {
      const event = JSON.parse(readFileSync(`${cwd}/events/sign-up.json`, 'utf8'))
      const body = JSON.stringify({ username: 'ADA', password: 'correct horse battery' })
      writeFileSync(`${cwd}/event.json`, JSON.stringify({ ...event, body }))
      const args = 'serverless invoke local --function auth --path event.json'.split(' ')
      const { stdout } = await run('npx', args, { cwd, env: newcomersEnvironment() })
      assert.equal(JSON.parse(stdout).statusCode, 400)
    })

    await t.test('another client runs SQL with the printed access key id only', async (t) => {
      const printed = /AWS_ENDPOINT_URL_RDS_DATA=(\S+) AWS_ACCESS_KEY_ID=(\S+) /.exec(output)
      const [, url = '', accessKeyId] = printed ?? []
      const target = { resourceArn: 'any', secretArn: 'any', database: 'latchkey' }
      const select = () => new ExecuteStatementCommand({ ...target, sql: 'SELECT 1' })
      const { records } = await createClient(t, url, accessKeyId).send(select())
      assert.deepEqual(records, [[{ longValue: 1 }]])
      const stranger = createClient(t, url).send(select())
      await assert.rejects(stranger, { name: 'UnrecognizedClientException' })
    })

    const mode = (path: string) => statSync(`${cwd}/.local${path}`).mode & 0o777
    assert.deepEqual([mode(''), mode('/postgres'), mode('/owner.json')], [0o700, 0o700, 0o600])
    assert.equal(mode('/postgres/PG_VERSION'), 0o600)

    await pressCtrlC(child)
    // The process removes it after closing its database.
    assert.ok(!existsSync(`${cwd}/.local/owner.json`))
  })

  await t.test('the second start finds the users, after the requested faults', async (t) => {
    const { child, output } = await start(t, cwd, port, 'access-denied:2')
    assert.doesNotMatch(output, /Creating the database/)
    assert.match(output, /Faults of the next calls of the database: access-denied:2/)
    assert.equal((await signUp(port)).status, 500)

    const faults = /curl -X PUT (\S+\/faults) -d resuming:3$/.exec(output)?.[1] ?? ''
    const left = await fetch(faults, { method: 'PUT', body: 'access-denied' })
    assert.equal(await left.text(), 'access-denied\n')
    assert.equal((await signUp(port)).status, 500)
    assert.equal((await signUp(port)).status, 400)

    const { token } = JSON.parse((await post(port, 'sign-in', 'ADA')).body)
    const getMe = () =>
      fetch(`http://localhost:${port}/auth/me`, { headers: { authorization: `Bearer ${token}` } })
    assert.deepEqual(await (await getMe()).json(), { id: 1, username: 'ada' })

    const query = ['run', 'sql', '--', 'SELECT id, username FROM users']
    const table = await run('npm', query, { cwd, env: newcomersEnvironment() })
    assert.match(table.stdout, /^id \| username\n---\+-+\n1 {2}\| ada\n\(1 row\)$/m)

    const args = 'run account -- --stage local Ada sign-out --yes'.split(' ')
    const { stdout } = await run('npm', args, { cwd, env: newcomersEnvironment() })
    assert.match(stdout, /^1 ada, .*version 0/m)
    assert.equal((await getMe()).status, 401)

    // SIGTERM ends only npm, and the server must notice.
    child.kill('SIGTERM')
    while (existsSync(`${cwd}/.local/owner.json`)) await sleep(100)
  })
})
