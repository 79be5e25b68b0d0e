import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import type { AttemptCounter } from '../lib/accounts/account.ts'
import { agedToken, startApi } from '../test/support/api.ts'
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

interface Account {
  username: string
  password: string
  version: number
  idempotencyKey: string
  readonly counts: Readonly<Record<AttemptCounter, Count>>
}

interface Session {
  readonly sessionToken: string
  readonly account: Account
  /** The version of the password at which it began. */
  readonly version: number
  isEnded: boolean
}

interface Model {
  readonly accounts: Map<string, Account>
  readonly sessions: Session[]
  /** Every granted token: its holder, the version of the password at which it was signed, its count and session. */
  readonly tokens: {
    token: string
    account: Account
    version: number
    counter: 'device' | 'fresh'
    session: Session | undefined
  }[]
}

/** The routes that any run has sent a request to. */
const driven = new Set<string>()

async function respond(event: Parameters<typeof api.respond>[0]) {
  driven.add(event.routeKey)
  const { status, code, json, ...granted } = await api.respond(event)
  return { outcome: code ?? status, ...granted, body: json }
}

const exists = ({ accounts }: Model, account: Account) => [...accounts.values()].includes(account)

const isAlive = (model: Model, { account, version, isEnded }: Session) =>
  !isEnded && exists(model, account) && account.version === version

/**
 * Returns the token, its count and session, its holder if it is still valid, and the account whose device it marks, also
 * after the end of its session.
 */
function holderOf(model: Model, index: number) {
  const found = model.tokens[index % (model.tokens.length || 1)]
  const { token = 'x.y.z', account, version, counter = 'fresh', session } = found ?? {}
  const isOfVersion = account && exists(model, account) && account.version === version
  const marked = isOfVersion ? account : undefined
  const isRevoked = session !== undefined && !isAlive(model, session)
  return { token, counter, session, marked, account: isRevoked ? undefined : marked }
}

/** A session that is of nobody. */
const UNKNOWN = { sessionToken: `lks_${'A'.repeat(43)}`, account: undefined }

const sessionOf = ({ sessions }: Model, index: number) =>
  sessions[index % (sessions.length || 1)] ?? UNKNOWN

/** Returns the result of an attempt, and updates its count, by the rules of SECURITY.md. */
function attempt(account: Account | undefined, counter: AttemptCounter, password: string) {
  const count = account?.counts[counter] ?? { failures: 0, isPaused: false }
  if (count.isPaused) return 'too_many_attempts'
  if (account?.password === password) {
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
    await updateCounts(
      (failures, pausedUntil) => `${pausedUntil} = ${pausedUntil} + CASE
        WHEN ${failures} >= 5 AND ${pausedUntil} > now() THEN interval '900 s' ELSE interval '0 s' END`,
    )
    await assertTable(model)
  }
}

/** Updates the columns of every count of every row. */
const updateCounts = (assignment: (failures: string, pausedUntil: string) => string) =>
  database.query(
    `UPDATE users SET ${['', 'device_', 'fresh_']
      .map((prefix) => assignment(`${prefix}failures`, `${prefix}paused_until`))
      .join(', ')}`,
  )

async function assertTable(model: Model): Promise<void> {
  const { accounts, sessions } = model
  const [[alive] = []] =
    await database.query(`SELECT count(*) FROM sessions JOIN users ON id = user_id
    WHERE last_used > '-infinity' AND sessions.password_version = users.password_version`)
  assert.equal(Number(alive), sessions.filter((session) => isAlive(model, session)).length)

  const rows = await database.query(
    `SELECT username, password_version, failures, device_failures, fresh_failures FROM users
    ORDER BY username_key`,
  )
  const expected = [...accounts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, account]) => {
      const { username, version, counts } = account
      const { stranger, device, fresh } = counts
      return [
        username,
        ...[version, ...[stranger, device, fresh].map(({ failures }) => failures)].map(String),
      ]
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

interface Grant {
  readonly token: string
  /** The token of a new session, or ''. */
  readonly session: string
}

function grant(model: Model, account: Account, granted: Grant, ofSession?: Session): void {
  const { token, session: sessionToken } = granted
  const { version } = account
  const session = sessionToken ? { sessionToken, account, version, isEnded: false } : ofSession
  if (sessionToken && session) model.sessions.push(session)
  model.tokens.push({ token, account, version, counter: 'fresh', session })
  assert.equal(decodeJwt(token)['sid'] !== undefined, session !== undefined)
  const { payload, password_version: signedAt = 0 } = decodeJwt(token)
  assert.deepEqual([Object(payload).username, signedAt], [account.username, version])
}

const signUp = fc
  .tuple(
    name,
    password,
    fc.constantFrom('a-key-of-one-sign-up', 'a-key-of-another-one'),
    fc.boolean(),
    before,
  )
  .map(([username, password, idempotencyKey, session, faults]) => {
    const label = `sign up ${username} ${password} ${idempotencyKey} ${session} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const event = eventWith({ username, password, session })
      const headers = { ...event.headers, 'idempotency-key': idempotencyKey }
      const { outcome, ...granted } = await respond({ ...event, headers })
      const taken = model.accounts.get(keyOf(username))
      if (taken === undefined) {
        const noFailures = () => ({ failures: 0, isPaused: false })
        const counts = { stranger: noFailures(), device: noFailures(), fresh: noFailures() }
        const account = { username, password, version: 0, idempotencyKey, counts }
        model.accounts.set(keyOf(username), account)
        assert.equal(outcome, 201)
        grant(model, account, granted)
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
      if (tried === 'correct') grant(model, taken, granted)
    })
  })

const signIn = fc
  .tuple(
    name,
    password,
    fc.constantFrom('nothing', 'token', 'session'),
    index,
    fc.boolean(),
    before,
  )
  .map(([username, password, shown, index, session, faults]) => {
    const label = `sign in ${username} ${password} ${session} with ${shown} ${index} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, marked } = holderOf(model, index)
      const previous = sessionOf(model, index)
      const event = eventWith({ username, password, session }, 'sign-in')
      const shownText = { nothing: '', token: old, session: previous.sessionToken }[shown]
      const { outcome, ...granted } = await respond(
        shown === 'nothing' ? event : withToken(event, shownText),
      )
      const account = model.accounts.get(keyOf(username))
      // The row of a session stands after its end, until the account is deleted.
      const holder = { nothing: undefined, token: marked, session: previous.account }[shown]
      const isDevice = account !== undefined && account === holder
      const counter = isDevice && !account.counts.device.isPaused ? 'device' : 'stranger'
      const tried = attempt(account, counter, password)
      assert.equal(outcome, tried === 'correct' ? 200 : tried)
      if (tried !== 'correct' || account === undefined) return
      if (shown === 'session' && isDevice && 'isEnded' in previous) previous.isEnded = true
      grant(model, account, granted)
    })
  })

const me = fc.tuple(index, anyFault).map(
  ([tokenIndex, faults]) =>
    new Command(`me ${tokenIndex} ${faults}`, async (model) => {
      plan(faults)
      const { token, account } = holderOf(model, tokenIndex)
      const { outcome, body } = await respond(withToken(readEvent('me'), token))
      assert.equal(outcome, account ? 200 : 'token_invalid')
      assert.equal(body['username'], account?.username)
    }),
)

const changePassword = fc
  .tuple(index, password, password, fc.boolean(), before)
  .map(([tokenIndex, currentPassword, newPassword, session, faults]) => {
    const label = `change ${tokenIndex} ${currentPassword} to ${newPassword} ${session} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, account, counter } = holderOf(model, tokenIndex)
      const event = eventWith({ currentPassword, newPassword, session }, 'change-password')
      const { outcome, ...granted } = await respond(withToken(event, old))
      const tried = account ? attempt(account, counter, currentPassword) : 'token_invalid'
      assert.equal(outcome, tried === 'correct' ? 200 : tried)
      if (tried !== 'correct' || account === undefined) return
      account.password = newPassword
      account.version += 1
      for (const count of Object.values(account.counts)) {
        Object.assign(count, { failures: 0, isPaused: false })
      }
      grant(model, account, granted)
    })
  })

const changeUsername = fc
  .tuple(index, name, password, before)
  .map(([tokenIndex, username, password, faults]) => {
    const label = `rename ${tokenIndex} to ${username} ${password} ${faults}`
    return new Command(label, async (model) => {
      plan(faults)
      const { token: old, account, counter, session } = holderOf(model, tokenIndex)
      const event = eventWith({ username, password }, 'change-username')
      const { outcome, ...granted } = await respond(withToken(event, old))
      const tried = account ? attempt(account, counter, password) : 'token_invalid'
      if (tried !== 'correct' || account === undefined) {
        assert.equal(outcome, tried)
        return
      }
      const holder = model.accounts.get(keyOf(username))
      const isTaken = holder !== undefined && holder !== account
      assert.equal(outcome, isTaken ? 'username_taken' : 200)
      if (isTaken) return
      model.accounts.delete(keyOf(account.username))
      model.accounts.set(keyOf(username), account)
      account.username = username
      grant(model, account, granted, session)
    })
  })

const deleteAccount = fc.tuple(index, password, before).map(
  ([tokenIndex, password, faults]) =>
    new Command(`delete ${tokenIndex} ${password} ${faults}`, async (model) => {
      plan(faults)
      const { token, account, counter } = holderOf(model, tokenIndex)
      const { outcome } = await respond(withToken(eventWith({ password }, 'delete-account'), token))
      const tried = account ? attempt(account, counter, password) : 'token_invalid'
      assert.equal(outcome, tried === 'correct' ? 204 : tried)
      if (tried === 'correct' && account) model.accounts.delete(keyOf(account.username))
    }),
)

const renew = fc.tuple(index, anyFault).map(
  ([index, faults]) =>
    new Command(`renew ${index} ${faults}`, async (model) => {
      plan(faults)
      const session = sessionOf(model, index)
      const { outcome, token } = await respond(withToken(readEvent('renew'), session.sessionToken))
      const isOpen = 'isEnded' in session && isAlive(model, session)
      assert.equal(outcome, isOpen ? 200 : 'session_ended')
      if (!isOpen) return
      const { account, version } = session
      model.tokens.push({ token, account, version, counter: 'device', session })
    }),
)

const signOut = fc.tuple(index, anyFault).map(
  ([index, faults]) =>
    new Command(`sign out ${index} ${faults}`, async (model) => {
      plan(faults)
      const session = sessionOf(model, index)
      const { outcome } = await respond(withToken(readEvent('sign-out'), session.sessionToken))
      assert.equal(outcome, 204)
      if ('isEnded' in session) session.isEnded = true
    }),
)

const wait = fc.constant(
  new Command('wait for the end of every pause', async ({ accounts }) => {
    await updateCounts((_, pausedUntil) => `${pausedUntil} = now() - interval '1 s'`)
    for (const { counts } of accounts.values()) {
      for (const count of Object.values(counts)) count.isPaused = false
    }
  }),
)

const fourFailures = fc.constant(
  new Command('four failures of every account', async ({ accounts }) => {
    await updateCounts((failures, pausedUntil) => `${failures} = 4, ${pausedUntil} = now()`)
    for (const { counts } of accounts.values()) {
      for (const count of Object.values(counts))
        Object.assign(count, { failures: 4, isPaused: false })
    }
  }),
)

const fiveMinutes = fc.constant(
  new Command('five minutes, after which no token is fresh', async ({ tokens }) => {
    for (const held of tokens) {
      Object.assign(held, { token: await agedToken(held.token), counter: 'device' })
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
      renew,
      renew,
      signOut,
      wait,
      fourFailures,
      fiveMinutes,
    ],
    { maxCommands: 50, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      await database.query('DELETE FROM users')
      const model: Model = { accounts: new Map(), sessions: [], tokens: [] }
      await fc.asyncModelRun(() => ({ model, real: {} }), steps)
    }),
    { numRuns: fuzzRuns(6, 200), ...(SEED && { seed: Number(SEED) }) },
  )
  // The documents under /.well-known/ depend on no account.
  const accountRoutes = ROUTE_KEYS.filter((routeKey) => !routeKey.includes('/.well-known/'))
  assert.deepEqual([...driven].sort(), accountRoutes.toSorted())
})
