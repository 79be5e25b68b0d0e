import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { jwtVerify } from 'jose'
import { copyService, newcomersEnvironment } from '../support/service-copy.ts'

const run = promisify(execFile)

test('invoke local works with nothing else running: 201 the first time, 400 the second', async (t) => {
  const cwd = copyService(t)
  const invoke = async () => {
    const { stdout, stderr } = await run(
      'npx',
      'serverless invoke local --function auth --path events/sign-up.json'.split(' '),
      { cwd, env: newcomersEnvironment() },
    )
    const { statusCode, body } = JSON.parse(stdout)
    return { statusCode, body: JSON.parse(body), stderr }
  }

  const first = await invoke()
  assert.equal(first.statusCode, 201)
  assert.match(first.stderr, /Creating the database/)
  const key = readFileSync(`${cwd}/.local/jwt-secret`)
  const { payload } = await jwtVerify(first.body.token, key)
  assert.deepEqual(payload['payload'], { username: 'gary', id: 1 })

  const second = await invoke()
  assert.equal(second.statusCode, 400)
  assert.equal(second.body.err, 'Username already taken')
  assert.doesNotMatch(second.stderr, /Creating the database/)
})
