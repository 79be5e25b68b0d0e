import type { Database } from './data-api-database.ts'
import { onceAwake, type Patience } from './patience.ts'

/**
 * Removes the user of that name, if there is one, and waits for a paused database. `database` is the
 * master's: the application's own role may not delete. Safe to send again: what is gone stays gone.
 */
export async function removeUser(
  database: Pick<Database, 'execute'>,
  username: string,
  patience: Patience,
): Promise<void> {
  const remove = () =>
    database.execute('DELETE FROM users WHERE lower(username) = lower(:username)', { username })
  await onceAwake(remove, patience)
}
