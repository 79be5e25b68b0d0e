/** One request of the soak. Its password and its key tell it from others of the same name. */
export interface SoakRequest {
  readonly username: string
  readonly password: string
  readonly idempotencyKey: string | undefined
}

/** How a request was answered; the user's id is the token's. */
export interface SoakAnswer {
  readonly status: number
  readonly code: string | undefined
  readonly userId: number | undefined
}

/** A row of the table `users`. */
export interface StoredUser {
  readonly id: number
  readonly username: string
  readonly passwordHash: string
}

type Entry = SoakRequest & SoakAnswer

/** What may become of a good request while the database has faults. */
const EXPECTED =
  /^(201 undefined|400 username_taken|500 internal_error|503 (database_\w+|timed_out))$/

/** Faults come one or a few at a time, and nearly all of them pass within the time that a request has. */
const ANSWERED_LEAST_SHARE = 0.5

const hasCreated = (entries: readonly Entry[]) => entries.some(({ status }) => status === 201)

/**
 * Keeps what was asked and answered, and holds it against what is stored in the end. `fits` compares a
 * password with a hash.
 */
export function createLedger(fits: (password: string, hash: string) => Promise<boolean>) {
  const entries: Entry[] = []

  async function problemsOf(user: StoredUser, asked: readonly Entry[]): Promise<string[]> {
    const problems: string[] = []
    const created = asked.filter(({ status }) => status === 201)
    // The row may be of a request whose answer was lost for good: a fault was answered in its place.
    const unanswered = asked.filter(({ status }) => status >= 500)
    const owners = created.length > 0 ? created : unanswered
    const passwords = new Set(owners.map(({ password }) => password))
    const fitting = await Promise.all([...passwords].map((each) => fits(each, user.passwordHash)))
    if (!fitting.includes(true)) problems.push(`${user.username} is stored, and nobody was told`)
    if (created.length > 0 && fitting.includes(false)) {
      problems.push(`${user.username} was given to two passwords, or the hash is of neither`)
    }
    // Whoever has the key of the request that stored the user, and the password, gets a token.
    const keys = new Set(owners.map(({ idempotencyKey }) => idempotencyKey))
    for (const { status, password, idempotencyKey } of asked) {
      if (status !== 400 || idempotencyKey === undefined || !keys.has(idempotencyKey)) continue
      if (await fits(password, user.passwordHash)) {
        problems.push(`${user.username} was told "taken" by their own sign-up`)
      }
    }
    if (created.some(({ userId }) => userId !== user.id)) {
      problems.push(`${user.username} has a token with another id`)
    }
    return problems
  }

  return {
    record(request: SoakRequest, answer: SoakAnswer): void {
      entries.push({ ...request, ...answer })
    },

    /** How often each status was answered, with its code. */
    counts(): Map<string, number> {
      const counts = new Map<string, number>()
      for (const { status, code } of entries) {
        const key = code === undefined ? String(status) : `${status} ${code}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      return new Map([...counts].sort())
    },

    /** All that does not fit together, in words; nothing if all is well. */
    async problems(users: readonly StoredUser[]): Promise<string[]> {
      const stored = new Map(users.map((user) => [user.username, user]))
      const problems = entries
        .filter(({ status, code }) => !EXPECTED.test(`${status} ${code}`))
        .map(({ username, status, code }) => `${username} was answered ${status} ${code}`)
      const answered = entries.filter(({ status }) => status < 500).length
      if (answered < entries.length * ANSWERED_LEAST_SHARE || !hasCreated(entries)) {
        problems.push(`Of ${entries.length} requests ${answered} were answered without a fault`)
      }
      if (stored.size < users.length) problems.push('A name is stored twice')

      const byName = Map.groupBy(entries, ({ username }) => username)
      for (const [username, asked] of byName) {
        const user = stored.get(username)
        if (user !== undefined) problems.push(...(await problemsOf(user, asked)))
        else if (asked.some(({ status }) => status === 201 || status === 400)) {
          problems.push(`${username} was answered 201 or 400 and is not stored`)
        }
      }
      for (const { username } of users) {
        if (!byName.has(username)) problems.push(`${username} is stored, and nobody asked for it`)
      }
      return problems
    },
  }
}
