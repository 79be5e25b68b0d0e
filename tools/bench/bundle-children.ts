import { build } from 'esbuild'
import { BUNDLING } from '../build/bundle.ts'

/** CommonJS files: the two floors, and the programs that load them or the function. */
export type ChildPaths = Readonly<
  Record<'floor' | 'floorWithHash' | 'handlerChild' | 'startChild', string>
>

/**
 * Bundles them into `outdir`, one file each, as the function is, so that a process under measurement
 * compiles no TypeScript.
 */
export async function bundleChildren(outdir: string): Promise<ChildPaths> {
  const names = ['floor-handler', 'floor-with-hash', 'handler-child', 'start-child']
  await build({
    ...BUNDLING,
    entryPoints: names.map((name) => `${import.meta.dirname}/${name}.ts`),
    outdir,
    // The module of the events can find their folder, which no process of the bench does.
    logOverride: { 'empty-import-meta': 'silent' },
  })
  return {
    floor: `${outdir}/floor-handler.cjs`,
    floorWithHash: `${outdir}/floor-with-hash.cjs`,
    handlerChild: `${outdir}/handler-child.cjs`,
    startChild: `${outdir}/start-child.cjs`,
  }
}
