import type { Plugin } from 'esbuild'

/** The SDK's clients, for which `lib/sdk/clients.ts` stands in the bundle: by their path in `node_modules`. */
const CLIENTS = [
  '@aws-sdk/client-rds-data/dist-es/index.js',
  '@aws-sdk/client-secrets-manager/dist-es/index.js',
]

/** What single modules import from elsewhere in the bundle: importer, import, module of `lib/sdk/`. */
const REDIRECTED: readonly (readonly [importer: string, specifier: string, own: string])[] = [
  ['@smithy/core/dist-es/submodules/serde/index.js', './uuid/v4', 'random-uuid'],
  ['@smithy/core/dist-es/submodules/serde/index.js', 'node:crypto', 'random-uuid'],
  [
    '@aws-sdk/credential-provider-http/dist-es/fromHttp/fromHttp.js',
    'node:fs/promises',
    'lazy-files',
  ],
]

/**
 * Modules of the SDK that no call of this function reaches, with what others import from them. In the
 * bundle each of these names is a function that throws.
 */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  // A dynamic import, for the sake of which esbuild would wrap whatever it reaches into functions.
  '@smithy/core/dist-es/submodules/event-streams/index.js': [
    'EventStreamSerde',
    'eventStreamSerdeProvider',
  ],
  // The engine of endpoint rules, with every partition and region of AWS.
  '@aws-sdk/core/dist-es/submodules/client/util-endpoints/aws.js': ['awsEndpointFunctions'],
  // A hash for where node:crypto has none.
  '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js': ['Sha256Js'],
  // Streams of a browser.
  '@smithy/core/dist-es/submodules/serde/util-stream/sdk-stream-mixin.browser.js': [
    'sdkStreamMixin',
  ],
  '@smithy/core/dist-es/submodules/serde/util-stream/stream-collector.browser.js': [
    'collectBlob',
    'collectReadableStream',
  ],
}

/**
 * An esbuild plugin that leaves out of the bundle what the SDK can do and this function cannot reach. Where
 * the code runs unbundled, in tests above all, the SDK is as it comes. The build fails if nothing imports what
 * is named here: an update of the SDK has then moved it.
 */
export function leanSdk(): Plugin {
  return {
    name: 'lean-sdk',
    setup({ onLoad, onResolve, onEnd }) {
      const unused = new Set([...CLIENTS, ...REDIRECTED.map(String), ...Object.keys(LEFT_OUT)])

      onResolve({ filter: /^(node:(crypto|fs\/promises)|\.\/uuid\/v4)$/ }, ({ path, importer }) => {
        const module = inNodeModules(importer)
        const redirection = REDIRECTED.find(([by, what]) => by === module && what === path)
        if (redirection === undefined) return undefined
        unused.delete(String(redirection))
        return { path: `${OWN}/${redirection[2]}.ts` }
      })

      onLoad({ filter: /node_modules\/@(aws-sdk|smithy)\// }, ({ path }) => {
        const module = inNodeModules(path)
        const contents = CLIENTS.includes(module) ? `export * from './clients.ts'` : stub(module)
        if (contents === undefined) return undefined
        unused.delete(module)
        return { contents, resolveDir: OWN }
      })

      onEnd(() => ({
        errors: [...unused].map((what) => ({
          text: `Nothing imports ${what}: take it out of lib/local/lean-sdk.ts, or name what has taken its place.`,
        })),
      }))
    },
  }
}

const OWN = import.meta.dirname.replace(/local$/, 'sdk')

const inNodeModules = (path: string) => path.replace(/^.*node_modules\//, '')

function stub(module: string): string | undefined {
  const names = Object.hasOwn(LEFT_OUT, module) ? LEFT_OUT[module] : undefined
  return names
    ?.map((name) => {
      const text = `${name} of ${module} is not in the bundle: see lib/local/lean-sdk.ts.`
      return `export function ${name}() { throw new Error(${JSON.stringify(text)}) }`
    })
    .join('\n')
}
