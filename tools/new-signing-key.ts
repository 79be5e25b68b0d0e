import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Algorithm } from '../lib/adapters/signing-key.ts'

/** Makes the text of a new key: 256 random bits in hex, or the PKCS #8 PEM of an RSA key of 2048 bits. */
export function newSigningKey(algorithm: Algorithm): string {
  if (algorithm === 'HS256') return randomBytes(32).toString('hex')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
