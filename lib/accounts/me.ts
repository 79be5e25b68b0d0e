import type { Account } from './account.ts'

/** Returns the user of a verified token, as stored: the token may carry a former name. */
export async function me({ id, username }: Account) {
  return { ok: true, code: 'identified', userId: id, body: { id, username } } as const
}
