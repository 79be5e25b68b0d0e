import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../test/support/recorder.ts'
import type { AuthenticatedAccount, TokenUser } from './account.ts'
import { type ChangePasswordDeps, changePassword } from './change-password.ts'
import { type ChangeUsernameDeps, changeUsername } from './change-username.ts'
import { type DeleteAccountDeps, deleteAccount } from './delete-account.ts'
import { type RenewDeps, renew } from './renew.ts'
import { type SignInDeps, signIn } from './sign-in.ts'
import { type SignUpDeps, signUp } from './sign-up.ts'

// The order of each use case's calls, and its result if one fails. The tests in functions/ cover the rest.

type Deps = SignUpDeps &
  SignInDeps &
  ChangePasswordDeps &
  ChangeUsernameDeps &
  DeleteAccountDeps &
  RenewDeps

const NO_FAILURES = { failures: 0, pauseSeconds: 0 }
const CLEAN = { stranger: NO_FAILURES, device: NO_FAILURES, fresh: NO_FAILURES }
const PAUSED = { failures: 9, pauseSeconds: 4 }
const ACCOUNT: AuthenticatedAccount = {
  id: 7,
  username: 'Gary',
  passwordVersion: 2,
  passwordHash: 'the hash',
  attempts: CLEAN,
  counter: 'fresh',
  session: undefined,
}
const DEPS: Deps = {
  hashPassword: async () => 'a new hash',
  verifyPassword: async () => true,
  isOutdated: () => false,
  insertUser: async () => ({ id: 8, username: 'Ada' }),
  findReplayed: async () => ACCOUNT,
  findAccount: async () => ACCOUNT,
  findAccountById: async () => ACCOUNT,
  countFailure: async () => {},
  chargeAttempt: async () => true,
  resetFailures: async () => {},
  openSession: async () => true,
  endSession: async () => 7,
  useSession: async () => ACCOUNT,
  replaceHash: async () => true,
  changeHash: async () => true,
  changeUsername: async () => 'changed',
  deleteUser: async () => {},
  loadTokenSigner: async () => async (user, session) =>
    `of ${user.id} ${user.username} ${user.passwordVersion ?? 0}${session ? ' in a session' : ''}`,
}

const NEW_USER = { username: 'Ada', usernameKey: 'ada', idempotencyKeySha256: 'the digest' }
const SIGN_UP = { ...NEW_USER, password: 'password', session: false }
const CHANGE = { currentPassword: 'password', newPassword: 'another one', session: false }
const RENAME = { username: 'Ada', usernameKey: 'ada', password: 'password' }
const SIGN_IN = {
  username: 'Gary',
  usernameKey: 'gary',
  password: 'password',
  session: false,
  tokenUser: undefined,
  shownDigest: undefined,
}
const TOKEN_USER: TokenUser = { id: 7, passwordVersion: 2 }

/** Each use case, with one request for all tests. */
const USE_CASES = {
  signUp: (deps: Deps) => signUp(SIGN_UP, deps),
  signUpWithoutKey: (deps: Deps) => signUp({ ...SIGN_UP, idempotencyKeySha256: undefined }, deps),
  signIn: (deps: Deps, tokenUser?: TokenUser) => signIn({ ...SIGN_IN, tokenUser }, deps),
  changePassword: (deps: Deps) => changePassword(ACCOUNT, CHANGE, deps),
  changeUsername: (deps: Deps) => changeUsername(ACCOUNT, RENAME, deps),
  deleteAccount: (deps: Deps) => deleteAccount(ACCOUNT, { password: 'password' }, deps),
}

/**
 * Runs a use case with deps that succeed unless `change` replaces them. `calls` are those of the deps, as text.
 * If the use case rejects, `result` is the error.
 */
async function run(
  useCase: (deps: Deps) => Promise<unknown>,
  change: Partial<Deps> = {},
): Promise<{ result: unknown; calls: string[] }> {
  const { deps, calls } = record<Deps>({ ...DEPS, ...change })
  const result = await useCase(deps).catch((error: unknown) => error)
  return {
    result,
    calls: calls.map(([name, ...args]) =>
      [name, ...args.map((arg) => (typeof arg === 'object' ? '{}' : arg))].join(' '),
    ),
  }
}

const granted = (code: string, token: string, rehash?: string) => ({
  ok: true,
  code,
  userId: Number(token.split(' ')[1]),
  body: { token },
  ...(rehash && { rehash }),
})
const TAKEN = { ok: false, reason: 'username_taken' }
const CHANGED = { ok: false, reason: 'account_changed' }
const INVALID = { ok: false, reason: 'invalid_credentials', userId: 7 }
const TOO_MANY_ATTEMPTS = {
  ok: false,
  reason: 'too_many_attempts',
  retryAfterSeconds: 4,
  signInAgain: false,
  userId: 7,
}
const VERIFY = 'verifyPassword password the hash'
const wrong = { verifyPassword: async () => false }
const failure = new Error('failure')
const fails = () => Promise.reject(failure)

test('a sign-up hashes the password and loads the signing key before it stores the user', async () => {
  const calls = ['hashPassword password', 'loadTokenSigner', 'insertUser {}']
  assert.deepEqual(await run(USE_CASES.signUp), { result: granted('created', 'of 8 Ada 0'), calls })
  const { deps, calls: made } = record<Deps>(DEPS)
  await USE_CASES.signUp(deps)
  assert.deepEqual(made.at(-1), [
    'insertUser',
    { ...NEW_USER, passwordHash: 'a new hash', sessionDigest: undefined },
  ])
})

test('a replay compares the password, counts a wrong one for strangers, and is rejected in their pause', async () => {
  const taken = { insertUser: async () => undefined }
  const first = ['hashPassword password', 'loadTokenSigner', 'insertUser {}']
  const replayed = [...first, 'findReplayed {}', VERIFY]
  const paused = { ...ACCOUNT, attempts: { ...CLEAN, stranger: PAUSED } }
  for (const [useCase, change, result, calls] of [
    [USE_CASES.signUpWithoutKey, taken, TAKEN, first],
    [USE_CASES.signUp, taken, granted('created', 'of 7 Gary 2'), replayed],
    [
      USE_CASES.signUp,
      { ...taken, findReplayed: async () => undefined },
      TAKEN,
      replayed.slice(0, 4),
    ],
    [USE_CASES.signUp, { ...taken, ...wrong }, TAKEN, [...replayed, 'countFailure 7 stranger']],
    [
      USE_CASES.signUp,
      { ...taken, findReplayed: async () => paused },
      TOO_MANY_ATTEMPTS,
      replayed.slice(0, 4),
    ],
  ] as const) {
    assert.deepEqual(await run(useCase, change), { result, calls })
  }
})

const FIND = ['findAccount {} ', 'loadTokenSigner']

test('a sign-in with a token of the account counts for devices, any other for strangers', async () => {
  for (const [tokenUser, counter] of [
    [undefined, 'stranger'],
    [{ id: 8, passwordVersion: 2 }, 'stranger'],
    [TOKEN_USER, 'device'],
    // A token signed before a change of the password.
    [{ id: 7, passwordVersion: 1 }, 'stranger'],
  ] as const) {
    const { result, calls } = await run((deps) => USE_CASES.signIn(deps, tokenUser), wrong)
    assert.deepEqual(result, INVALID)
    assert.deepEqual(calls, [...FIND, VERIFY, `countFailure 7 ${counter}`])
  }
})

test('a sign-in with an unknown name makes the same calls as one with a wrong password', async () => {
  const unknown = { ...wrong, findAccount: async () => undefined }
  assert.deepEqual(await run((deps) => USE_CASES.signIn(deps, TOKEN_USER), unknown), {
    // Without an id.
    result: { ok: false, reason: 'invalid_credentials' },
    calls: [...FIND, 'verifyPassword password ', 'countFailure  stranger'],
  })
})

test('a sign-in replaces a hash of a lower cost factor, and succeeds even if that fails', async () => {
  const renewal = ['hashPassword password', 'replaceHash 7 the hash a new hash']
  for (const [rehash, change, calls] of [
    [undefined, { isOutdated: () => false }, []],
    ['done', {}, renewal],
    ['superseded', { replaceHash: async () => false }, renewal],
    ['failed', { replaceHash: fails }, renewal],
    ['failed', { hashPassword: fails }, renewal.slice(0, 1)],
  ] as const) {
    assert.deepEqual(await run(USE_CASES.signIn, { isOutdated: () => true, ...change }), {
      result: granted('signed_in', 'of 7 Gary 2', rehash),
      calls: [...FIND, VERIFY, 'isOutdated the hash', ...calls],
    })
  }
})

test('a change of the password stores the next version, and signs a token with it', async () => {
  assert.deepEqual(await run(USE_CASES.changePassword), {
    result: granted('password_changed', 'of 7 Gary 3'),
    calls: [VERIFY, 'loadTokenSigner', 'hashPassword another one', 'changeHash {} a new hash '],
  })
  const { result, calls } = await run(USE_CASES.changePassword, { changeHash: async () => false })
  assert.deepEqual(result, CHANGED)
  assert.ok(!calls.some((call) => call.startsWith('countFailure')))
})

test('a change of the username signs a token with the new name, and signs nothing if it fails', async () => {
  const calls = [VERIFY, 'loadTokenSigner', 'changeUsername {} {}']
  for (const [change, result] of [
    ['changed', granted('username_changed', 'of 7 Ada 2')],
    ['taken', TAKEN],
    ['superseded', CHANGED],
  ] as const) {
    const dep = { changeUsername: async () => change }
    assert.deepEqual(await run(USE_CASES.changeUsername, dep), { result, calls })
  }
})

test('a deletion compares the password first', async () => {
  assert.deepEqual(await run(USE_CASES.deleteAccount), {
    result: { ok: true, code: 'deleted', userId: 7 },
    calls: [VERIFY, 'deleteUser 7'],
  })
})

/** What `run` shows of the token of a session. */
const isSession = (text: unknown) => /^[\da-f]{64}$/.test(String(text))

test('a session is opened after the comparison, and a sign-in without one ends the session that it shows', async () => {
  const open = async (deps: Partial<Deps> = {}) => {
    const useCase = (deps: Deps) =>
      signIn({ ...SIGN_IN, session: true, shownDigest: 'shown' }, deps)
    return run(useCase, deps)
  }
  const { result, calls } = await open()
  assert.partialDeepStrictEqual(result, {
    code: 'signed_in',
    body: { token: 'of 7 Gary 2 in a session' },
  })
  const [, , verify, isOutdated, openSession = ''] = calls
  assert.deepEqual([verify, isOutdated], [VERIFY, 'isOutdated the hash'])
  const [name, account, digest, shown] = openSession.split(' ')
  assert.deepEqual([name, account, isSession(digest), shown], ['openSession', '{}', true, 'shown'])
  const changed = await open({ openSession: async () => false })
  assert.deepEqual(changed.result, { ...CHANGED, userId: 7 })

  const withShown = (deps: Deps) => signIn({ ...SIGN_IN, shownDigest: 'shown' }, deps)
  for (const hasShownSession of [true, false]) {
    const findAccount = async () => ({ ...ACCOUNT, hasShownSession })
    const { calls } = await run(withShown, { findAccount })
    assert.equal(calls.includes('endSession shown'), hasShownSession)
  }
})

test('a renewal without a session signs nothing', async () => {
  const useCase = (deps: Deps) => renew('the digest', deps)
  assert.partialDeepStrictEqual(await run(useCase), {
    result: granted('renewed', 'of 7 Gary 2 in a session'),
  })
  const ended = { ok: false, reason: 'session_ended' }
  const gone = await run(useCase, { useSession: async () => undefined })
  assert.deepEqual(gone.result, ended)
})

test('without a signing key nothing is stored, and a sign-in compares nothing', async () => {
  for (const [useCase, never] of [
    [USE_CASES.signUp, 'insertUser'],
    [USE_CASES.signIn, 'verifyPassword'],
    [USE_CASES.changePassword, 'changeHash'],
    [USE_CASES.changeUsername, 'changeUsername'],
  ] as const) {
    const { result, calls } = await run(useCase, { loadTokenSigner: fails })
    assert.equal(result, failure)
    assert.ok(!calls.some((call) => call.startsWith(never)), calls.join())
  }
})
