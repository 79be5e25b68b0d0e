import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { startApi } from '../test/support/api.ts'
import { fuzzRuns } from '../test/support/fuzz-runs.ts'
import { eventWith, ROUTE_KEYS, readEvent, withToken } from '../test/support/handler.ts'

// Sequences of requests by several users, compared with a plain model. A failure prints its seed:
// FUZZ_SEED=… npm test -- functions/auth.model.fuzz.test.ts repeats the run.

const { database, ...api } = await startApi()

/** Two users, and two ways to write each name. */
const NAMES = ['ada', 'ADA', 'straße', 'STRASSE']
const keyOf = (name: string) => name.toLowerCase().replace('ß', 'ss')
const PASSWORDS = ['correct horse battery', 'another horse battery']

interface Count {
  failures: number
  isPaused: boolean
}

interface Person {
  username: string
  password: string
  version: number
  idempotencyKey: string
  readonly counts: { stranger: Count; device: Count }
}

interface Model {
  readonly people: Map<string, Person>
  /** Every granted token: its holder, and the version of the password at which it was signed. */
  readonly tokens: { token: string; person: Person; version: number }[]
}

/** The routes that any run has sent a request to. */
const driven = new Set<string>()

async function respond(event: Parameters<typeof api.respond>[0]) {
  driven.add(event.routeKey)
  const { status, code, token, json } = await api.respond(event)
  return { outcome: code ?? status, token, body: json }
}

/** Returns the token, and its holder if it is still valid. */
function holderOf({ people, tokens }: Model, index: number) {
  const { token = 'x.y.z', person, version } = tokens[index % (tokens.length || 1)] ?? {}
  const isValid = person !== undefined && [...people.values()].includes(person)
  return { token, person: isValid && person.version === version ? person : undefined }
}

/** Returns the result of an attempt, and updates the count, by the rules of SECURITY.md. */
function attempt(person: Person | undefined, counter: 'stranger' | 'device', password: string) {
  const count = person?.counts[counter] ?? { failures: 0, isPaused: false }
  if (count.isPaused) return 'too_many_attempts'
  if (person?.password === password) {
    count.failures = 0
    return 'correct'
  }
  count.failures += 1
  count.isPaused = count.failures >= 5
  return 'invalid_credentials'
}

/**
 * Plans faults: before a statement runs, which changes nothing, and for requests that write nothing also after
 * it.
 */
const plan = (faults: readonly string[]) => database.planFaults(faults.join(' '))

type Step = (model: Model) => Promise<void>

class Command implements fc.AsyncCommand<Model, object> {
  readonly #name: string
  readonly #step: Step
  constructor(name: string, step: Step) {
    this.#name = name
    this.#step = step
  }
  check = () => true
  toString = () => this.#name
  async run(model: Model): Promise<void> {
    await this.#step(model)
    database.planFaults('')
    // A pause of a second must not end between two steps.
    await database.query(`UPDATE users SET
      paused_until = CASE WHEN failures >= 5 AND paused_until > now() THEN now() + interval '900 s' ELSE paused_until END,
      device_paused_until = CASE WHEN device_failures >= 5 AND device_paused_until > now() THEN now() + interval '900 s' ELSE device_paused_until END`)
    await assertTable(model)
  }
}

async function assertTable({ people }: Model): Promise<void> {
  const rows = await database.query(
    'SELECT username, password_version, failures, device_failures FROM users ORDER BY username_key',
  )
  const expected = [...people]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, person]) => {
      const { username, version, counts } = person
      return [username, ...[version, counts.stranger.failures, counts.device.failures].map(String)]
    })
  assert.deepEqual(rows, expected)
}

const name = fc.constantFrom(...NAMES)
const password = fc.constantFrom(...PASSWORDS)
const index = fc.nat(20)
const before = fc.array(fc.constantFrom('reset-before', 'throttled'), { maxLength: 2 })
const anyFault = fc.array(fc.constantFrom('reset-before', 'reset-after', 'broken-json'), {
  maxLength: 2,
})

function grant(model: Model, person: Person, token: string): void {
  model.tokens.push({ token, person, version: person.version })
  const { payload, password_version: version = 0 } = decodeJwt(token)
  assert.deepEqual([Object(payload).username, version], [person.username, person.version])
}

const signUp = fc
  .tuple(name, password, fc.constantFrom('a-key-of-one-sign-up', 'a-key-of-another-one'), before)
  .map(([username, password, idempotencyKey, faults]) => {
    const label = `sign up ${username} ${password} ${idempotencyKey} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const event = eventWith({ username, password })
      const headers = { ...event.headers, 'idempotency-key': idempotencyKey }
      const { outcome, token } = await respond({ ...event, headers })
      const taken = model.people.get(keyOf(username))
      if (taken === undefined) {
        const noFailures = () => ({ failures: 0, isPaused: false })
        const counts = { stranger: noFailures(), device: noFailures() }
        const person = { username, password, version: 0, idempotencyKey, counts }
        model.people.set(keyOf(username), person)
        assert.equal(outcome, 201)
        grant(model, person, token)
        return
      }
      const isReplay = taken.username === username && taken.idempotencyKey === idempotencyKey
      const tried = isReplay ? attempt(taken, 'stranger', password) : 'invalid_credentials'
      const codes = {
        correct: 201,
        invalid_credentials: 'username_taken',
        too_many_attempts: tried,
      }
      assert.equal(outcome, codes[tried])
      if (tried === 'correct') grant(model, taken, token)
    })
  })

const signIn = fc
  .tuple(name, password, fc.option(index), before)
  .map(([username, password, tokenIndex, faults]) => {
    const label = `sign in ${username} ${password} with ${tokenIndex} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, person: holder } = holderOf(model, tokenIndex ?? 0)
      const event = eventWith({ username, password }, 'sign-in')
      const { outcome, token } = await respond(tokenIndex === null ? event : withToken(event, old))
      const person = model.people.get(keyOf(username))
      const isDevice = tokenIndex !== null && person !== undefined && person === holder
      const tried = attempt(person, isDevice ? 'device' : 'stranger', password)
      assert.equal(outcome, tried === 'correct' ? 200 : tried)
      if (tried === 'correct' && person) grant(model, person, token)
    })
  })

const me = fc.tuple(index, anyFault).map(
  ([tokenIndex, faults]) =>
    new Command(`me ${tokenIndex} ${faults}`, async (model) => {
      plan(faults)
      const { token, person } = holderOf(model, tokenIndex)
      const { outcome, body } = await respond(withToken(readEvent('me'), token))
      assert.equal(outcome, person ? 200 : 'token_invalid')
      assert.equal(body['username'], person?.username)
    }),
)

const changePassword = fc
  .tuple(index, password, password, before)
  .map(([tokenIndex, currentPassword, newPassword, faults]) => {
    const label = `change ${tokenIndex} ${currentPassword} to ${newPassword} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, person } = holderOf(model, tokenIndex)
      const event = eventWith({ currentPassword, newPassword }, 'change-password')
      const { outcome, token } = await respond(withToken(event, old))
      const tried = person ? attempt(person, 'device', currentPassword) : 'token_invalid'
      assert.equal(outcome, tried === 'correct' ? 200 : tried)
      if (tried !== 'correct' || person === undefined) return
      person.password = newPassword
      person.version += 1
      grant(model, person, token)
    })
  })

const changeUsername = fc
  .tuple(index, name, password, before)
  .map(([tokenIndex, username, password, faults]) => {
    const label = `rename ${tokenIndex} to ${username} ${password} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, person } = holderOf(model, tokenIndex)
      const event = eventWith({ username, password }, 'change-username')
      const { outcome, token } = await respond(withToken(event, old))
      const tried = person ? attempt(person, 'device', password) : 'token_invalid'
      if (tried !== 'correct' || person === undefined) {
        assert.equal(outcome, tried)
        return
      }
      const holder = model.people.get(keyOf(username))
      const isTaken = holder !== undefined && holder !== person
      assert.equal(outcome, isTaken ? 'username_taken' : 200)
      if (isTaken) return
      model.people.delete(keyOf(person.username))
      model.people.set(keyOf(username), person)
      person.username = username
      grant(model, person, token)
    })
  })

const deleteAccount = fc.tuple(index, password, before).map(
  ([tokenIndex, password, faults]) =>
    new Command(`delete ${tokenIndex} ${password} ${faults}`, async (model) => {
      plan(faults)
      const { token, person } = holderOf(model, tokenIndex)
      const { outcome } = await respond(withToken(eventWith({ password }, 'delete-account'), token))
      const tried = person ? attempt(person, 'device', password) : 'token_invalid'
      assert.equal(outcome, tried === 'correct' ? 204 : tried)
      if (tried === 'correct' && person) model.people.delete(keyOf(person.username))
    }),
)

const wait = fc.constant(
  new Command('wait for the end of every pause', async ({ people }) => {
    await database.query(
      "UPDATE users SET paused_until = now() - interval '1 s', device_paused_until = now() - interval '1 s'",
    )
    for (const { counts } of people.values()) {
      counts.stranger.isPaused = false
      counts.device.isPaused = false
    }
  }),
)

const fourFailures = fc.constant(
  new Command('four failures of every account', async ({ people }) => {
    await database.query(
      'UPDATE users SET failures = 4, paused_until = now(), device_failures = 4, device_paused_until = now()',
    )
    for (const { counts } of people.values()) {
      Object.assign(counts.stranger, { failures: 4, isPaused: false })
      Object.assign(counts.device, { failures: 4, isPaused: false })
    }
  }),
)

const SEED = process.env['FUZZ_SEED']

test('after any sequence of requests the responses and the table are those of the model', async () => {
  const commands = fc.commands(
    [
      signUp,
      signUp,
      signIn,
      signIn,
      me,
      me,
      me,
      changePassword,
      changePassword,
      changeUsername,
      changeUsername,
      deleteAccount,
      wait,
      fourFailures,
    ],
    { maxCommands: 50, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      await database.query('DELETE FROM users')
      const model: Model = { people: new Map(), tokens: [] }
      await fc.asyncModelRun(() => ({ model, real: {} }), steps)
    }),
    { numRuns: fuzzRuns(6, 200), ...(SEED && { seed: Number(SEED) }) },
  )
  // The documents under /.well-known/ depend on no account.
  const accountRoutes = ROUTE_KEYS.filter((routeKey) => !routeKey.includes('/.well-known/'))
  assert.deepEqual([...driven].sort(), accountRoutes.toSorted())
})
