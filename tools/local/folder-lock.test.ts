import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fuzzRuns } from '../../test/support/fuzz-runs.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { claimFolder } from './folder-lock.ts'
import { freePort } from './port.ts'

const run = promisify(execFile)
const neverWaits = () => assert.fail('The folder has no owner to wait for.')

async function own(folder: string, onWait: (owner: string) => void = neverWaits) {
  const claim = await claimFolder(folder, onWait)
  assert.ok(claim.owned)
  return claim
}

/** Serves a Data API, or with another header another program. */
async function serve(t: TestContext, header = 'x-amzn-requestid') {
  const { url } = await serveHttp(t, () => ({ status: 404, headers: { [header]: '1' }, body: '' }))
  return { url, accessKeyId: 'test' }
}

test('a folder is created for this user alone, owned, released, and owned again', async (t) => {
  const folder = `${temporaryFolder(t)}/new`
  const { release } = await own(folder)
  const mode = (path: string) => statSync(`${folder}${path}`).mode & 0o777
  assert.deepEqual([mode(''), mode('/owner.json'), mode('/lock')], [0o700, 0o600, 0o600])
  release()
  assert.ok(!existsSync(`${folder}/owner.json`))
  const again = await own(folder)
  release() // The first claim is over: no effect.
  assert.ok(existsSync(`${folder}/owner.json`))
  again.release()
})

test('an owner is reported once and waited for, up to a time limit', async (t) => {
  const folder = temporaryFolder(t)
  const first = await own(folder)
  const owner = `process ${process.pid}`
  const message = `${folder} is in use by ${owner}. Stop it first.`
  const impatient = claimFolder(folder, () => {}, 1)
  await assert.rejects(impatient, { message })
  const waitedFor: string[] = []
  const second = own(folder, (name) => waitedFor.push(name))
  await sleep(500) // two rounds of polling
  first.release()
  const { release } = await second
  release()
  assert.deepEqual(waitedFor, [owner])
})

test('an owner whose URL no longer responds is closing, and waited for', async (t) => {
  const folder = temporaryFolder(t)
  const first = await own(folder)
  const url = `http://127.0.0.1:${await freePort('127.0.0.1', 0)}`
  first.publish({ url, accessKeyId: 'test' })
  const { release } = await own(folder, first.release)
  release()
})

test("an owner's file without a lock is void", async (t) => {
  const folder = temporaryFolder(t)
  const path = `${folder}/owner.json`
  // Another project's local Data API may have the port by now.
  const reused = JSON.stringify({ pid: 1, dataApi: await serve(t) })
  for (const content of ['', '{', 'null', '{"pid":1}', reused]) {
    writeFileSync(path, content)
    const { release } = await own(folder)
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).pid, process.pid)
    release()
  }
})

test('an owner in another place is waited for if its lock is seen, else joined, else rejected', async (t) => {
  const folder = temporaryFolder(t)
  const path = `${folder}/owner.json`
  const elsewhere = { pid: 1, place: 'container pid:[1]' }
  const first = await own(folder)
  writeFileSync(path, JSON.stringify(elsewhere))
  let waitedFor = ''
  const { release } = await own(folder, (owner) => {
    waitedFor = owner
    first.release()
  })
  assert.equal(waitedFor, 'process 1 of "container pid:[1]"')
  release()

  const dataApi = await serve(t)
  writeFileSync(path, JSON.stringify({ ...elsewhere, dataApi }))
  assert.deepEqual(await claimFolder(folder, neverWaits), { owned: false, dataApi })

  for (const noDataApi of [undefined, await serve(t, 'server')]) {
    const content = JSON.stringify({ ...elsewhere, dataApi: noDataApi })
    writeFileSync(path, content)
    const message = /process 1 of "container pid:\[1\]".* delete .*\/owner\.json/
    await assert.rejects(claimFolder(folder, neverWaits), { message })
    assert.equal(readFileSync(path, 'utf8'), content)
  }
})

test('a file system without locks is a clear error', async (t) => {
  const folder = temporaryFolder(t)
  // As SQLite reports ENOLCK: any lock of any file is in the way.
  const locks = ['lock', 'lock-probe'].map((name) => new DatabaseSync(`${folder}/${name}`))
  for (const lock of locks) lock.exec('BEGIN EXCLUSIVE')
  await assert.rejects(claimFolder(folder, neverWaits), { message: /no locks.*DATABASE_URL/ })
  for (const lock of locks) lock.close()
  mkdirSync(`${folder}/2/lock`, { recursive: true })
  await assert.rejects(claimFolder(`${folder}/2`, neverWaits), { message: /unable to open/ })
})

test('no other process gets the lock after other claims here and a garbage collection', async (t) => {
  const folder = temporaryFolder(t)
  const dataApi = await serve(t)
  // Nothing refers to the claim any more. POSIX unlocks a file where the owner closes any handle of it.
  await own(folder).then(({ publish }) => publish(dataApi))
  assert.deepEqual(await claimFolder(folder, neverWaits), { owned: false, dataApi })
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const script = `new (require('node:sqlite').DatabaseSync)('${folder}/lock').exec('BEGIN EXCLUSIVE')`
  await assert.rejects(run(process.execPath, ['--eval', script]), /database is locked/)
})

// FUZZ_AT_LENGTH=true npm test -- tools/local/folder-lock.test.ts
test('of eight starts, some of which are killed, there is never more than one inside', async (t) => {
  for (let round = 0; round < fuzzRuns(3, 200); round++) {
    const folder = temporaryFolder(t)
    writeFileSync(`${folder}/owner.json`, '{"pid":1,"dataApi":{"url":"http://127.0.0.1:1"}}')
    const script = `import { appendFileSync } from 'node:fs'
      import { claimFolder } from '${import.meta.dirname}/folder-lock.ts'
      const { release } = await claimFolder('${folder}', () => {})
      appendFileSync('${folder}/log', 'in ')
      await new Promise((resolve) => setTimeout(resolve, 20))
      appendFileSync('${folder}/log', 'out ')
      if (process.pid % 2) process.kill(process.pid, 'SIGKILL')
      release()`
    const args = ['--input-type=module', '--eval', script]
    const starts = Array.from({ length: 8 }, () => spawn(process.execPath, args))
    await Promise.all(starts.map((child) => once(child, 'exit')))
    assert.equal(readFileSync(`${folder}/log`, 'utf8'), 'in out '.repeat(8))
  }
})
