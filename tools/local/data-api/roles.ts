import type { Engine, Session } from './engine.ts'

/** Opens a session for statements sent with this secret. */
export type OpenSession = (secretArn: string) => Promise<Session>

/** Opens a session as `role`, or without one as the user of the engine. */
type OpenAs = (role?: string) => Promise<Session>

/**
 * Opens sessions of `engine` as its user or as a role. Statements can change the role of their session
 * (`SET`, `set_config()`, `DO`), and the next call uses the session again. So a session takes its role at
 * each opening, and its release restores the user. A transaction keeps its session, so its role too.
 */
export async function createRoles(engine: Engine): Promise<OpenAs> {
  const session = await engine.session()
  const { rows } = await session
    .query('SELECT quote_ident(session_user)')
    .finally(() => session.release())
  // By name, which also ends a SET ROLE. On PGlite RESET and DISCARD ALL do not restore the user.
  const restoreUser = `SET SESSION AUTHORIZATION ${rows[0]?.[0]}`

  return async function openAs(role) {
    const { query, run, release } = await engine.session()
    const releaseAsUser = async () => {
      // Outside a transaction this only fails on a lost connection, which the engine does not reuse.
      await run(restoreUser).catch(() => {})
      await release()
    }
    try {
      // The user of DATABASE_URL may set this and not the session authorization, unless it is a superuser.
      if (role !== undefined) await run(`SET ROLE ${role}`)
    } catch (error) {
      await releaseAsUser()
      throw error
    }
    return { query, run, release: releaseAsUser }
  }
}

/** The SQLSTATEs of a GRANT that is denied, and of one whose role does not exist. */
const NO_GRANT: readonly unknown[] = ['42501', '42704']

/**
 * Makes `openAs(role)` work: the user grants the role to itself if necessary. Resolves with Postgres's reason if
 * the user may not, else with `undefined`.
 */
export async function obtainRole(openAs: OpenAs, role: string): Promise<string | undefined> {
  const { run, release } = await openAs()
  const become = () => run(`SET ROLE ${role}`)
  try {
    await become().catch(() => run(`GRANT ${role} TO CURRENT_USER`).then(become))
    return undefined
  } catch (error) {
    const { code, message } = Object(error)
    if (NO_GRANT.includes(code)) return `${message} (${code})`
    throw error
  } finally {
    await release()
  }
}
