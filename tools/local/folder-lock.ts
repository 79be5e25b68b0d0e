import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createAtomically } from './create-atomically.ts'

/** The process that owns a folder, and the URL at which it shares the database, if it does. */
interface Owner {
  readonly pid: number
  /** Where the process id means something. */
  readonly place: string
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

/** A machine or container, and on Linux the PID namespace in it. */
const PLACE = `${hostname()} ${pidNamespace()}`.trim()

/** What this process owns. A claim with its id that is not in here is an earlier process's. */
const OURS = new Set<string>()

/**
 * Makes this process the owner of `folder`, since only one process at a time may open PGlite's files. An
 * owner that shares the database is joined; any other is waited for, for a minute, after which an error
 * names it. `onWait` is called once with its process id. A process that has ended owns nothing. Whether one
 * of another container or machine has ended cannot be seen, so that is an error at once. Only this user may
 * enter the folder.
 */
export async function claimFolder(folder: string, onWait: (pid: number) => void): Promise<Claim> {
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o700)
  const path = `${folder}/owner.json`
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    if (createAtomically(path, JSON.stringify({ pid: process.pid, place: PLACE }))) {
      return ownedClaim(path)
    }
    const owner = readOwner(path)
    // An owner that is closing no longer responds, and still has the files open.
    if (owner?.url !== undefined && (await responds(owner.url))) {
      return { owned: false, url: owner.url }
    }
    // Another start may have taken the folder over while the owner was asked.
    if (!isDeepStrictEqual(readOwner(path), owner)) continue
    if (owner !== undefined && owner.place !== PLACE) {
      throw new Error(
        `Process ${owner.pid} of "${owner.place}" is using ${folder}, or was when it ended; this is "${PLACE}". Stop it there. If it no longer runs, delete ${path}.`,
      )
    }
    if (owner === undefined || !isAlive(owner.pid, path)) {
      // Two processes may both find an ended owner, and the later remove the earlier's claim. That takes a
      // crash and two starts within a millisecond, on a developer's machine.
      rmSync(path, { force: true })
      continue
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
      writeFileSync(draft, JSON.stringify({ pid: process.pid, place: PLACE, url }), { mode: 0o600 })
      renameSync(draft, path)
    },
    release() {
      OURS.delete(path)
      rmSync(path, { force: true })
    },
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const { pid, place = PLACE, url } = Object(JSON.parse(readFileSync(path, 'utf8')))
    return typeof pid === 'number' ? { pid, place, url } : undefined
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

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** Whether a local Data API is there; in another container the port may be another program's. */
async function responds(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(RESPONSE_MILLISECONDS)
    const { headers } = await fetch(url, { method: 'HEAD', signal })
    return headers.has('x-amzn-requestid')
  } catch {
    return false
  }
}
