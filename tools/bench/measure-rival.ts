import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { hash as nativeHash } from 'bcrypt'
import { hash } from 'bcryptjs'
import { now } from './clock.ts'
import { type Figure, type Missing, NEEDS_SERVER } from './figures.ts'
import { COST, type Rig } from './rig.ts'
import { newUsername, PASSWORD } from './sign-up-events.ts'
import { median, summariseRatios } from './statistics.ts'
import { inTurns } from './turns.ts'

const WARM_UP = 5
const WHAT = 'sign-up over HTTP ÷ the same job by Fastify, `pg`, native `bcrypt`'

/** The same job by a server with a native hash and a connection of its own, on the same Postgres. */
export async function measureRival(
  rig: Rig,
  rounds: number,
): Promise<readonly (Figure | Missing)[]> {
  const hashes = await measureHashes(rounds)
  if (!rig.databaseUrl) return [{ what: WHAT, missing: NEEDS_SERVER }, hashes]

  const own = await startServer(rig, 'http-child.ts', [rig.paths.bundle])
  const rival = await startServer(rig, 'fastify-child.ts', [])
  await inTurns(WARM_UP, own, rival)
  const { first, second } = await inTurns(rounds, own, rival)
  return [ratio(WHAT, first, second, '; one request at a time, connection kept'), hashes]
}

async function measureHashes(rounds: number): Promise<Figure> {
  const timed = (work: (password: string, cost: number) => Promise<string>) => async () => {
    const start = now()
    await work(PASSWORD, COST)
    return now() - start
  }
  await inTurns(WARM_UP, timed(hash), timed(nativeHash))
  const { first, second } = await inTurns(rounds, timed(hash), timed(nativeHash))
  return ratio('hash of `bcryptjs` ÷ native `bcrypt`', first, second, '')
}

function ratio(
  what: string,
  values: readonly number[],
  floors: readonly number[],
  more: string,
): Figure {
  const detail = `${median(values).toFixed(0)} ms ÷ ${median(floors).toFixed(0)} ms${more}`
  return { what, summary: summariseRatios(values, floors), unit: '', digits: 2, detail }
}

/** Starts a server of this folder; the function returned signs somebody up and resolves with the milliseconds. */
async function startServer(rig: Rig, file: string, args: readonly string[]) {
  const child = fork(`${import.meta.dirname}/${file}`, args, {
    env: { ...rig.env, DATABASE_URL: rig.databaseUrl ?? '' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.resume()
  const ended = once(child, 'exit')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  rig.cleanUps.after(async () => {
    agent.destroy()
    child.kill()
    await ended
  })
  const [told] = await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`${file} has ended before it listened.`))),
  ])
  const { port }: { readonly port: number } = JSON.parse(String(told))

  return async (): Promise<number> => {
    const start = now()
    const status = await post(port, agent, { username: newUsername(), password: PASSWORD })
    if (status !== 201) throw new Error(`${file} answered ${status}.`)
    return now() - start
  }
}

function post(port: number, agent: Agent, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    request({ host: '127.0.0.1', port, path: '/auth/sign-up', method: 'POST', agent, headers })
      .once('error', reject)
      .once('response', (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
      .end(JSON.stringify(body))
  })
}
