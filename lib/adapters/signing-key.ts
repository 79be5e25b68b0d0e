import { createHash, createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto'
import type { CryptoKey } from 'jose'

/**
 * The algorithms that tokens can be signed with (RFC 7518, section 3.1). Of public-key algorithms, API Gateway
 * verifies only those of RSA.
 */
export const ALGORITHMS = ['HS256', 'RS256'] as const

/** An algorithm of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** The public half of an RSA key, in the form of a key set (RFC 7517). */
export interface PublicJwk {
  readonly kty: 'RSA'
  readonly use: 'sig'
  readonly alg: 'RS256'
  /** The key's thumbprint (RFC 7638), which is in the header of its tokens. */
  readonly kid: string
  readonly n: string
  readonly e: string
}

/** A signing key. The key, never the token, sets the algorithm (RFC 8725, section 3.1). */
export interface SigningKey {
  readonly algorithm: Algorithm
  readonly sign: CryptoKey
  readonly verify: CryptoKey
  /** Set if the text of an HS256 key looks public: it is accepted only because it has signed. */
  readonly looksPublic?: true
  /** Only with RS256. */
  readonly publicJwk?: PublicJwk
}

/** RFC 7518, section 3.2: an HS256 key is at least as long as the hash's output, 256 bits. */
const HS256_MIN_BYTES = 32

/** RFC 7518, section 3.3. */
const RS256_MIN_BITS = 2048

/** The requirements on a key of the algorithm, for error messages. */
export const WANTED_KEY: Readonly<Record<Algorithm, string>> = {
  HS256: `a random key of at least ${HS256_MIN_BYTES} bytes, and no PEM, SSH key, DER in hex, JSON or URL`,
  RS256: `one PKCS #8 PEM (BEGIN PRIVATE KEY) of an RSA key of at least ${RS256_MIN_BITS} bits`,
}

const PKCS8_PEM =
  /^-----BEGIN PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----\s*$/

/** A PEM or half of one, also as base64, and the DER of a certificate or an RSA key as base64. */
const FOREIGN_KEY = /-----(BEGIN|END)|LS0tLS1CRUdJT|^\s*MII/

/**
 * Beginnings of texts that are often public: an SSH key, a URL, an object of JSON, also in an array, and the DER of a
 * certificate, an RSA key or an EC key of P-256 in hex. The DER is longer than the 64 digits of a generated key.
 */
const PUBLIC_TEXT =
  /^(\s*(ssh-|https?:\/\/|(3082[\da-f]{4}|3059)(30|02)[\da-f\s]{80})|[\s[]*\{\s*"[^"]*"\s*:)/i

/**
 * Makes a key from its text: an RSA key from a PKCS #8 PEM, and an HS256 key from the bytes of any text that is
 * long enough and not another kind of key. Returns `undefined` for any other text: if a public key were the HS256
 * key, anyone who knows it could sign. A key that `hasSigned` may also be a {@link PUBLIC_TEXT}, whose tokens are in
 * use.
 */
export function parseSigningKey(text: string, { hasSigned = false } = {}): SigningKey | undefined {
  if (PKCS8_PEM.test(text)) return rsaKey(text)
  const isHmacKey =
    Buffer.byteLength(text) >= HS256_MIN_BYTES && !FOREIGN_KEY.test(text) && !isJwk(text)
  const looksPublic = PUBLIC_TEXT.test(text)
  if (!isHmacKey || (looksPublic && !hasSigned)) return undefined
  // Imported once: jose would import the bytes again for every token.
  const key = createSecretKey(text, 'utf8').toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
  return { algorithm: 'HS256', sign: key, verify: key, ...(looksPublic && { looksPublic }) }
}

function rsaKey(pem: string): SigningKey | undefined {
  const pair = parsePem(pem)
  const { modulusLength = 0 } = pair?.asymmetricKeyDetails ?? {}
  // A key of type "rsa-pss" cannot sign RS256.
  if (pair?.asymmetricKeyType !== 'rsa' || modulusLength < RS256_MIN_BITS) return undefined
  const publicKey = createPublicKey(pem)
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  // RFC 7638, section 3: only these members, in this order.
  const kid = createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url')
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return {
    algorithm: 'RS256',
    sign: pair.toCryptoKey(rsa, false, ['sign']),
    verify: publicKey.toCryptoKey(rsa, false, ['verify']),
    publicJwk: { kty: 'RSA', use: 'sig', alg: 'RS256', kid, n, e },
  }
}

function parsePem(pem: string) {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

/** Returns whether the text is a JSON Web Key, or a set of them. */
function isJwk(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text.trim())
    return ['kty', 'keys'].some((name) => Object.hasOwn(Object(value), name))
  } catch {
    return false
  }
}
