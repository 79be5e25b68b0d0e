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
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DataApiAddress } from './data-api/server.ts'

/** The content of an owner's file. */
interface Owner {
  readonly pid?: number
  /** The place in which the process id is valid. */
  readonly place: string
  /** Where the owner shares the database. */
  readonly dataApi?: DataApiAddress | undefined
}

/** The folder is owned until `release`, or its owner shares the database. */
type Claim =
  | { readonly owned: true; publish(dataApi: DataApiAddress): void; release(): void }
  | { readonly owned: false; readonly dataApi: DataApiAddress }

const POLL_MILLISECONDS = 200

/** Longer than creating the database and a sign-up take on a slow machine. */
const WAIT_MILLISECONDS = 60_000

/** A running owner responds in milliseconds; another program on its port must not block the start. */
const RESPONSE_MILLISECONDS = 2_000

/** A machine or container, and on Linux the PID namespace in it. */
const PLACE = `${hostname()} ${pidNamespace()}`.trim()

/** SQLite's code for a lock that another handle has, and for a file system that reports ENOLCK. */
const SQLITE_BUSY = 5

/** The locks of this process. Node.js closes a database that nothing refers to, and so unlocks its file. */
const HELD = new Set<DatabaseSync>()

/**
 * Makes this process the owner of `folder`, since only one process at a time may open PGlite's files. The kernel
 * releases the lock of a process that exits. An owner that shares the database is joined. Any other is waited
 * for, and reported once to `onWait`; after `timeout` milliseconds it is an error. If machines or containers share
 * the folder without its locks, an owner elsewhere is an error at once, as is a file system without locks. Only
 * this user may enter the folder.
 */
export async function claimFolder(
  folder: string,
  onWait: (owner: string) => void,
  timeout = WAIT_MILLISECONDS,
): Promise<Claim> {
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o700)
  const path = `${folder}/owner.json`
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const lock = tryLock(folder)
    const { pid, place, dataApi } = readOwner(path)
    if (lock !== undefined && place === PLACE) return ownedClaim(lock, path)
    // An owner that is closing no longer responds, and still has the lock.
    if (dataApi !== undefined && (await responds(dataApi.url))) {
      lock?.close()
      return { owned: false, dataApi }
    }
    const name = pid === undefined ? 'another process' : `process ${pid}`
    const owner = place === PLACE ? name : `${name} of "${place}"`
    if (lock !== undefined) {
      lock.close()
      throw new Error(
        `${folder} is in use by ${owner}, or was when it ended; this is "${PLACE}". Stop it there. If it no longer runs, delete ${path}.`,
      )
    }
    if (waited === 0) onWait(owner)
    if (waited >= timeout) throw new Error(`${folder} is in use by ${owner}. Stop it first.`)
    await sleep(POLL_MILLISECONDS)
  }
}

function ownedClaim(lock: DatabaseSync, path: string): Claim {
  const publish = (dataApi?: DataApiAddress) => {
    const draft = `${path}.new`
    const owner: Owner = { pid: process.pid, place: PLACE, dataApi }
    // The access key id is for this user alone.
    writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 })
    renameSync(draft, path)
  }
  publish()
  HELD.add(lock)
  return {
    owned: true,
    publish,
    release() {
      if (!HELD.delete(lock)) return
      rmSync(path, { force: true })
      lock.close()
    },
  }
}

/** Locks the folder until the returned database is closed; undefined if another handle has the lock. */
function tryLock(folder: string): DatabaseSync | undefined {
  // POSIX drops the locks of a process when it closes any handle of the file: only SQLite may open this one.
  // It is never deleted, because a lock on a deleted file excludes no process.
  const lock = openLocked(`${folder}/lock`, 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  if (lock !== undefined) return lock
  // Nothing writes to this file, so only a file system without locks can deny this read.
  const probe = openLocked(`${folder}/lock-probe`, 'SELECT 1 FROM sqlite_schema')
  if (probe === undefined) throw lockError(folder, 'its file system has no locks')
  probe.close()
  return undefined
}

function openLocked(path: string, sql: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    database.exec(sql)
    chmodSync(path, 0o600)
    return database
  } catch (error) {
    database?.close()
    if (Object(error).errcode === SQLITE_BUSY) return undefined
    throw lockError(path, error instanceof Error ? error.message : String(error))
  }
}

const lockError = (path: string, reason: string) =>
  new Error(
    `${path} cannot be locked (${reason}). Move the project to a local disk that you may write to, or set DATABASE_URL to a Postgres server.`,
  )

/** Reads the owner's file. One that is missing or not Latchkey's names no other place. */
function readOwner(path: string): Owner {
  try {
    const { pid, place = PLACE, dataApi } = Object(JSON.parse(readFileSync(path, 'utf8')))
    return typeof pid === 'number' ? { pid, place, dataApi } : { place: PLACE }
  } catch {
    return { place: PLACE }
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** True if a local Data API serves the URL; in another container the port may be another program's. */
async function responds(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(RESPONSE_MILLISECONDS)
    const { headers } = await fetch(url, { method: 'HEAD', signal })
    return headers.has('x-amzn-requestid')
  } catch {
    return false
  }
}
