import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../../test/support/yaml.ts'
import { checkIssuer, checkOrigins } from './settings.ts'
import { readStageTable } from './stage.ts'

test('an issuer under which RS256 verifiers find no keys is rejected', () => {
  for (const issuer of [
    'https://id.example',
    'https://id.example/v1',
    'http://localhost:3000',
    'me',
  ]) {
    checkIssuer({ signing: 'rs256', jwtIssuer: issuer })
    for (const end of ['/', '?', '?a=b', '#', '#a', '?a=/b']) {
      const jwtIssuer = `${issuer}${end}`
      assert.throws(() => checkIssuer({ signing: 'rs256', jwtIssuer }), /jwtIssuer/, jwtIssuer)
      checkIssuer({ signing: 'hs256', jwtIssuer })
    }
  }
})

/** Origins that no browser sends or API Gateway does not match, and those to write instead. */
const INVALID: Readonly<Record<string, string | undefined>> = {
  'https://app.example/': 'https://app.example',
  'https://app.example/path': 'https://app.example',
  'https://app.example?a': 'https://app.example',
  'https://App.example': 'https://app.example',
  'https://app.example:443': 'https://app.example',
  'http://app.example:80': 'http://app.example',
  'https://me@app.example': 'https://app.example',
  'https://bücher.example': 'https://xn--bcher-kva.example',
  ' https://app.example': 'https://app.example',
  'https://app.example ': 'https://app.example',
  'capacitor://localhost/': 'capacitor://localhost',
  'https://*.app.example': undefined,
  'ftp://*': undefined,
  'app.example': undefined,
  'localhost:3000': undefined,
  'file://': undefined,
  null: undefined,
  '*': undefined, // Beside others.
  ' ': undefined,
  '': undefined,
}

test('an origin is a scheme, a host and a port, and the error says how to write another', () => {
  const origins = ['https://app.example', 'http://localhost:5173', 'http://[::1]:3000']
  origins.push('https://app.example:8443', 'capacitor://localhost', 'https://*', 'http://*')
  for (const corsOrigins of ['*', ...origins, origins.join()]) checkOrigins({ corsOrigins })
  for (const [origin, instead] of Object.entries(INVALID)) {
    for (const corsOrigins of [`${origin},https://b.example`, `https://b.example,${origin}`]) {
      assert.throws(
        () => checkOrigins({ corsOrigins }),
        ({ message }: Error) =>
          message.includes(`"${origin}"`) && message.includes(`Write ${instead} `) === !!instead,
        corsOrigins,
      )
    }
  }
  for (const corsOrigins of ['', ' *', '* ', undefined]) {
    assert.throws(() => checkOrigins({ corsOrigins }), /corsOrigins/)
  }
})

test('each stage of stages.yml has valid settings', () => {
  const { default: _, ...stages } = Object(readYaml('resources/stages.yml'))
  for (const stage of Object.keys(stages)) {
    checkIssuer(readStageTable(stage))
    checkOrigins(readStageTable(stage))
  }
})
