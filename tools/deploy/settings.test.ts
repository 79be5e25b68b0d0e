import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../../test/support/yaml.ts'
import { checkIssuer } from './settings.ts'
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

test('each stage of stages.yml has valid settings', () => {
  const { default: _, ...stages } = Object(readYaml('resources/stages.yml'))
  for (const stage of Object.keys(stages)) {
    checkIssuer(readStageTable(stage))
  }
})
