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

/**
 * Rejects with an error that lists the ids of users whose names fold to one key, if any of them has no key yet.
 * Changes nothing. Keeps the keys of all names that are not plain ASCII in memory.
 */
export async function rejectCollisions(database: Database, waiting: Waiting): Promise<void> {
  const read = reader(database, waiting)
  const hasKeys = await read(HAS_KEYS).catch((error: unknown) => {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return undefined
    throw error
  })
  if (hasKeys === undefined) return
  const [unkeyed, keyOfOthers] =
    hasKeys[0]?.[0] === true
      ? ['username_key IS NULL', 'username_key']
      : [`NOT ${PLAIN}`, 'lower(username)']

  const idsByKey = new Map<string, string[]>()
  for await (const page of pages(read, unkeyed)) {
    const keys = new Map(page.map(([id, name]) => [String(id), foldUsername(String(name))]))
    for (const [id, key] of keys) idsByKey.set(key, [...(idsByKey.get(key) ?? []), id])
    const others = await read(
      `SELECT id, ${keyOfOthers} FROM users
      WHERE ${keyOfOthers} = ANY (string_to_array(:keys, chr(10))) AND NOT (${unkeyed})`,
      { keys: [...keys.values()].join('\n') },
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

/** Gives every user without a key theirs, in one transaction per page. Safe to repeat, and to run in parallel. */
export async function fillUsernameKeys(database: Database, waiting: Waiting): Promise<void> {
  const read = reader(database, waiting)
  let filled = 0
  for await (const page of pages(read, 'username_key IS NULL')) {
    const rows = await read(
      `UPDATE users SET username_key = substr(new.key, 2)
      FROM unnest(string_to_array(:ids, ','), string_to_array(:keys, chr(10))) AS new (id, key)
      WHERE users.id = CAST(new.id AS BIGINT) AND users.username_key IS NULL RETURNING users.id`,
      {
        ids: page.map(([id]) => id).join(),
        // With a sign before each: the list of one empty key would be an empty list.
        keys: page.map(([, name]) => `=${foldUsername(String(name))}`).join('\n'),
      },
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

/** Ids and names of the users that `where` selects, by id. */
async function* pages(read: Read, where: string) {
  for (let after = '0'; ; ) {
    const page = await read(
      `SELECT id, username FROM users WHERE id > CAST(:after AS BIGINT) AND ${where}
      ORDER BY id LIMIT ${PAGE}`,
      { after },
    )
    if (page.length > 0) yield page
    if (page.length < PAGE) return
    after = String(page.at(-1)?.[0])
  }
}
