import type { Account, User } from './account.ts'

export interface MeResult {
  readonly ok: true
  readonly code: 'identified'
  readonly userId: number
  readonly body: User
}

/** Returns the user of a verified token, as stored: the token may carry a former name. */
export async function me({ id, username }: Account): Promise<MeResult> {
  return { ok: true, code: 'identified', userId: id, body: { id, username } }
}
