import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../../test/support/data-api.ts'
import { openDataApiDatabase } from './data-api-database.ts'
import { removeUser } from './smoke-user.ts'

const PATIENCE = { say: () => {}, wait: async () => {} }

onEachEngine('the user is removed in any letter case, and nobody else', async (t, dataApi) => {
  const names = ['Smoke-1', "'; DROP TABLE users; --", 'somebody']
  await dataApi.execute('CREATE TABLE users (username VARCHAR)')
  for (const name of names) {
    const parameter = { name: 'name', value: { stringValue: name } }
    await dataApi.execute('INSERT INTO users VALUES (:name)', [parameter])
  }
  const database = openDataApiDatabase({
    client: {
      endpoint: dataApi.url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    clusterArn: dataApi.target.resourceArn,
    secretArn: dataApi.target.secretArn,
    databaseName: dataApi.target.database,
  })
  t.after(() => database.close())

  await removeUser(database, 'sMOKE-1', PATIENCE)
  await removeUser(database, "'; DROP TABLE users; --", PATIENCE)
  await removeUser(database, 'nobody', PATIENCE)
  assert.deepEqual(await database.execute('SELECT username FROM users'), [['somebody']])
})

test('a paused database is waited for, and another fault is not', async () => {
  const answers = ['DatabaseResumingException', 'DatabaseResumingException', 'AccessDenied']
  const execute = () => {
    const name = answers.shift()
    return name === undefined
      ? Promise.resolve([])
      : Promise.reject(Object.assign(new Error(), { name }))
  }
  await assert.rejects(removeUser({ execute }, 'somebody', PATIENCE), { name: 'AccessDenied' })
  assert.deepEqual(answers, [])
})
