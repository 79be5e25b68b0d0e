import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { compare } from 'bcryptjs'
import { unzipSync } from 'fflate'
import { decodeJwt } from 'jose'
import { INJECTED_FAULTS } from '../../tools/local/data-api/faults.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { median } from '../bench/statistics.ts'
import { serveDatabase } from '../support/database.ts'
import { bodyOf, environment, eventWith } from '../support/handler.ts'
import { temporaryDatabase } from '../support/temporary-database.ts'

// npm run soak [-- --minutes 3]: sign-ups with random faults through the packaged zip, against the Postgres
// server at DATABASE_URL. Then every response is compared with what is stored; exits with 1 if they differ.

interface Request {
  readonly username: string
  readonly password: string
  readonly key: string | undefined
}
type Entry = Request & { readonly status: number; readonly code: unknown; readonly id: number }

/** What may come of a valid request while the database has faults. */
const EXPECTED =
  /^(201 undefined|400 username_taken|500 internal_error|503 (database_\w+|timed_out))$/
/** Growth from the second to the last quarter of a run: less than a leak in each request adds up to. */
const HEAP_GROWTH_MOST_BYTES = 4 * 1024 * 1024
/** Short, so that time runs out for many requests. */
const REMAINING_MILLISECONDS = 6000

const say = (line: string) => process.stdout.write(`${line}\n`)
const chance = (percent: number) => Math.random() * 100 < percent
const pick = <T>(list: readonly T[]) => list[Math.floor(Math.random() * list.length)]

/** A child: one process of the function, which handles one event at a time. */
function runFunction(path: string): void {
  const { handler } = createRequire(import.meta.url)(path)
  process.on('message', async (event: object) => {
    const context = { getRemainingTimeInMillis: () => REMAINING_MILLISECONDS }
    const response = await handler(event, context)
    globalThis.gc?.()
    process.send?.({ response, heapBytes: process.memoryUsage().heapUsed })
  })
}

/** Requests of mostly new people; some are sent again, and some want a name that somebody has. */
function createTraffic(): () => Request {
  const sent: Request[] = []
  return () => {
    const earlier = pick(sent.slice(-50))
    if (earlier && chance(20)) return earlier
    const request = {
      username: earlier && chance(10) ? earlier.username : `person ${sent.length}`,
      password: `password of ${randomUUID()}`,
      key: chance(50) ? randomUUID() : undefined,
    }
    sent.push(request)
    return request
  }
}

async function send(child: ChildProcess, { username, password, key }: Request) {
  const event = eventWith({ username, password })
  child.send({ ...event, headers: { ...event.headers, ...(key && { 'idempotency-key': key }) } })
  const [{ response, heapBytes }] = await once(child, 'message')
  const { token, code } = bodyOf(response)
  const id = typeof token === 'string' ? Number(decodeJwt(token).sub) : Number.NaN
  return { status: Number(response.statusCode), code, id, heapBytes: Number(heapBytes) }
}

/** How the responses about one name differ from its row. */
async function compareName(asked: readonly Entry[], row?: { id: number; hash: string }) {
  const created = asked.filter(({ status }) => status === 201)
  if (!row) return asked.some(({ status }) => status < 500) ? ['is not stored'] : []
  // If nobody got a 201, the row belongs to a request that got a 5xx after its statement had run.
  const owners = created.length > 0 ? created : asked.filter(({ status }) => status >= 500)
  const fits = await Promise.all(owners.map(({ password }) => compare(password, row.hash)))
  const theirs = owners.filter((_, index) => fits[index])
  const isRejected = ({ status, key, password }: Entry) =>
    status === 400 && key && theirs.some((each) => each.key === key && each.password === password)
  return [
    ...(theirs.length === 0 || (created.length > 0 && fits.includes(false))
      ? ['has a hash that fits no request, or two passwords']
      : []),
    ...(created.some(({ id }) => id !== row.id) ? ['has a token with another id'] : []),
    ...(asked.some(isRejected) ? ['was rejected by their own sign-up'] : []),
  ]
}

async function soak(minutes: number, cleanUps: (() => Promise<void>)[]): Promise<string[]> {
  const after = (work: () => Promise<void>) => void cleanUps.push(work)
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase({ after })))
  after(database.close)
  const folder = mkdtempSync(`${tmpdir()}/latchkey-soak-`)
  after(async () => rmSync(folder, { recursive: true }))
  const zip = unzipSync(readFileSync(new URL('../../.serverless/latchkey.zip', import.meta.url)))
  writeFileSync(`${folder}/auth.cjs`, zip['.build/auth.cjs'] ?? '')

  const entries: Entry[] = []
  const problems: string[] = []
  const nextRequest = createTraffic()
  const end = Date.now() + minutes * 60_000
  const runProcess = async () => {
    const child = fork(import.meta.filename, [`${folder}/auth.cjs`], {
      env: environment(database.url),
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.once('exit', (status) => {
      if (status === 0) return
      say('A process of the function has ended by itself.')
      process.exit(1)
    })
    const heap: number[] = []
    while (Date.now() < end) {
      const request = nextRequest()
      const name = pick(Object.keys(INJECTED_FAULTS))
      database.planFaults(chance(40) ? `${name}:${1 + Math.floor(Math.random() * 3)}` : '')
      const { heapBytes, ...result } = await send(child, request)
      entries.push({ ...request, ...result })
      heap.push(heapBytes)
    }
    child.disconnect()
    const quarter = Math.floor(heap.length / 4)
    const [second, last] = [heap.slice(quarter, 2 * quarter), heap.slice(-quarter)].map(median)
    if (Number(last) - Number(second) > HEAP_GROWTH_MOST_BYTES)
      problems.push('A process leaks memory')
  }
  await Promise.all(Array.from({ length: availableParallelism() }, runProcess))
  database.planFaults('')

  const rows = await database.query('SELECT username, id, password FROM users')
  const toRow = ([name, id, hash]: (typeof rows)[number]) =>
    [name, { id: Number(id), hash: `${hash}` }] as const
  const stored = new Map(rows.map(toRow))
  const byName = Map.groupBy(entries, ({ username }) => username)
  if (stored.size < rows.length) problems.push('A name is stored twice')
  for (const name of stored.keys()) if (!byName.has(name ?? '')) problems.push(`${name} is unknown`)
  for (const [name, asked] of byName) {
    const found = await compareName(asked, stored.get(name))
    problems.push(...found.map((problem) => `${name} ${problem}`))
  }
  const outcomes = Map.groupBy(entries, ({ status, code }) => `${status} ${code}`)
  for (const [outcome, { length }] of outcomes) {
    say(`${String(length).padStart(8)}  ${outcome}`)
    if (!EXPECTED.test(outcome)) problems.push(`Unexpected response: ${outcome}`)
  }
  say(`${String(rows.length).padStart(8)}  users stored`)
  const failed = entries.filter(({ status }) => status >= 500).length
  if (failed > entries.length / 2) problems.push('Most requests fail')
  return problems
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 60)) throw new TypeError('--minutes must be from 0 to 60.')
  const cleanUps: (() => Promise<void>)[] = []
  try {
    const problems = await soak(minutes, cleanUps)
    say(problems.slice(0, 20).join('\n') || 'Every response agrees with what is stored.')
    process.exitCode = problems.length === 0 ? 0 : 1
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  }
}

if (process.send) runFunction(process.argv[2] ?? '')
else await main()
