import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from './spans.ts'
import { coldWaterfall, type Waterfall, warmWaterfall } from './waterfall.ts'
import { drawWaterfalls } from './waterfall-svg.ts'

const CALL: Call = {
  statusCode: 201,
  start: 1100,
  end: 1400,
  peakBytes: 0,
  spans: [
    { name: 'hash', start: 1102, end: 1380 },
    { name: 'secret', start: 1095, end: 1200 },
    { name: 'data-api', start: 1382, end: 1396 },
  ],
}
const START = { spawned: 1000, entered: 1040, loaded: 1090 }

const stretches = ({ lanes }: Waterfall) =>
  Object.fromEntries(
    lanes.map(({ label, stretches: all }) => [label, all.map(({ start, end }) => [start, end])]),
  )

test('a warm sign-up begins with its call, and what is neither hash nor wait is all else', () => {
  const chart = warmWaterfall(CALL)
  assert.equal(chart.total, 300)
  assert.deepEqual(stretches(chart), {
    'bcrypt hash': [[2, 280]],
    'wait for the Data API': [[282, 296]],
    'all else': [
      [0, 2],
      [280, 282],
      [296, 300],
    ],
  })
})

test('a cold one begins with its process, and the key is read beside the rest', () => {
  const chart = coldWaterfall({ start: START, call: CALL })
  assert.equal(chart.total, 400)
  assert.deepEqual(stretches(chart), {
    'Node starts': [[0, 40]],
    'the bundle loads': [[40, 90]],
    'the signing key is read': [[95, 200]],
    'bcrypt hash': [[102, 380]],
    'wait for the Data API': [[382, 396]],
    'all else': [
      [90, 102],
      [380, 382],
      [396, 400],
    ],
  })
})

test('the picture draws every stretch to one scale, inside its frame, with the sums as text', () => {
  const charts = [coldWaterfall({ start: START, call: CALL }), warmWaterfall(CALL)]
  const svg = drawWaterfalls(charts)
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)]
  assert.equal(bars.length, 8 + 5)
  const widths = bars.map(([, , width]) => Number(width))
  // Both hashes take 278 ms, of which a pixel is the same part: 400 ms are 570 of them.
  assert.equal(widths.filter((width) => Math.abs(width - (278 * 570) / 400) < 0.1).length, 2)
  for (const [, x, width] of bars) assert.ok(Number(x) >= 170 && Number(x) + Number(width) <= 740.1)
  for (const text of ['400 ms', '300 ms', '278 ms', '14 ms', '8.0 ms']) {
    assert.ok(svg.includes(`${text}<`) || svg.includes(`${text}.`), text)
  }
  assert.doesNotMatch(svg, /NaN|undefined|<script|href/)
})
