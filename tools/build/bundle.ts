import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** esbuild options of the function, and of the programs that the bench compares it with. */
export const BUNDLING: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  // CommonJS in a .cjs file needs no package.json beside it in the zip.
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // The SDK's ESM builds, from which esbuild removes unused code.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
}

/**
 * Bundles each entry point into `.build/`, which is emptied first, because the zip holds all of it.
 * Returns esbuild's metafile, which names every source in the bundles.
 */
export async function bundle(
  outdir = `${ROOT}.build`,
  entryPoints: readonly string[] = ['functions/auth.ts'],
): Promise<Metafile> {
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    ...BUNDLING,
    absWorkingDir: ROOT,
    entryPoints: [...entryPoints],
    outdir,
    metafile: true,
  })
  return metafile
}
