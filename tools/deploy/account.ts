import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { ATTEMPT_LIMITS } from '../../lib/accounts/attempts.ts'
import { foldUsername, usernameRejection } from '../../lib/accounts/usernames.ts'
import { createPasswords } from '../../lib/adapters/passwords.ts'
import {
  ATTEMPTS,
  IS_SESSION_ALIVE,
  RESET_FAILURES,
  sessionHoursOf,
} from '../../lib/adapters/user-store.ts'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import { rejections } from '../../lib/http/outcomes.ts'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import type { Database, Execute, Row } from '../database/data-api-database.ts'
import { retryWhileResuming } from '../database/resuming.ts'
import { hasUsernameKeys, renameUser } from '../database/username-keys.ts'
import { LOCAL_DATABASE_NAME, openThisMachinesDatabase } from '../local/database.ts'
import { openDatabaseAt } from '../local/migrated-data-api.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const LISTED = 100

const USAGE = `Shows or changes one account of a stage, as the database's master, or lists those that pause.

  npm run account -- --stage S [--region R] [--yes] NAME ACTION
  npm run account -- --stage S [--region R] [--yes] --id N ACTION
  npm run account -- --stage S [--region R] list --paused

  NAME      the username, in any spelling that signs in
  --id      instead of NAME, the user's id, as in log lines (userId)
  ACTION    show             prints id, name, failures and pauses
            rename NEWNAME   changes the name, and frees the former one; tokens stay valid
            unpause          resets every count of failures
            sign-out         ends every session and revokes every token for this API; other verifiers accept them
                             until they expire
            reset-password   prints a new random password once, signs out, resets every count
            delete           deletes the account, and frees its name
  list      prints the ids of accounts that pause now, at most ${LISTED}, the longest pauses first
  --stage   a deployed stage, such as dev, which needs AWS credentials; or local
  --region  where the stage is (default: eu-central-1)
  --yes     changes without asking
`

/** The sessions of a user that have not ended, within their hours. */
const COUNT_SESSIONS = `SELECT count(*) FROM sessions JOIN users ON id = user_id
WHERE id = CAST(:id AS BIGINT) AND sessions.password_version = users.password_version AND ${IS_SESSION_ALIVE}`

const REVOKE = 'password_version = password_version + 1'

/** The change that each action makes to the row; `show` makes none, and `renameUser` has that of `rename`. */
const CHANGES = {
  show: undefined,
  rename: undefined,
  unpause: `UPDATE users SET ${RESET_FAILURES}`,
  'sign-out': `UPDATE users SET ${REVOKE}`,
  'reset-password': `UPDATE users SET password = :hash, ${REVOKE}, ${RESET_FAILURES}`,
  delete: 'DELETE FROM users',
} as const satisfies Record<string, string | undefined>

type Action = keyof typeof CHANGES

/** Those that the schema of release 0.2.0 allows, for names that collide before it is migrated. */
const BEFORE_KEYS: readonly (Action | undefined)[] = ['show', 'rename', 'delete']

const PAUSED_UNTIL = 'GREATEST(paused_until, device_paused_until, fresh_paused_until)'

const SELECT_PAUSED = `SELECT count(*) OVER (), id, ${ATTEMPTS} FROM users
WHERE ${PAUSED_UNTIL} > now() ORDER BY ${PAUSED_UNTIL} DESC, id LIMIT ${LISTED}`

const UNIQUE_VIOLATION = '23505'

/** The attempts that each count has, in the order of `ATTEMPTS`. */
const COUNTED = [
  'strangers, without a token',
  'devices, with a token',
  `devices, with a token of the last ${ATTEMPT_LIMITS.freshTokenSeconds / 60} minutes`,
]

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...STAGE_OPTIONS,
      id: { type: 'string' },
      paused: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const { stage, region, id, paused, yes } = values
  if (!stage) throw new TypeError('--stage is missing.')
  if (!paused) return { stage, region, request: { ...parseRequest(id, positionals), yes } }
  if (id === undefined && positionals.join() === 'list') return { stage, region }
  throw new TypeError('--paused goes with list, without NAME or --id.')
}

function parseRequest(id: string | undefined, positionals: readonly string[]) {
  // A longer number would be inexact.
  if (id !== undefined && !/^[1-9]\d{0,14}$/.test(id)) {
    throw new TypeError(`--id is the number of a user, such as 57, not "${id}".`)
  }
  const [name, action, newName, ...others] = [...(id === undefined ? [] : ['']), ...positionals]
  const wanted = 'Give one NAME, or --id, and one ACTION; rename takes one NEWNAME.'
  if (name === undefined) throw new TypeError(wanted)
  if (action === undefined || !isAction(action)) {
    throw new TypeError(`The action is one of ${Object.keys(CHANGES).join(', ')}.`)
  }
  if ((action === 'rename') !== (newName !== undefined) || others.length > 0) {
    throw new TypeError(wanted)
  }
  return { id, name: name.normalize('NFC'), action, newName: checkName(newName) }
}

const isAction = (text: string): text is Action => Object.hasOwn(CHANGES, text)

/** Returns the name in NFC. Throws if the rules of a sign-up reject it. */
function checkName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const name = text.normalize('NFC')
  const rejection = usernameRejection(name)
  if (rejection === undefined) return name
  throw new TypeError(`NEWNAME: ${rejections(0)[rejection].err}.`)
}

type Arguments = ReturnType<typeof parse>

type Request = NonNullable<Arguments['request']>

async function run({ stage, region, request }: Arguments, { say }: Output): Promise<void> {
  const { database, bcryptCost, sessionMaxDays, close } = await openDatabase(stage, region)
  try {
    const execute: Execute = (sql, parameters) =>
      retryWhileResuming(() => database.execute(sql, parameters), { say })
    const hasKeys = (await hasUsernameKeys(execute)) === true
    if (!hasKeys && !BEFORE_KEYS.includes(request?.action)) {
      throw new Error('The database has the schema of an earlier release: migrate it first.')
    }
    if (request === undefined) await list(execute, say)
    else await act(request, { execute, hasKeys, bcryptCost, sessionMaxDays, say })
  } finally {
    await close()
  }
}

/** Prints no names: log lines have ids, and `show` prints the name of one. */
async function list(execute: Execute, say: Output['say']): Promise<void> {
  const rows = await execute(SELECT_PAUSED)
  say(`Accounts that pause now: ${rows[0]?.[0] ?? 0}`)
  for (const [, id, ...counts] of rows) {
    const pausing = describeCounts(counts).filter(({ seconds }) => seconds > 0)
    say(`${id} ${pausing.map(({ line }) => line).join('; ')}`)
  }
}

interface Stage {
  readonly execute: Execute
  /** False for the schema of release 0.2.0. */
  readonly hasKeys: boolean
  readonly bcryptCost: number
  readonly sessionMaxDays: number
  readonly say: Output['say']
}

/** Shows the account, and makes the change. */
async function act(request: Request, stage: Stage): Promise<void> {
  const { execute, hasKeys, bcryptCost, sessionMaxDays, say } = stage
  const { action, newName, yes } = request
  const columns = `id, username, CAST(created_at AS TEXT)${hasKeys ? `, password_version, ${ATTEMPTS}` : ''}`
  const { where, values } = selection(request, hasKeys)
  const [row] = await execute(`SELECT ${columns} FROM users WHERE ${where}`, values)
  if (row === undefined) throw new Error('There is no account with this name or id.')
  const [id, username, created, version, ...counts] = row
  const formerName = String(username)
  const ofPassword = hasKeys ? `, version ${version} of the password` : ''
  say(`${id} ${formerName}, since ${created}${ofPassword}`)
  if (hasKeys) {
    for (const { line } of describeCounts(counts)) say(line)
    const { idleHours, mostHours } = sessionHoursOf(sessionMaxDays)
    const hours = { idleHours: `${idleHours}`, mostHours: `${mostHours}` }
    const [sessions] = await execute(COUNT_SESSIONS, { id: String(id), ...hours })
    say(`sessions: ${sessions?.[0]}`)
  }

  if (action === 'show') return
  if (!yes) await confirm(`${action} ${formerName}${newName ? ` to ${newName}` : ''}?`)
  const user = { id: String(id) }
  if (newName) {
    const rename = renameUser(execute, { ...user, formerName, name: newName, hasKeys })
    checkChanged(await rename.catch(throwIfTaken))
    say(`Done: ${id} is ${newName}`)
    return
  }
  const statement = `${CHANGES[action]} WHERE id = CAST(:id AS BIGINT) RETURNING id`
  if (action !== 'reset-password') {
    checkChanged((await execute(statement, user)).length > 0)
    say(`Done: ${action}`)
    return
  }
  const password = randomBytes(15).toString('base64url')
  const hash = await createPasswords({ cost: bcryptCost }).hashPassword(password)
  checkChanged((await execute(statement, { ...user, hash })).length > 0)
  say(`The new password, which is shown once: ${password}`)
}

/**
 * SQL that selects the account, and its values: by id alone, or by name as a sign-in does, also without a key, which
 * release 0.2.0 does not store.
 */
function selection({ id, name }: Request, hasKeys: boolean) {
  if (id !== undefined) return { where: 'id = CAST(:id AS BIGINT)', values: { id } }
  const byLowerCase = 'lower(username) = lower(:name)'
  if (!hasKeys) return { where: byLowerCase, values: { name } }
  const where = `username_key = :key OR (username_key IS NULL AND ${byLowerCase})
  ORDER BY username_key NULLS LAST LIMIT 1`
  return { where, values: { name, key: foldUsername(name) } }
}

const describeCounts = (counts: Row) =>
  COUNTED.map((whose, index) => {
    const [failures = 0, seconds = 0] = counts.slice(2 * index).map(Number)
    const pause = seconds > 0 ? `paused for ${seconds} s` : 'not paused'
    const line = `${whose}: ${failures} wrong ${failures === 1 ? 'password' : 'passwords'} in a row, ${pause}`
    return { line, seconds }
  })

function checkChanged(isChanged: boolean): void {
  if (!isChanged) throw new Error('The account has changed meanwhile, or is gone. Run it again.')
}

function throwIfTaken(error: unknown): never {
  if (sqlStateOf(error) !== UNIQUE_VIOLATION) throw error
  throw new Error('Another account has this name: give another NEWNAME.')
}

interface OpenedDatabase {
  readonly database: Database
  readonly bcryptCost: number
  readonly sessionMaxDays: number
  close(): Promise<void>
}

async function openDatabase(stage: string, region: string): Promise<OpenedDatabase> {
  if (stage !== 'local') {
    const outputs = await readStackOutputs(stage, region)
    const database = await openStageDatabase(outputs, region)
    return { ...outputs, database, close: async () => {} }
  }
  const { dataApi, close } = await openThisMachinesDatabase()
  const database = openDatabaseAt(dataApi, LOCAL_DATABASE_NAME)
  return { database, bcryptCost: 12, sessionMaxDays: 30, close }
}

/** Rejects unless the operator confirms on the terminal. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new Error('Without a terminal, --yes is required.')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const reply = await terminal.question(`${question} [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(reply.trim())) throw new Error('Nothing was changed.')
}

const failure = 'Nothing was done'
/** `npm run account`. */
export const ACCOUNT: Program<Arguments> = { usage: USAGE, failure, parse, run }

if (import.meta.main) await runProgram(ACCOUNT)
