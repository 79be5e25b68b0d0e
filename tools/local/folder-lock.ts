import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAtomically } from './create-atomically.ts'

/** The process that owns a folder, and the URL at which it shares the database, if it does. */
interface Owner {
  readonly pid: number
  readonly url?: string | undefined
}

/** The folder is owned until `release`, or its owner shares the database at `url`. */
export type Claim =
  | { readonly owned: true; publish(url: string): void; release(): void }
  | { readonly owned: false; readonly url: string }

const POLL_MILLISECONDS = 200

/** Longer than creating the database and a sign-up take on a slow machine. */
const WAIT_MILLISECONDS = 60_000

/** A live owner responds in milliseconds; another program on its port must not block the start. */
const RESPONSE_MILLISECONDS = 2_000

/** What this process owns. A claim with its id that is not in here is an earlier process's. */
const OURS = new Set<string>()

/**
 * Makes this process the owner of `folder`, since only one process at a time may open PGlite's files. An
 * owner that shares the database is joined; any other is waited for, for a minute, after which an error
 * names it. `onWait` is called once with its process id. A process that has ended owns nothing.
 */
export async function claimFolder(folder: string, onWait: (pid: number) => void): Promise<Claim> {
  mkdirSync(folder, { recursive: true })
  const path = `${folder}/owner.json`
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const owner = claim(path)
    if (owner === undefined) return ownedClaim(path)
    // An owner that is closing no longer responds, and still has the files open.
    if (owner.url !== undefined && (await responds(owner.url))) {
      return { owned: false, url: owner.url }
    }
    if (waited === 0) onWait(owner.pid)
    if (waited >= WAIT_MILLISECONDS) {
      throw new Error(
        `Process ${owner.pid} is using ${folder}. Stop it first; if it is not Latchkey's, delete ${path}.`,
      )
    }
    await sleep(POLL_MILLISECONDS)
  }
}

function ownedClaim(path: string): Claim {
  OURS.add(path)
  return {
    owned: true,
    publish(url) {
      const draft = `${path}.${process.pid}`
      writeFileSync(draft, JSON.stringify({ pid: process.pid, url }))
      renameSync(draft, path)
    },
    release() {
      OURS.delete(path)
      rmSync(path, { force: true })
    },
  }
}

/** Claims the folder, or returns its live owner. */
function claim(path: string): Owner | undefined {
  while (!createAtomically(path, JSON.stringify({ pid: process.pid }))) {
    const owner = readOwner(path)
    if (owner !== undefined && isAlive(owner.pid, path)) return owner
    // Two processes may both find an ended owner, and the later remove the earlier's claim. That takes a
    // crash and two starts within a millisecond, on a developer's machine.
    rmSync(path, { force: true })
  }
  return undefined
}

function readOwner(path: string): Owner | undefined {
  try {
    const { pid, url } = Object(JSON.parse(readFileSync(path, 'utf8')))
    return typeof pid === 'number' ? { pid, url } : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number, path: string): boolean {
  // In a container every start can have the same process id.
  if (pid === process.pid) return OURS.has(path)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Someone else's process is alive too, though we may not signal it.
    return error instanceof Error && Reflect.get(error, 'code') === 'EPERM'
  }
}

async function responds(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(RESPONSE_MILLISECONDS) })
    return true
  } catch {
    return false
  }
}
