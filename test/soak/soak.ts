import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare } from 'bcryptjs'
import { unzipSync } from 'fflate'
import { decodeJwt } from 'jose'
import postgres from 'postgres'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { serveDatabase } from '../support/database.ts'
import { bodyOf, environment, eventWith } from '../support/handler.ts'
import type { FunctionAnswer } from './function-process.ts'
import { createLedger, type SoakAnswer, type SoakRequest } from './ledger.ts'
import { createTraffic, randomFaults } from './traffic.ts'

// `npm run soak -- --minutes 3`: sign-ups with random faults through the zip, against the Postgres server
// at DATABASE_URL. Prints what came of them, and exits with 1 if anything does not fit together.

/** What a process may hold more in its last quarter than in its second: less than a leak a request adds up to. */
const HEAP_GROWTH_MAX_BYTES = 4 * 1024 * 1024

/** The Data API's connection that is kept alive, and some that are just being closed. */
const SOCKETS_MAX = 4

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Ends the soak before it has begun, with what has to be put right. */
function refuse(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 60)) refuse('--minutes takes a number of up to 60.')
const server =
  process.env['DATABASE_URL'] ??
  refuse('Set DATABASE_URL to a Postgres server, in which the soak makes a database of its own.')

const admin = postgres(server, { max: 1, onnotice: () => {} })
const databaseName = `latchkey_soak_${process.pid}`
await admin
  .unsafe(`CREATE DATABASE ${databaseName} TEMPLATE template0 ENCODING 'UTF8'`)
  .catch(({ message }: Error) => refuse(`DATABASE_URL: no database can be made: ${message}.`))
const database = await serveDatabase(
  await connectPostgres(Object.assign(new URL(server), { pathname: `/${databaseName}` }).href),
)

const ZIP = fileURLToPath(new URL('../../.serverless/latchkey.zip', import.meta.url))
const [[name = '', code] = []] = Object.entries(unzipSync(readFileSync(ZIP)))
const folder = mkdtempSync(`${tmpdir()}/latchkey-soak-`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const bundle = `${folder}/${name.replace(/.*\//, '')}`
writeFileSync(bundle, code ?? '')

const ledger = createLedger(compare)
const nextRequest = createTraffic()
const heaps: number[][] = []
let sockets = 0
const end = Date.now() + minutes * 60_000

function ask(child: ChildProcess, request: SoakRequest): Promise<FunctionAnswer> {
  const { username, password, idempotencyKey } = request
  const event = eventWith({ username, password })
  const headers = { ...event.headers, ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) }
  child.send({ ...event, headers })
  return new Promise((resolve) =>
    child.once('message', (answer: FunctionAnswer) => resolve(answer)),
  )
}

function toAnswer({ response }: FunctionAnswer): SoakAnswer {
  const { token, code } = bodyOf(response)
  return {
    status: response.statusCode ?? 0,
    code: typeof code === 'string' ? code : undefined,
    userId: typeof token === 'string' ? Number(decodeJwt(token).sub) : undefined,
  }
}

/** One process of the function, asked one request after the other. */
async function soakProcess(): Promise<void> {
  const file = fileURLToPath(new URL('function-process.ts', import.meta.url))
  const child = fork(file, [bundle], {
    env: environment(database.url),
    // The second, or counting sockets would look up the names of who is connected.
    execArgv: ['--expose-gc', '--report-exclude-network'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const heap: number[] = []
  heaps.push(heap)
  while (Date.now() < end) {
    const request = nextRequest()
    database.misbehave(randomFaults())
    const answer = await ask(child, request)
    ledger.record(request, toAnswer(answer))
    heap.push(answer.heapBytes)
    sockets = Math.max(sockets, answer.sockets)
  }
  child.disconnect()
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0

/** How much more a process holds in the last quarter of its life than in the second. */
const growth = (heap: readonly number[]) =>
  median(heap.slice((heap.length * 3) >> 2)) -
  median(heap.slice(heap.length >> 2, heap.length >> 1))

try {
  say(
    `Sign-ups with random faults for ${minutes} min, ${availableParallelism()} processes of ${name}`,
  )
  await Promise.all(Array.from({ length: availableParallelism() }, soakProcess))
  database.misbehave('')

  const rows = await database.query('SELECT id, username, password FROM users')
  const users = rows.map(([id, username, passwordHash]) => ({
    id: Number(id),
    username: username ?? '',
    passwordHash: passwordHash ?? '',
  }))
  say(`Comparing ${users.length} stored hashes`)
  const problems = await ledger.problems(users)
  const grown = Math.max(...heaps.map(growth))
  if (grown > HEAP_GROWTH_MAX_BYTES) problems.push('A process holds more and more memory')
  if (sockets > SOCKETS_MAX) problems.push('A process holds more and more sockets')

  for (const [outcome, count] of ledger.counts()) say(`${String(count).padStart(8)}  ${outcome}`)
  say(`${String(users.length).padStart(8)}  users stored`)
  say(`${(grown / 1024).toFixed(0).padStart(8)}  KiB of heap more, the second quarter to the last`)
  say(`${String(sockets).padStart(8)}  sockets in a process at the most`)
  say(problems.length === 0 ? 'All of it fits together.' : problems.slice(0, 20).join('\n'))
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  await database.close()
  await admin.unsafe(`DROP DATABASE ${databaseName} WITH (FORCE)`)
  await admin.end()
}
