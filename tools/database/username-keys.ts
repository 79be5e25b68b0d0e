import {
  foldUsername,
  USERNAME_MAX_CODE_POINTS,
  usernameRejection,
} from '../../lib/accounts/usernames.ts'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import type { Database, Execute } from './data-api-database.ts'
import { inLockedTransaction } from './locked-transaction.ts'
import { retryWhileResuming, type Waiting } from './resuming.ts'

/** Rows of one statement: 500 names of up to 50 code points are 100 KB, and AWS's limit for a result is 1 MB. */
const PAGE = 500

const UNDEFINED_TABLE = '42P01'
const UNIQUE_VIOLATION = '23505'

/** True if the table has the column. */
const HAS_KEYS = `SELECT EXISTS (SELECT FROM pg_attribute
WHERE attrelid = CAST('users' AS regclass) AND attname = 'username_key')`

/** Names whose key is their lower case, which is already unique. */
const PLAIN = "username ~ '^[!-~]+( [!-~]+)*$'"

/** Users without a key, and those whose key a former fold can have made, which kept the dot above `i` (U+0307). */
const UNSURE = "(username_key IS NULL OR username_key LIKE '%\u0307%')"

/** Options of the steps for colliding names. `dryRun` reports, and changes nothing. */
type Options = Waiting & { readonly dryRun?: boolean }

/**
 * Returns whether the table has keys of names, which release 0.2.0 lacks, or `undefined` if there is no table.
 */
export async function hasUsernameKeys(execute: Execute): Promise<boolean | undefined> {
  const rows = await execute(HAS_KEYS).catch((error: unknown) => {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return undefined
    throw error
  })
  return rows && rows[0]?.[0] === true
}

/**
 * Rejects with an error that lists the ids of users whose names fold to one key, if any of them has another key or
 * none. Changes nothing. A dry run also reports the names, and what the table knows of each user. Keeps the keys of
 * all names that are not plain ASCII in memory.
 */
export async function rejectCollisions(database: Database, options: Options): Promise<void> {
  const { dryRun = false, say = () => {} } = options
  const read = reader(database, options)
  const { collisions } = await findCollisions(read)
  if (collisions.length === 0) return
  if (dryRun) {
    say(
      'These names collide, each group with the oldest user first. No date of a sign-in is known:',
    )
    for (const ids of collisions) {
      for (const line of (await readUsers(read, ids)).map(describeUser)) say(line)
      say('')
    }
  }
  const list = collisions.map((ids) => ids.join(' and ')).join('; ')
  throw new Error(
    `The names of these users (ids) collide by the rules of this version: ${list}. No name was changed. "npm run migrate" with --dry-run lists the names, and with --rename-collisions keeps the oldest of each and renames the others. "npm run account" with --id renames or deletes one. See docs/runbook.md.`,
  )
}

/**
 * Renames all users whose names collide but the oldest of each group, in one transaction that holds the migration
 * lock, and reports ids, former and new names before it commits: after a lost response the report is still there.
 * Works with and without keys in the table. Safe to repeat.
 */
export async function renameCollisions(database: Database, options: Options): Promise<void> {
  const { dryRun = false, say = () => {} } = options
  const { renames } = await planRenames(reader(database, options))
  if (dryRun) for (const rename of renames) say(`Would rename ${describeRename(rename)}`)
  if (dryRun || renames.length === 0) return
  const renamed = await inLockedTransaction(database, options, async (execute) => {
    const plan = await planRenames(execute)
    for (const rename of plan.renames) {
      say(`Renaming ${describeRename(rename)}`)
      if (await renameUser(execute, { ...rename, ...plan })) continue
      throw new Error(`User ${rename.id} has changed meanwhile. No name was changed: run it again.`)
    }
    return plan.renames.length
  })
  say(`Users renamed: ${renamed}`)
}

interface Rename {
  readonly id: string
  readonly formerName: string
  /** In NFC; it satisfies the rules. */
  readonly name: string
}

/**
 * Renames a user, and fills the key if the table has keys. Returns `false` if the user has another name than the
 * former one, or is gone. Rejects with SQLSTATE 23505 if the name is taken. Tokens stay valid.
 */
export async function renameUser(
  execute: Execute,
  { id, formerName, name, hasKeys }: Rename & { readonly hasKeys: boolean },
): Promise<boolean> {
  const setKey = hasKeys ? ', username_key = :key' : ''
  const rows = await execute(
    `UPDATE users SET username = :name${setKey}
    WHERE id = CAST(:id AS BIGINT) AND username = :formerName RETURNING id`,
    { id, formerName, name, ...(hasKeys && { key: foldUsername(name) }) },
  )
  return rows.length > 0
}

/** Finds the ids of each group of colliding users, and whether a key is taken. */
async function findCollisions(read: Execute) {
  const hasKeys = await hasUsernameKeys(read)
  const [where, storedKey, keyOfOthers] = hasKeys
    ? [UNSURE, 'username_key', 'username_key']
    : [`NOT ${PLAIN}`, 'NULL', 'lower(username)']
  const selectOthers = (keys: readonly string[]) =>
    read(
      `SELECT id, ${keyOfOthers} FROM users
      WHERE ${keyOfOthers} = ANY (string_to_array(:keys, chr(10)))`,
      { keys: keys.join('\n') },
    )

  const idsByKey = new Map<string, Set<string>>()
  const pages = hasKeys === undefined ? [] : pagesToFill(read, where, storedKey)
  for await (const page of pages) {
    for (const { id, key } of page) idsByKey.set(key, (idsByKey.get(key) ?? new Set()).add(id))
    const others = await selectOthers(page.map(({ key }) => key))
    for (const [id, key] of others) idsByKey.get(String(key))?.add(String(id))
  }
  return {
    hasKeys: hasKeys === true,
    collisions: [...idsByKey.values()].filter(({ size }) => size > 1).map((ids) => [...ids]),
    isTaken: async (key: string) => idsByKey.has(key) || (await selectOthers([key])).length > 0,
  }
}

/** Finds a free name for every colliding user but the oldest of each group. */
async function planRenames(read: Execute) {
  const { collisions, isTaken, hasKeys } = await findCollisions(read)
  const renames: Rename[] = []
  const planned = new Set<string>()
  for (const ids of collisions) {
    const [, ...others] = await readUsers(read, ids)
    for (const { id, name: formerName } of others) {
      for (const name of newNames(formerName, id)) {
        const key = foldUsername(name)
        if (planned.has(key) || (await isTaken(key))) continue
        planned.add(key)
        renames.push({ id, formerName, name })
        break
      }
    }
  }
  return { renames, hasKeys }
}

/** The names to try for a user, in order: `gary-57`, `gary-57-2` and so on, or `user-57` where a rule forbids that. */
function* newNames(name: string, id: string) {
  for (let attempt = 1; ; attempt += 1) {
    const suffix = attempt === 1 ? `-${id}` : `-${id}-${attempt}`
    const kept = [...name].slice(0, USERNAME_MAX_CODE_POINTS - suffix.length).join('')
    const longName = `${kept}${suffix}`.normalize('NFC')
    yield usernameRejection(longName) === undefined ? longName : `user${suffix}`
  }
}

/**
 * What the table knows of users, oldest first. A column that its release lacks is null. A pause ends at a wrong
 * password or later.
 */
async function readUsers(read: Execute, ids: readonly string[]) {
  const rows = await read(
    `SELECT id, username, CAST(created_at AS TEXT), to_jsonb(users) ->> 'password_version', GREATEST(
      to_jsonb(users) ->> 'paused_until', to_jsonb(users) ->> 'device_paused_until',
      to_jsonb(users) ->> 'fresh_paused_until'
    ) FROM users WHERE id = ANY (CAST(string_to_array(:ids, ',') AS BIGINT[])) ORDER BY created_at, id`,
    { ids: ids.join() },
  )
  return rows.map(([id, name, created, version, paused]) => ({
    id: String(id),
    name: String(name),
    created,
    version,
    paused,
  }))
}

/** JSON shows a name's end and its spaces. */
const describeUser = ({ id, name, created, version, paused }: UserDetails) =>
  [
    `${id} ${JSON.stringify(name)}`,
    `signed up ${created}`,
    ...(version == null ? [] : [`password changes ${version}`]),
    ...(paused == null ? [] : [`last wrong password by ${paused}`]),
  ].join(', ')

type UserDetails = Awaited<ReturnType<typeof readUsers>>[number]

const describeRename = ({ id, formerName, name }: Rename) =>
  `${id}: ${JSON.stringify(formerName)} to ${JSON.stringify(name)}`

/** Gives every user the key of their name, in one transaction per page. Safe to repeat, and to run in parallel. */
export async function fillUsernameKeys(database: Database, waiting: Waiting): Promise<void> {
  const read = reader(database, waiting)
  let filled = 0
  for await (const page of pagesToFill(read, UNSURE, 'username_key')) {
    // A user whose name has changed since has the key of the new one.
    const rows = await read(
      `UPDATE users SET username_key = new.key
      FROM json_to_recordset(CAST(:users AS JSON)) AS new (id BIGINT, name TEXT, key TEXT)
      WHERE users.id = new.id AND users.username = new.name
      AND users.username_key IS DISTINCT FROM new.key RETURNING users.id`,
      { users: JSON.stringify(page) },
    ).catch(async (error: unknown) => {
      // Postgres's message quotes a name; ours lists ids.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) await rejectCollisions(database, waiting)
      throw error
    })
    filled += rows.length
  }
  if (filled > 0) waiting.say?.(`Keys of names filled: ${filled}`)
}

/** Every statement here may be retried. */
const reader =
  (database: Database, waiting: Waiting): Execute =>
  (sql, parameters) =>
    retryWhileResuming(() => database.execute(sql, parameters), waiting)

/** The users that `where` selects whose `storedKey` is not the key of their name, by id. */
async function* pagesToFill(read: Execute, where: string, storedKey: string) {
  for (let after = '0'; ; ) {
    const page = await read(
      `SELECT id, username, ${storedKey} FROM users WHERE id > CAST(:after AS BIGINT) AND ${where}
      ORDER BY id LIMIT ${PAGE}`,
      { after },
    )
    const users = page
      .map(([id, name, stored]) => ({ id: String(id), name: String(name), stored }))
      .map((user) => ({ ...user, key: foldUsername(user.name) }))
      .filter(({ key, stored }) => key !== stored)
    if (users.length > 0) yield users
    if (page.length < PAGE) return
    after = String(page.at(-1)?.[0])
  }
}
