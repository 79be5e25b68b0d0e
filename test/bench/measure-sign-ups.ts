import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { SigningKey } from '../../lib/adapters/signing-key.ts'
import { signToken, verifyToken } from '../../lib/adapters/tokens.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { eventWith, readEvent, signingKey, withToken } from '../support/handler.ts'
import { type Call, length, now, startHandler, waits } from './handler-process.ts'
import { captureCall, type Rig } from './rig.ts'
import { inTurns, median, type Row, repeat, summarise, summariseRatios } from './statistics.ts'

const PASSWORD = 'correct horse battery'

/** A name of 16 letters that nobody has. */
export const newUsername = (): string => randomBytes(8).toString('hex')

const signUp = (username = newUsername()): APIGatewayProxyEventV2 =>
  eventWith({ username, password: PASSWORD })

const signIn = (username: string, password = PASSWORD) =>
  eventWith({ username, password }, 'sign-in')

/** The Data API call of a request, and a function that makes an event of it for the floor handler. */
async function learnFloor(rig: Rig, name: string, request: APIGatewayProxyEventV2) {
  const call = await captureCall(rig, async (url) => {
    const handler = startHandler(rig, rig.paths.bundle, { AWS_ENDPOINT_URL_RDS_DATA: url })
    await handler.call(request)
    await handler.stop()
  })
  const event = (username = newUsername()) => {
    const body = call.body.replaceAll(name, username)
    return eventWith({ password: PASSWORD, call: { ...call, body } })
  }
  return { call, event }
}

/** The same for a sign-up. */
export const learnSignUpFloor = (rig: Rig) => learnFloor(rig, 'somebody', signUp('somebody'))

const expectStatus = (call: Call, status: number): Call => {
  if (call.statusCode === status) return call
  throw new Error(`The response was ${call.statusCode} instead of ${status}.`)
}

/** Starts a process of the function that ends with the bench. */
function keepHandler(rig: Rig, env: Readonly<Record<string, string>> = {}) {
  const handler = startHandler(rig, rig.paths.bundle, env)
  rig.cleanUps.after(handler.stop)
  return handler
}

/** Makes rows of the ratio between one figure of pairs; the detail is the two medians. */
const ratioOf =
  <T>(own: readonly T[], floor: readonly T[]) =>
  (of: (measured: T) => number, atMost: number, what: string, digits = 2): Row => {
    const [values, floors] = [own.map(of), floor.map(of)]
    const detail = `${median(values).toFixed(0)} ÷ ${median(floors).toFixed(0)}`
    return { what, summary: summariseRatios(values, floors), digits, atMost, detail }
  }

/** A request in a warm process, which is one Data API call, against the same hash and a bare round trip. */
async function measureAgainstFloor(
  handler: ReturnType<typeof startHandler>,
  request: () => Promise<Call>,
  floorEvent: () => APIGatewayProxyEventV2,
  pairs: number,
) {
  const floor = async () => expectStatus(await handler.call(floorEvent(), 'floor'), 200)
  await inTurns(5, request, floor)
  const { first, second } = await inTurns(pairs, request, floor)
  return { calls: first.map(expectOneCall), ratio: ratioOf(first, second) }
}

function expectOneCall(call: Call): Call {
  if (waits(call).length === 1) return call
  throw new Error(`A ${call.statusCode} takes ${waits(call).length} Data API calls instead of one.`)
}

/** Warm sign-ups against their floor. Throws if a name that is taken costs more calls. */
export async function measureWarm(
  rig: Rig,
  floorEvent: () => APIGatewayProxyEventV2,
  pairs: number,
) {
  const handler = keepHandler(rig)
  const created = async () => expectStatus(await handler.call(signUp()), 201)
  const { calls, ratio } = await measureAgainstFloor(handler, created, floorEvent, pairs)
  const username = newUsername()
  await handler.call(signUp(username))
  expectOneCall(expectStatus(await handler.call(signUp(username)), 400))
  const what = 'warm sign-up ÷ the floor’s hash and round trip, ms'
  return { row: ratio(length, 1.015, what, 3), signUps: calls }
}

/** Warm sign-ins of an account without failures against their floor, where a hash stands for the comparison. */
export async function measureSignIn(rig: Rig, pairs: number): Promise<Row> {
  const handler = keepHandler(rig)
  const username = newUsername()
  expectStatus(await handler.call(signUp(username)), 201)
  const { event } = await learnFloor(rig, username, signIn(username))
  const signedIn = async () => expectStatus(await handler.call(signIn(username)), 200)
  const { ratio } = await measureAgainstFloor(handler, signedIn, () => event(username), pairs)
  return ratio(length, 1.01, 'warm sign-in ÷ the floor’s comparison and round trip, ms', 3)
}

/** What warm requests take besides their hash and the wait for the Data API. */
export async function measureOwnTimes(rig: Rig, warmUp: number, count: number): Promise<Row[]> {
  // The lowest cost factor: the rest takes as long with any, and warming up takes a quarter.
  const handler = keepHandler(rig, { BCRYPT_COST: '10' })
  const username = newUsername()
  await handler.call(signUp(username))
  const [[id = ''] = []] = await rig.query(
    `UPDATE users SET failures = 20, paused_until = now() + interval '900 seconds'
    WHERE username = '${username}' RETURNING id`,
  )
  const key = signingKey()
  const token = await signToken({ id: Number(id), username }, key, { ttlSeconds: 3600 })
  const row = async (what: string, event: () => APIGatewayProxyEventV2, status: number) => {
    const ownTime = async () => {
      const call = expectOneCall(expectStatus(await handler.call(event()), status))
      return (
        length(call) -
        (call.hashMs ?? 0) -
        waits(call)
          .map(length)
          .reduce((a, b) => a + b)
      )
    }
    await repeat(warmUp, ownTime)
    return {
      what,
      summary: summarise(await repeat(count, ownTime)),
      unit: 'ms',
      digits: 1,
      atMost: 3,
      detail: `reading, checking, the SDK's call and the log; after ${warmUp} requests, fewer take longer`,
    } as const
  }
  return [
    await row('own time of a sign-up: neither hash nor wait for the response', signUp, 201),
    await row('own time of /auth/me', () => withToken(readEvent('me'), token), 200),
    await row('own time of a 429, which has no hash', () => signIn(username), 429),
  ]
}

/** What three client errors take. Throws if one of them costs a hash or a call. */
export async function measureRefused(rig: Rig, count: number): Promise<Row> {
  const handler = keepHandler(rig)
  const username = newUsername()
  const bodies = [{ username, password: 'short' }, { username, password: 'password1' }, '{']
  const refuse = async () => {
    const times: number[] = []
    for (const body of bodies) {
      const call = expectStatus(await handler.call(eventWith(body)), 401)
      const isCheap = call.spans.length === 0 && call.hashMs === undefined
      if (!isCheap) throw new Error('A client error costs a hash or a call.')
      times.push(length(call))
    }
    return times
  }
  await handler.call(signUp()) // Now the key is read.
  await repeat(20, refuse)
  return {
    what: 'client error',
    summary: summarise((await repeat(count, refuse)).flat()),
    unit: 'ms',
    digits: 1,
    atMost: 1,
    detail: 'short password, common password, malformed JSON; no hash, no call',
  }
}

/** Signing and verifying a token with an RSA key of 2048 bits; the details have HS256's medians. */
export async function measureTokens(count: number): Promise<Row[]> {
  const options = { ttlSeconds: 3600 }
  const measure = async (key: SigningKey) => {
    const user = { id: 7, username: 'gary' }
    const timed = async <T>(work: () => Promise<T>) => {
      const start = now()
      const result = await work()
      return { time: now() - start, result }
    }
    const round = async () => {
      const signed = await timed(() => signToken(user, key, options))
      const verified = await timed(() => verifyToken(signed.result, [key], options))
      if (verified.result?.ok !== true) throw new Error('The token does not verify.')
      return { sign: signed.time, verify: verified.time }
    }
    await repeat(count, round)
    return repeat(count, round)
  }
  const [rs256, hs256] = [
    await measure(signingKey(newSigningKey('RS256'))),
    await measure(signingKey()),
  ]
  const row = (what: string, of: 'sign' | 'verify', atMost: number): Row => ({
    what,
    summary: summarise(rs256.map((times) => times[of])),
    unit: 'ms',
    digits: 2,
    atMost,
    detail: `RSA of 2048 bits; with HS256 ${median(hs256.map((times) => times[of])).toFixed(2)} ms`,
  })
  return [
    row('signing a token with RS256', 'sign', 3),
    row('verifying a token with RS256', 'verify', 1),
  ]
}

/** The bundle's size, and starting a process until the bundle is loaded, against the floor. */
export async function measureStartUp(rig: Rig, pairs: number): Promise<Row[]> {
  const start = (path: string) => async () => {
    const spawned = now()
    const child = spawn(process.execPath, [rig.paths.startChild, path], {
      env: rig.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [loaded, [status]] = await Promise.all([
      once(child.stdout, 'data').then(now),
      once(child, 'close'),
    ])
    if (status !== 0) throw new Error(`A process that loads ${path} ended with ${status}.`)
    return loaded - spawned
  }
  const { first, second } = await inTurns(pairs, start(rig.paths.bundle), start(rig.paths.floor))
  const { size } = await stat(rig.paths.bundle)
  return [
    {
      what: 'bundle, minified',
      summary: summarise([size / 1000]),
      unit: 'KB',
      digits: 0,
      atMost: 460,
      detail: "the function, its packages, AWS's SDK, the common passwords",
    },
    ratioOf(first, second)(
      (time) => time,
      2.1,
      'start-up until the bundle is loaded ÷ the floor’s, ms',
    ),
  ]
}

/**
 * The first sign-up of new processes, from the spawn to the response, and their most memory after ten,
 * against the floor's.
 */
export async function measureNewProcesses(
  rig: Rig,
  floorEvent: () => APIGatewayProxyEventV2,
  pairs: number,
) {
  const runProcess = (path: string, event: () => APIGatewayProxyEventV2) => async () => {
    const handler = startHandler(rig, path)
    const [call, ...others] = await repeat(10, () => handler.call(event()))
    const start = await handler.started
    await handler.stop()
    if (!call || call.statusCode >= 400) throw new Error(`The response was ${call?.statusCode}.`)
    return {
      start,
      call,
      total: call.end - start.spawned,
      memory: (others.at(-1)?.peakBytes ?? Number.NaN) / 1e6,
    }
  }
  const { first, second } = await inTurns(
    pairs,
    runProcess(rig.paths.bundle, signUp),
    runProcess(rig.paths.floorWithHash, floorEvent),
  )
  const ratio = ratioOf(first, second)
  const total = 'first sign-up of a new process, from the spawn ÷ the floor’s, ms'
  const memory = 'peak memory after ten sign-ups ÷ the floor’s, MB'
  const rows = [ratio((each) => each.total, 1.35, total), ratio((each) => each.memory, 1.3, memory)]
  return { rows, firstCalls: first }
}
