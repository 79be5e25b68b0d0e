import type { Database } from './data-api-database.ts'
import { applyMigrations, type MigrateOptions } from './migrations.ts'
import { fillUsernameKeys, rejectCollisions } from './username-keys.ts'

/** The role of 002-app-role.sql, which the function logs in as. */
export const APP_ROLE = 'latchkey_app'

/**
 * Brings a database to the schema of this version: `migrations/*.sql`, and the key of each name, which SQL alone
 * cannot compute. Resolves with the names of the files applied now. Rejects before any change if names collide.
 * Safe to repeat, and run at each deployment, because the previous release stores users without a key.
 */
export async function migrate(
  database: Database,
  options: Omit<MigrateOptions, 'folder'> = {},
): Promise<string[]> {
  await rejectCollisions(database, options)
  const applied = await applyMigrations(database, options)
  if (!options.dryRun) await fillUsernameKeys(database, options)
  return applied
}
