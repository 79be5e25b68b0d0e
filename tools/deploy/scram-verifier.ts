import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** RFC 7677's minimum and Postgres's default; enough for a random password. */
const ITERATIONS = 4096

const KEY_BYTES = 32

/**
 * Computes the SCRAM-SHA-256 verifier of a password (RFC 5802, section 3; RFC 7677), as `ALTER ROLE … PASSWORD`
 * takes it. It cannot be used to log in: it holds only a hash of the client key. `password` must be ASCII,
 * which SASLprep leaves unchanged.
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16)): string {
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, 'sha256')
  const keyOf = (label: string) => createHmac('sha256', saltedPassword).update(label).digest()
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const serverKey = keyOf('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}
