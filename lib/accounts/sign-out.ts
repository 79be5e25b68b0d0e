/** The dependencies of a sign-out. Each function rejects only on server errors. */
export interface SignOutDeps {
  /** Ends a session, and resolves with the id of its user. Succeeds if it has ended, or if there is none. */
  endSession(digest: string): Promise<number | undefined>
}

/** Ends the session. This API rejects its tokens from then on. */
export async function signOut(digest: string, { endSession }: SignOutDeps) {
  const userId = await endSession(digest)
  return { ok: true, code: 'signed_out', ...(userId !== undefined && { userId }) } as const
}
