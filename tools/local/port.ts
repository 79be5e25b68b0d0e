import { createServer } from 'node:net'

/** The port that `PORT` names, 3000 without it. Throws if it is not a port. */
export function readPort(value: string | undefined): number {
  const port = Number(value || '3000')
  if (/^\d*$/.test(value ?? '') && port >= 1 && port <= 65_535) return port
  throw new Error('PORT is wrong: it must be a whole number from 1 to 65535.')
}

/** Resolves with `port` if it is free, or with any free port for 0. Rejects with an error for people. */
export function freePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => {
      const problem = `Port ${port} is in use or not allowed (${Reflect.get(error, 'code')}).`
      reject(new Error(`${problem} Stop what uses it, or choose another: PORT=3001 npm start`))
    })
    probe.listen(port, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
