import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createWhole } from './create-whole.ts'

/** Who has a folder: its process id, and the URL at which it lets others in, if it does. */
interface Owner {
  readonly pid: number
  readonly url?: string
}

/** Either the folder is ours until `release`, or its owner serves others at `url`. */
export type Claim =
  | { readonly owned: true; publish(url: string): void; release(): void }
  | { readonly owned: false; readonly url: string }

const POLL_MILLISECONDS = 200

/** Longer than a first start of the database and a sign-up on a slow machine. */
const PATIENCE_MILLISECONDS = 60_000

/** An owner that is alive answers in a few; whatever else may listen there must not hold us up. */
const ANSWER_MILLISECONDS = 2_000

/** What this process owns. A claim with its id that is not here was left by an earlier process. */
const OURS = new Set<string>()

/**
 * Makes this process the only one that works in `folder`: PGlite's files bear one process at a time.
 * An owner that has published a URL and answers there is joined; any other is waited for, a minute at
 * the most, after which an error names it. `onWait` is told its process id once. A dead process owns
 * nothing.
 */
export async function claimFolder(folder: string, onWait: (pid: number) => void): Promise<Claim> {
  mkdirSync(folder, { recursive: true })
  const path = `${folder}/owner.json`
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const owner = claim(path)
    if (owner === undefined) return ownedClaim(path)
    // An owner that is closing no longer answers, and still has the files open.
    if (owner.url !== undefined && (await answers(owner.url))) {
      return { owned: false, url: owner.url }
    }
    if (waited === 0) onWait(owner.pid)
    if (waited >= PATIENCE_MILLISECONDS) {
      throw new Error(
        `Process ${owner.pid} is using ${folder}. Stop it first; if it is none of Latchkey's, delete ${path}.`,
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
      writeFileSync(draft, ownerJson({ pid: process.pid, url }))
      renameSync(draft, path)
    },
    release() {
      OURS.delete(path)
      rmSync(path, { force: true })
    },
  }
}

/** Claims at once and returns nothing, or returns the owner, alive. */
function claim(path: string): Owner | undefined {
  while (!createWhole(path, ownerJson({ pid: process.pid }))) {
    const owner = readOwner(path)
    if (owner !== undefined && isAlive(owner.pid, path)) return owner
    // Two processes may both find a dead owner here; the later one could remove the earlier's claim.
    // It takes a crash and two starts within a millisecond, and this is a developer's machine.
    rmSync(path, { force: true })
  }
  return undefined
}

const ownerJson = (owner: Owner) => JSON.stringify(owner)

function readOwner(path: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof owner !== 'object' || owner === null) return undefined
    const pid: unknown = Reflect.get(owner, 'pid')
    const url: unknown = Reflect.get(owner, 'url')
    if (typeof pid !== 'number') return undefined
    return { pid, ...(typeof url === 'string' && { url }) }
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

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_MILLISECONDS) })
    return true
  } catch {
    return false
  }
}
