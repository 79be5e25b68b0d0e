import {
  type Account,
  grantToken,
  type NewUser,
  type TokenGranted,
  type TokenSignerDeps,
  type User,
} from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { newSession, type OpenSessionDeps } from './session-tokens.ts'

/** The dependencies of a sign-up. Each function rejects only on server errors. */
export interface SignUpDeps extends AttemptDeps, OpenSessionDeps, TokenSignerDeps {
  hashPassword(password: string): Promise<string>
  /** Stores a user atomically; `undefined` means that the name is taken. */
  insertUser(user: NewUser): Promise<User | undefined>
  /** Finds the account that a request with exactly this name and key created in the last 24 hours. */
  findReplayed(request: Omit<NewUser, 'passwordHash'>): Promise<Account | undefined>
}

/** Credentials that satisfy the rules, and the SHA-256 of the request's idempotency key, if it has one. */
interface SignUpRequest extends Omit<NewUser, 'passwordHash' | 'sessionDigest'> {
  readonly password: string
  /** Whether to start a session. */
  readonly session: boolean
}

type SignUpResult =
  | TokenGranted<'created'>
  | { readonly ok: false; readonly reason: 'username_taken' }
  | Extract<AttemptResult, { reason: 'too_many_attempts' }>

/**
 * Signs a user up: hash, store, sign. The database alone decides whether the name is free. A replay, a request with
 * the name, key and password of an earlier one, succeeds with a new token.
 */
export async function signUp(
  { password, session: wantsSession, ...named }: SignUpRequest,
  deps: SignUpDeps,
): Promise<SignUpResult> {
  // Both before the row is stored: if signing failed after it, the client's retry would find the name taken.
  const [passwordHash, signToken] = await Promise.all([
    deps.hashPassword(password),
    deps.loadTokenSigner(),
  ])
  const session = wantsSession ? newSession() : undefined
  const user = await deps.insertUser({ ...named, passwordHash, sessionDigest: session?.digest })
  if (user !== undefined) return grantToken('created', user, signToken, session)
  if (named.idempotencyKeySha256 === undefined) return TAKEN
  const account = await deps.findReplayed(named)
  if (account === undefined) return TAKEN
  // Limited, since a client that knows the key could otherwise guess without limit.
  const result = await attemptPassword({ password, account, counters: ['stranger'] }, deps)
  if (!result.ok) return result.reason === 'too_many_attempts' ? result : TAKEN
  // A session of its own: the lost one ends when it is idle.
  if (session && !(await deps.openSession(account, session.digest))) return TAKEN
  return grantToken('created', account, signToken, session)
}

const TAKEN = { ok: false, reason: 'username_taken' } as const
