import { foldUsername } from '../../lib/accounts/usernames.ts'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import type { Database, Row } from './data-api-database.ts'
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

/**
 * Rejects with an error that lists the ids of users whose names fold to one key, if any of them has another key or
 * none. Changes nothing. Keeps the keys of all names that are not plain ASCII in memory.
 */
export async function rejectCollisions(database: Database, waiting: Waiting): Promise<void> {
  const read = reader(database, waiting)
  const hasKeys = await read(HAS_KEYS).catch((error: unknown) => {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return undefined
    throw error
  })
  if (hasKeys === undefined) return
  const [where, storedKey, keyOfOthers] =
    hasKeys[0]?.[0] === true
      ? [UNSURE, 'username_key', 'username_key']
      : [`NOT ${PLAIN}`, 'NULL', 'lower(username)']

  const idsByKey = new Map<string, string[]>()
  for await (const page of pagesToFill(read, where, storedKey)) {
    for (const { id, key } of page) idsByKey.set(key, [...(idsByKey.get(key) ?? []), id])
    const others = await read(
      `SELECT id, ${keyOfOthers} FROM users
      WHERE ${keyOfOthers} = ANY (string_to_array(:keys, chr(10)))`,
      { keys: page.map(({ key }) => key).join('\n') },
    )
    for (const [id, key] of others) idsByKey.get(String(key))?.push(String(id))
  }
  const collisions = [...idsByKey.values()].filter((ids) => new Set(ids).size > 1)
  if (collisions.length === 0) return
  const list = collisions.map((ids) => [...new Set(ids)].join(' and ')).join('; ')
  throw new Error(
    `The names of these users (ids) collide by the rules of this version: ${list}. Rename or delete all but one of each, see docs/runbook.md. No name was changed.`,
  )
}

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

type Read = (sql: string, parameters?: Readonly<Record<string, string>>) => Promise<readonly Row[]>

/** Every statement here may be retried. */
const reader =
  (database: Database, waiting: Waiting): Read =>
  (sql, parameters) =>
    retryWhileResuming(() => database.execute(sql, parameters), waiting)

/** The users that `where` selects whose `storedKey` is not the key of their name, by id. */
async function* pagesToFill(read: Read, where: string, storedKey: string) {
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
