import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { claimFolder } from './folder-lock.ts'
import { freePort } from './port.ts'

const run = promisify(execFile)
const nobody = () => assert.fail('There is nobody to wait for.')

async function own(folder: string, onWait: (pid: number) => void = nobody) {
  const claim = await claimFolder(folder, onWait)
  assert.ok(claim.owned)
  return claim
}

/** A process that runs until the test ends or it is killed. */
function startProcess(t: TestContext) {
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'])
  t.after(() => child.kill('SIGKILL'))
  return { pid: child.pid, kill: () => child.kill('SIGKILL') }
}

test('a folder is created, owned, released, and owned again', async (t) => {
  const folder = `${temporaryFolder(t)}/new`
  const claim = await own(folder)
  assert.ok(existsSync(`${folder}/owner.json`))
  claim.release()
  assert.ok(!existsSync(`${folder}/owner.json`))
  const again = await own(folder)
  again.release()
})

test('a second process waits for the owner, whose id is reported once', async (t) => {
  const folder = temporaryFolder(t)
  const first = await own(folder)
  const waitedFor: number[] = []
  const second = own(folder, (pid) => waitedFor.push(pid))
  await sleep(500) // two rounds of polling
  first.release()
  const { release } = await second
  release()
  assert.deepEqual(waitedFor, [process.pid])
})

test('an owner that has published its URL is joined', async (t) => {
  const folder = temporaryFolder(t)
  const { url } = await serveHttp(t, () => ({
    status: 404,
    headers: { 'x-amzn-requestid': 'id' },
    body: '',
  }))
  const first = await own(folder)
  first.publish(url)
  assert.deepEqual(await claimFolder(folder, nobody), { owned: false, url })
  first.release()
  const next = await own(folder)
  next.release()
})

test('an owner whose URL no longer responds is closing, and waited for', async (t) => {
  const folder = temporaryFolder(t)
  const first = await own(folder)
  first.publish(`http://127.0.0.1:${await freePort('127.0.0.1', 0)}`)
  const { release } = await own(folder, first.release)
  release()
})

test('another process that lives is waited for, until it does not', async (t) => {
  const folder = temporaryFolder(t)
  const { pid, kill } = startProcess(t)
  writeFileSync(`${folder}/owner.json`, JSON.stringify({ pid }))
  let waitedFor: number | undefined
  const { release } = await own(folder, (owner) => {
    waitedFor = owner
    kill()
  })
  release()
  assert.equal(waitedFor, pid)
})

const VOID: Record<string, (deadPid: number | undefined) => string> = {
  'of a dead process': (pid) => `{"pid":${pid}}`,
  'of a dead process that had published a URL': (pid) =>
    `{"pid":${pid},"url":"http://127.0.0.1:1"}`,
  'of an earlier process with our id': () => `{"pid":${process.pid}}`,
  'that is empty': () => '',
  'that is not JSON': () => '{',
  'that is null': () => 'null',
  'that names no process': () => '{"pid":"1"}',
}

for (const [name, content] of Object.entries(VOID)) {
  test(`a claim ${name} is void`, async (t) => {
    const folder = temporaryFolder(t)
    const child = spawn(process.execPath, ['--version'])
    await once(child, 'exit')
    writeFileSync(`${folder}/owner.json`, content(child.pid))
    const { release } = await own(folder)
    const owner: unknown = JSON.parse(readFileSync(`${folder}/owner.json`, 'utf8'))
    assert.equal(Object(owner).pid, process.pid)
    release()
  })
}

test('a process of another container or machine is joined if it responds, and else refused', async (t) => {
  const folder = temporaryFolder(t)
  const path = `${folder}/owner.json`
  let headers: Record<string, string> = { 'x-amzn-requestid': 'id' }
  const { url } = await serveHttp(t, () => ({ status: 404, headers, body: '' }))
  // A process id that is nobody's here.
  const elsewhere = { pid: 2 ** 22 + 1, place: 'container pid:[1]' }
  writeFileSync(path, JSON.stringify({ ...elsewhere, url }))
  assert.deepEqual(await claimFolder(folder, nobody), { owned: false, url })

  headers = {} // Another program at that port.
  await assert.rejects(claimFolder(folder, nobody), { message: /"container pid:\[1\]"/ })
  writeFileSync(path, JSON.stringify(elsewhere))
  await assert.rejects(claimFolder(folder, nobody), (error: Error) => error.message.includes(path))
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).pid, elsewhere.pid)
})

test('only this user may enter the folder', async (t) => {
  const folder = temporaryFolder(t)
  const { release } = await own(folder)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  release()
})

test('of six processes that find an ended owner there is never more than one inside', async (t) => {
  const folder = temporaryFolder(t)
  const ended = spawn(process.execPath, ['--version'])
  await once(ended, 'exit')
  writeFileSync(`${folder}/owner.json`, `{"pid":${ended.pid},"url":"http://127.0.0.1:1"}`)
  const module = new URL('folder-lock.ts', import.meta.url).href
  const script = `import { appendFileSync } from 'node:fs'
    import { claimFolder } from '${module}'
    const { release } = await claimFolder('${folder}', () => {})
    appendFileSync('${folder}/log', 'in ')
    await new Promise((resolve) => setTimeout(resolve, 20))
    appendFileSync('${folder}/log', 'out ')
    release()`
  const args = ['--input-type=module', '--eval', script]
  await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, args)))
  assert.equal(readFileSync(`${folder}/log`, 'utf8'), 'in out '.repeat(6))
})
