import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventWith, readEvent, withToken } from '../support/handler.ts'
import { serveHttp } from '../support/http-endpoint.ts'
import { type BaselineRequest, type Call, startHandler } from './handler-process.ts'
import { json, type Rig } from './rig.ts'
import { inTurns, type Row, repeat, summarise } from './statistics.ts'

type NewEvent = () => APIGatewayProxyEventV2

const PASSWORD = 'correct horse battery'

/** A name of 16 letters that is free. */
const newUsername = (): string => randomBytes(8).toString('hex')

const signUp = (username = newUsername(), session = false): APIGatewayProxyEventV2 =>
  eventWith({ username, password: PASSWORD, session })

const length = ({ start, end }: Call): number => end - start

/** Makes events with which the baseline sends the Data API what the bundle sends for this request of the user. */
async function learnBaseline(rig: Rig, username: string, request: APIGatewayProxyEventV2) {
  const { url, requests } = await serveHttp(rig.cleanUps, () => json({ records: [] }))
  const handler = startHandler(rig, rig.paths.bundle, { AWS_ENDPOINT_URL_RDS_DATA: url })
  await handler.call(request)
  await handler.stop()
  const [sent] = requests
  if (sent === undefined) throw new Error('The request made no call.')
  const { host: _, connection: __, 'content-length': ___, ...headers } = sent.headers
  return (): APIGatewayProxyEventV2 => {
    const call = { path: sent.path, headers, body: sent.body.replaceAll(username, newUsername()) }
    return eventWith({ password: PASSWORD, call } satisfies BaselineRequest)
  }
}

/** Calls the handler; throws unless it responds with the status and calls the Data API once. */
async function callOnce(
  handler: ReturnType<typeof startHandler>,
  event: APIGatewayProxyEventV2,
  status: number,
): Promise<Call> {
  const call = await handler.call(event)
  const { statusCode, waits } = call
  if (statusCode === status && waits.length === 1) return call
  throw new Error(`Expected ${status} and 1 Data API call, got ${statusCode} and ${waits.length}.`)
}

/** Makes a row of the ratio of values in pairs; the detail is the two medians. */
function ratio(
  what: string,
  values: readonly number[],
  baseline: readonly number[],
  digits: number,
  atMost?: number,
): Row {
  const ratios = values.map((value, index) => value / (baseline[index] ?? Number.NaN))
  const medians = [values, baseline].map((each) => summarise(each).median.toFixed(0))
  return { what, ...summarise(ratios), digits, atMost, detail: medians.join(' ÷ ') }
}

/** Measures warm sign-ups and sign-ins of an account without failures against a hash and a bare round trip. */
export async function measureWarm(rig: Rig, pairs: number): Promise<Row[]> {
  const username = newUsername()
  const signIn = eventWith({ username, password: PASSWORD }, 'sign-in')
  const handler = startHandler(rig)
  await callOnce(handler, signUp(username), 201)
  const measure = async (name: string, event: NewEvent, status: number) => {
    const newEvent = await learnBaseline(
      rig,
      username,
      name === 'sign-in' ? signIn : signUp(username),
    )
    const own = () => callOnce(handler, event(), status)
    const baseline = () => handler.call(newEvent(), 'baseline')
    await inTurns(5, own, baseline)
    const { first, second } = await inTurns(pairs, own, baseline)
    const what = `warm ${name} ÷ the baseline’s, ms`
    return ratio(what, first.map(length), second.map(length), 3)
  }
  const rows = [
    await measure('sign-up', () => signUp(), 201),
    await measure('sign-in', () => signIn, 200),
  ]
  await handler.stop()
  return rows
}

/** Measures the time of a sign-up and of a renewal besides hash and database, and the growth of the heap. */
export async function measureOwnTime(rig: Rig, warmUp: number, count: number): Promise<Row[]> {
  // A quarter of the default's hash, so that warming up takes a quarter of the time.
  const handler = startHandler(rig, rig.paths.bundle, { BCRYPT_COST: '10' })
  const { body } = await callOnce(handler, signUp(undefined, true), 201)
  for (const body of ['{', { username: newUsername(), password: 'password1' }]) {
    const { waits, hashMs } = await handler.call(eventWith(body))
    if (waits.length + hashMs > 0) throw new Error('A client error costs a hash or a call.')
  }
  const { token, sessionToken } = JSON.parse(body)
  const me = withToken(readEvent('me'), token)
  const renew = withToken(readEvent('renew'), sessionToken)
  const round = async () => {
    const call = await callOnce(handler, signUp(), 201)
    await repeat(3, () => callOnce(handler, me, 200))
    const renewal = await callOnce(handler, renew, 200)
    const own = (call: Call) => length(call) - call.hashMs - (call.waits[0] ?? 0)
    return { hash: 4 * call.hashMs, signUp: own(call), renewal: own(renewal) }
  }
  const heap = async () => (await handler.call(me, 'memory')).heapBytes / 1e6
  await repeat(warmUp, round)
  const before = await heap()
  const rounds = await repeat(count, round)
  const after = await heap()
  await handler.stop()
  const hashMs = summarise(rounds.map(({ hash }) => hash)).median.toFixed(0)
  const share = (name: string, of: 'signUp' | 'renewal'): Row => ({
    what: `own time of a ${name}, neither hash nor wait for the database, as a part of one hash`,
    ...summarise(rounds.map((round) => (100 * round[of]) / round.hash)),
    unit: '%',
    digits: 2,
    atMost: 1,
    detail: `${summarise(rounds.map((round) => round[of])).median.toFixed(1)} ms of ${hashMs} ms`,
  })
  return [
    share('sign-up', 'signUp'),
    share('renewal', 'renewal'),
    ratio(`heap after ${5 * count} more requests ÷ before, MB`, [after], [before], 2, 1.05),
  ]
}

/**
 * Measures new processes against the baseline's: the time until the bundle is loaded, the first sign-up from the
 * spawn to the response, and the peak memory after ten.
 */
export async function measureNewProcesses(rig: Rig, pairs: number, pairsOfTen: number) {
  const newEvent = await learnBaseline(rig, 'first-user', signUp('first-user'))
  const runProcess = (path: string, event: NewEvent, calls: number) => async () => {
    const handler = startHandler(rig, path)
    const [first, ...others] = await repeat(calls, () => handler.call(event()))
    const loaded = (await handler.started) - handler.spawned
    await handler.stop()
    if (!first || first.statusCode >= 400) throw new Error(`The response was ${first?.statusCode}.`)
    const memory = (others.at(-1) ?? first).peakBytes / 1e6
    return { loaded, total: first.end - handler.spawned, memory }
  }
  const measure = (calls: number, pairs: number) =>
    inTurns(
      pairs,
      runProcess(rig.paths.bundle, () => signUp(), calls),
      runProcess(rig.paths.baseline, newEvent, calls),
    )
  type Pairs = Awaited<ReturnType<typeof measure>>
  const row = (what: string, of: 'loaded' | 'total' | 'memory', pairs: Pairs, atMost?: number) => {
    const [values, baseline] = [pairs.first, pairs.second].map((each) => each.map((one) => one[of]))
    return ratio(`${what} ÷ the baseline’s`, values ?? [], baseline ?? [], 2, atMost)
  }
  const [one, ten] = [await measure(1, pairs), await measure(10, pairsOfTen)]
  return [
    row('first sign-up of a new process, from the spawn, ms', 'total', one, 1.35),
    row('start-up until the bundle is loaded, ms', 'loaded', one),
    row('peak memory after ten sign-ups, MB', 'memory', ten, 1.3),
  ]
}

/**
 * Measures sign-ups with a session against those without, and the wait for the statement of a renewal before and after
 * `users` with two sessions each are stored.
 */
export async function measureSessions(rig: Rig, pairs: number, users: number): Promise<Row[]> {
  const handler = startHandler(rig)
  const call = (session: boolean) => () => callOnce(handler, signUp(undefined, session), 201)
  await inTurns(5, call(true), call(false))
  const { first, second } = await inTurns(pairs, call(true), call(false))
  const { body } = await callOnce(handler, signUp(undefined, true), 201)
  const renew = withToken(readEvent('renew'), JSON.parse(body).sessionToken)
  const waits = async () => {
    const calls = await repeat(400, () => callOnce(handler, renew, 200))
    return calls.slice(100).map(({ waits }) => waits[0] ?? 0)
  }
  const few = await waits()
  await rig.query(`INSERT INTO users (username, username_key, password)
    SELECT 'user ' || n, 'user ' || n, '' FROM generate_series(1, ${users}) AS n`)
  await rig.query(`INSERT INTO sessions (digest, user_id, password_version)
    SELECT sha256(convert_to(id || ' ' || n, 'UTF8')), id, 0 FROM users, generate_series(1, 2) AS n
    WHERE username LIKE 'user %'`)
  await rig.query('ANALYZE users, sessions')
  const many = await waits()
  await handler.stop()
  const medians = [many, few].map((each) => summarise(each).median)
  const [large = 0, small = 1] = medians
  return [
    ratio('sign-up with a session ÷ without, ms', first.map(length), second.map(length), 3, 1.02),
    {
      what: `statement of a renewal at ${users} users with two sessions each ÷ at none, ms`,
      ...summarise([large / small]),
      digits: 2,
      atMost: 1.5,
      detail: medians.map((median) => median.toFixed(1)).join(' ÷ '),
    },
  ]
}

/** Measures the bundle's size. */
export async function measureBundle(rig: Rig): Promise<Row> {
  const { size } = await stat(rig.paths.bundle)
  const detail = "the function, its packages, AWS's SDK, the common passwords"
  const what = 'bundle, minified'
  return { what, ...summarise([size / 1000]), unit: 'KB', digits: 0, atMost: 465, detail }
}
