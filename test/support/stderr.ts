import type { TestContext } from 'node:test'

/**
 * Collects what this process writes to stderr until the test `t` ends. It leaves stdout alone: in a test's process
 * the reporter writes there.
 */
export function captureStderr(t: TestContext): () => string {
  let output = ''
  const write = process.stderr.write
  process.stderr.write = (chunk: string | Uint8Array) => {
    output += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    return true
  }
  t.after(() => {
    process.stderr.write = write
  })
  return () => output
}
