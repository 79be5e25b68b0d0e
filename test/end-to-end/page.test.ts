import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { freePort } from '../../tools/local/port.ts'
import { startEndpoint } from '../support/npm-start.ts'
import { copyService } from '../support/service-copy.ts'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser']
const executablePath = BROWSERS.find((path) => existsSync(path))
const skip = executablePath === undefined && 'no Chromium on this machine'

test('the page signs a user up, sends the token afterwards, and renews it and signs out by a click', {
  skip,
}, async (t) => {
  const port = await freePort('127.0.0.1', 0)
  await startEndpoint(t, { cwd: copyService(t), env: { PORT: String(port) } })
  const browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox'], // For root, as in a container.
  })
  t.after(() => browser.close())
  const viewport = { width: 390, height: 844 }
  const page = await browser.newPage({ viewport, colorScheme: 'dark' })
  const hosts = new Set<string>()
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))

  await page.goto(`http://localhost:${port}/`)
  const send = async (operation: string) => {
    const block = page.locator(`[id="operations-auth-${operation}"]`)
    await block.locator('.opblock-summary-control').click()
    await block.locator('button.execute').click()
    const response = block.locator('.live-responses-table .response')
    const status = await response.locator('.response-col_status').first().innerText()
    return { status: status.trim(), text: await response.innerText() }
  }
  const signedUp = await send('signUp')
  assert.equal(signedUp.status, '201')
  assert.match(signedUp.text, /"username": "ada"/)
  const me = await send('me')
  assert.equal(me.status, '200')
  assert.match(me.text, /"username": "ada"/)

  const renewed = await send('renew')
  assert.equal(renewed.status, '200')
  assert.match(renewed.text, /"sid": "[0-9a-f]{16}"/)
  assert.equal((await send('signOut')).status, '204')

  assert.deepEqual([...hosts], [`localhost:${port}`])
  assert.deepEqual(errors, [])
  // On a phone, no element makes the page wider than the screen.
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), viewport.width)
  const background = 'getComputedStyle(document.body).backgroundColor'
  assert.equal(await page.evaluate(background), 'rgb(28, 32, 34)')
})
