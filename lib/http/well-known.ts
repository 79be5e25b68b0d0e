import type { Keys } from '../adapters/key-ring.ts'
import type { Algorithm, PublicJwk } from '../adapters/signing-key.ts'

/** Time in seconds for which a document may be cached. API Gateway caches keys for two hours regardless. */
export const DOCUMENT_MAX_AGE_SECONDS = 300

/** A document that anyone may read. */
interface DocumentRead {
  readonly ok: true
  readonly code: 'document_read'
  readonly body: object
  readonly publicSeconds: number
}

/** The dependencies of `keySet`. */
export interface KeySetDeps {
  /** Resolves with every key in force. Rejects only on server errors. */
  loadKeys(): Promise<Keys>
}

/**
 * Returns the set of the public keys in force (RFC 7517), which is empty with HS256. A new key is in it before it
 * signs, and an old one until its tokens have expired.
 */
export async function keySet({ loadKeys }: KeySetDeps): Promise<DocumentRead> {
  const jwks = new Map<string, PublicJwk>()
  for (const { publicJwk } of await loadKeys()) {
    if (publicJwk) jwks.set(publicJwk.kid, publicJwk)
  }
  return documentRead({ keys: [...jwks.values()] })
}

/**
 * Returns the discovery document (OpenID Connect Discovery 1.0, section 3), with what a verifier of tokens needs:
 * there is no OpenID Connect flow here. The key set is also under the issuer, which must therefore be a URL.
 */
export function discovery(
  algorithm: Algorithm,
  issuer = '',
): DocumentRead | { readonly ok: false; readonly reason: 'discovery_unavailable' } {
  const isUrl = /^https?:$/.test(URL.parse(issuer)?.protocol ?? '')
  if (algorithm !== 'RS256' || !isUrl) return { ok: false, reason: 'discovery_unavailable' }
  return documentRead({
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
  })
}

const documentRead = (body: object): DocumentRead => ({
  ok: true,
  code: 'document_read',
  body,
  publicSeconds: DOCUMENT_MAX_AGE_SECONDS,
})
