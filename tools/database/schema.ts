import type { Database } from './data-api-database.ts'
import { applyMigrations, type MigrateOptions } from './migrations.ts'
import { retryWhileResuming, type Waiting } from './resuming.ts'
import { fillUsernameKeys, rejectCollisions, renameCollisions } from './username-keys.ts'

/** The role of 002-app-role.sql, which the function logs in as. */
export const APP_ROLE = 'latchkey_app'

interface Options extends Omit<MigrateOptions, 'folder'> {
  /** Renames all users whose names collide but the oldest of each group. */
  readonly renameCollisions?: boolean
}

/**
 * Brings a database to the schema of this version: `migrations/*.sql`, and the key of each name, which SQL alone
 * cannot compute. Then clears the digests that nothing uses any more. Resolves with the names of the files applied
 * now. Rejects before any change if names collide, unless told to rename users. Safe to repeat, and run at each
 * deployment, because the previous release stores users without a key.
 */
export async function migrate(
  database: Database,
  { renameCollisions: isRenaming = false, ...options }: Options = {},
): Promise<string[]> {
  if (isRenaming) await renameCollisions(database, options)
  // A dry run has renamed nobody.
  if (!isRenaming || !options.dryRun) await rejectCollisions(database, options)
  const applied = await applyMigrations(database, options)
  if (options.dryRun) return applied
  await fillUsernameKeys(database, options)
  await clearDigests(database, options)
  return applied
}

/**
 * Clears a page of the digests of idempotency keys that no sign-up is replayed by. Returns their number and the last
 * id of the page, or null after the last. Locks rows by id, so that two processes cannot deadlock.
 */
const CLEAR_DIGESTS = `WITH page AS (
  SELECT id FROM users WHERE id > CAST(:after AS BIGINT)
  AND idempotency_key_sha256 IS NOT NULL AND created_at <= now() - interval '24 hours'
  ORDER BY id LIMIT 2000 FOR UPDATE
), cleared AS (
  UPDATE users SET idempotency_key_sha256 = NULL FROM page WHERE users.id = page.id RETURNING users.id
) SELECT count(*), max(id) FROM cleared`

/** Clears digests older than a day, in one transaction per page. A retry after a lost response clears the next page. */
async function clearDigests(database: Database, waiting: Waiting): Promise<void> {
  let cleared = 0
  for (let after = '0'; ; ) {
    const clearPage = () => database.execute(CLEAR_DIGESTS, { after })
    const [[count, last] = []] = await retryWhileResuming(clearPage, waiting)
    if (last == null) break
    cleared += Number(count)
    after = String(last)
  }
  if (cleared > 0) waiting.say?.(`Digests of idempotency keys cleared: ${cleared}`)
}
