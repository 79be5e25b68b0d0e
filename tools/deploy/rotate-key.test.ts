import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { signingKey } from '../../test/support/handler.ts'
import { createSecret, serveSecret } from '../../test/support/secret-endpoint.ts'
import { newSigningKey } from '../new-signing-key.ts'
import { rotateKey } from './rotate-key.ts'
import { openSigningSecret } from './signing-secret.ts'

const HOUR = 3600
/** Seconds of API Gateway's cache, the response's, and two refreshes of the function. */
const CACHES = 2 * HOUR + 300 + 600

type Algorithm = 'HS256' | 'RS256'

/** The key before each rotation. */
const KEYS = { HS256: newSigningKey('HS256'), RS256: newSigningKey('RS256') }

/** A secret behind the SDK's own client, a clock that only waits move, and the lines that rotations print. */
async function stage(t: TestContext, algorithm: Algorithm = 'RS256') {
  const clock = { now: Date.UTC(2026, 10, 27) }
  const key = KEYS[algorithm]
  const stored = createSecret(key, () => clock.now)
  const { actions, client } = await serveSecret(t, stored)
  const secret = openSigningSecret(client, 'arn:jwt')
  const lines: string[] = []
  /** Seconds waited since the start, and the labels then, at each wait. */
  const waits: string[] = []
  const start = clock.now
  const labels = () => Object.keys(stored.labels()).sort().join(' ')
  /** Rotates until it has waited for `mostSeconds`. */
  const rotate = async ({ isLeaked = false, mostSeconds = Number.POSITIVE_INFINITY } = {}) => {
    const end = clock.now + mostSeconds * 1000
    await rotateKey({
      secret,
      algorithm,
      tokenSeconds: HOUR,
      isLeaked,
      say: (line) => lines.push(line),
      now: () => clock.now,
      async wait(milliseconds) {
        if (clock.now >= end) throw new Error('interrupted')
        clock.now += milliseconds
        const seen = labels()
        if (waits.at(-1)?.endsWith(seen)) waits.pop()
        waits.push(`${(clock.now - start) / 1000} ${seen}`)
      },
    })
  }
  return { clock, key, stored, actions, lines, waits, rotate }
}

for (const [algorithm, caches] of [
  ['HS256', 0],
  ['RS256', CACHES],
] as const) {
  test(`a rotation with ${algorithm} waits ${caches} s for caches with the new key pending, moves it, waits for tokens, and ends`, async (t) => {
    const { key, stored, lines, waits, rotate } = await stage(t, algorithm)
    await rotate()
    const { AWSCURRENT: current = '', ...others } = stored.labels()
    assert.deepEqual(others, {})
    assert.notEqual(current, key)
    assert.equal(signingKey(current).algorithm, algorithm)
    assert.deepEqual(waits, [
      ...(caches > 0 ? [`${caches} AWSCURRENT AWSPENDING`] : []),
      `${caches + HOUR + 600} AWSCURRENT AWSPENDING AWSPREVIOUS`,
    ])
    assert.doesNotMatch(lines.join('\n'), /BEGIN|MII|[\da-f]{64}/)
  })
}

test('a previous key keeps its label until its tokens have expired', async (t) => {
  const { clock, stored, waits, rotate } = await stage(t, 'HS256')
  stored.put(newSigningKey('HS256'), ['AWSCURRENT'])
  await rotate()
  assert.equal(waits[0], `${HOUR + 600} AWSCURRENT AWSPREVIOUS`)
  waits.length = 0
  stored.put(newSigningKey('HS256'), ['AWSCURRENT'])
  clock.now += (HOUR + 600) * 1000
  await rotate()
  assert.equal(waits[0]?.endsWith('AWSPENDING AWSPREVIOUS'), true)
})

/** Rotates with a client whose call number `failing` fails, and then again. */
async function rotated(t: TestContext, failing: number) {
  const { clock, stored, actions, rotate } = await stage(t)
  const start = clock.now
  const handle = stored.handle
  let keys = 0
  stored.handle = (action, input) => {
    if (actions.length === failing) {
      return { status: 400, headers: {}, body: '{"__type":"AccessDeniedException"}' }
    }
    if (action === 'PutSecretValue') keys += 1
    return handle(action, input)
  }
  if (failing > 0) await assert.rejects(rotate(), { name: 'AccessDeniedException' })
  await rotate()
  return { stored, calls: actions.length, keys, seconds: (clock.now - start) / 1000 }
}

test('after an interruption at any call, a repeat goes on with the same key and the same total wait', async (t) => {
  const { calls } = await rotated(t, 0)
  assert.ok(calls > 5)
  for (let call = 1; call <= calls; call += 1) {
    const { stored, keys, seconds } = await rotated(t, call)
    assert.deepEqual(Object.keys(stored.labels()), ['AWSCURRENT'], `${call}`)
    assert.deepEqual([keys, seconds], [1, CACHES + HOUR + 600], `${call}`)
  }
})

test('for a leaked key, a new one replaces it at once and retires all others', async (t) => {
  const { key, stored, waits, rotate } = await stage(t)
  await assert.rejects(rotate({ mostSeconds: 60 }), /interrupted/)
  const pending = stored.labels()['AWSPENDING']
  waits.length = 0
  await rotate({ isLeaked: true })
  const { AWSCURRENT: current = '', ...others } = stored.labels()
  assert.deepEqual([others, waits], [{}, []])
  assert.ok(current !== key && current !== pending)
})

test('a key that is pending for a change of the algorithm is not made current', async (t) => {
  const { key, stored, rotate } = await stage(t, 'HS256')
  stored.put(KEYS.RS256, ['AWSPENDING'])
  await assert.rejects(rotate(), /AWSPENDING is not an HS256 key/)
  assert.deepEqual(stored.labels(), { AWSCURRENT: key, AWSPENDING: KEYS.RS256 })
})

test('a text that is no key is replaced only as a leaked key is', async (t) => {
  const { key, stored, actions, waits, rotate } = await stage(t, 'HS256')
  stored.put('garbage', ['AWSCURRENT'])
  await assert.rejects(rotate(), /AWSCURRENT/)
  assert.deepEqual(actions, ['GetSecretValue'])
  assert.deepEqual(stored.labels(), { AWSCURRENT: 'garbage', AWSPREVIOUS: key })
  await rotate({ isLeaked: true })
  assert.deepEqual([Object.keys(stored.labels()), waits], [['AWSCURRENT'], []])
})

test('a key that looks public is replaced, but never becomes current', async (t) => {
  const ssh = `ssh-rsa ${'A'.repeat(64)}`
  const { stored, rotate } = await stage(t, 'HS256')
  stored.put(ssh, ['AWSCURRENT'])
  stored.put(ssh, ['AWSPENDING'])
  await assert.rejects(rotate(), /AWSPENDING is not an HS256 key/)
  assert.equal(stored.labels()['AWSCURRENT'], ssh)
  await rotate({ isLeaked: true })
  const { AWSCURRENT: current = '', ...others } = stored.labels()
  assert.deepEqual(others, {})
  assert.match(current, /^[\da-f]{64}$/)
})

test('the command rotates the stage’s secret, with the algorithm and the token life of its outputs', async (t) => {
  const secret = createSecret('k'.repeat(32), () => Date.now() - 4 * HOUR * 1000)
  const outputs = { ...STACK_OUTPUTS, JwtAlgorithm: 'HS256', JwtTtlSeconds: '3600' }
  const { env } = await serveAws(t, { outputs, signingSecret: secret })
  const args = ['--stage', 'dev', '--region', 'eu-west-1']
  const { stdout, stderr, status } = await runCommand('tools/deploy/rotate-key.ts', args, env)
  assert.deepEqual([stderr, status], ['', 0])
  assert.match(stdout, /^latchkey-dev in eu-west-1, HS256, tokens of 3600 s\n/)
  const { AWSCURRENT: current = '', ...others } = secret.labels()
  assert.deepEqual(others, {})
  assert.match(current, /^[\da-f]{64}$/)
  assert.ok(!stdout.includes(current))
})
