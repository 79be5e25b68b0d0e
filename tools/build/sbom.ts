import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

const ROOT = new URL('../../', import.meta.url)

type Fields = Readonly<Record<string, unknown>>

/**
 * package.json or package-lock.json without what only development needs. `npm sbom --omit dev` does not
 * do: it also leaves out each runtime package that a development dependency asks for as well, which is
 * most of the SDK (https://github.com/npm/cli/issues/7909).
 */
export function withoutDevelopment(file: Fields): Fields {
  const { devDependencies: _, packages, ...rest } = file
  if (packages === undefined) return rest
  const kept = Object.entries(record(packages)).filter(([, entry]) => {
    const { dev, devOptional } = record(entry)
    return dev !== true && devOptional !== true
  })
  const entries = kept.map(([path, entry]) => [path, withoutDevelopment(record(entry))])
  return { ...rest, packages: Object.fromEntries(entries) }
}

/**
 * The software bill of materials of the zip, in CycloneDX's JSON: the service, and every package that
 * its bundle may take code from, with version, licence and checksum. It rests on the lock file alone;
 * the same lock file and npm give the same text. Throws what npm said if npm fails.
 */
export function makeSbom(): string {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-sbom-`)
  try {
    // npm takes the name of the folder for the name of the service.
    const cwd = `${folder}/latchkey`
    mkdirSync(cwd)
    for (const name of ['package.json', 'package-lock.json']) {
      const file = withoutDevelopment(record(JSON.parse(readFileSync(new URL(name, ROOT), 'utf8'))))
      writeFileSync(`${cwd}/${name}`, JSON.stringify(file))
    }
    const args = [
      'sbom',
      '--package-lock-only',
      '--sbom-format=cyclonedx',
      '--sbom-type=application',
    ]
    const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm sbom failed: ${error?.message ?? stderr}`)
    return withoutMoment(record(JSON.parse(stdout)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Leaves out what differs at each call, neither of which CycloneDX requires. */
function withoutMoment({ serialNumber: _, metadata, ...rest }: Fields): string {
  const { timestamp: __, ...origin } = record(metadata)
  return `${JSON.stringify({ ...rest, metadata: origin }, null, 2)}\n`
}

const record = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {}

if (import.meta.main) process.stdout.write(makeSbom())
