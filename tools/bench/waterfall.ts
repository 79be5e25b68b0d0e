import { type Call, type Span, type Start, waits } from './handler-process.ts'

type Stretch = Pick<Span, 'start' | 'end'>

interface Lane {
  readonly label: string
  readonly colour: string
  readonly stretches: readonly Stretch[]
}

interface Chart {
  readonly title: string
  readonly start: number
  readonly end: number
  readonly lanes: readonly Lane[]
}

/** What a sign-up in a warm process spends its time on. */
export const warmChart = (call: Call): Chart => ({
  title: 'Sign-up in a warm process',
  start: call.start,
  end: call.end,
  lanes: lanesOf(call, call.start),
})

/** The same of a new process's first sign-up, from the spawn on. */
export const firstChart = ({ start, call }: { start: Start; call: Call }): Chart => ({
  title: 'First sign-up of a new process',
  start: start.spawned,
  end: call.end,
  lanes: [
    lane('Node starts', '#8292a6', [{ start: start.spawned, end: start.entered }]),
    lane('the bundle loads', '#3f87d9', [{ start: start.entered, end: start.loaded }]),
    lane(
      'the signing key is read',
      '#c8871e',
      call.spans.filter(({ name }) => name === 'secret'),
    ),
    ...lanesOf(call, start.loaded),
  ],
})

const lane = (label: string, colour: string, stretches: readonly Stretch[]): Lane => ({
  label,
  colour,
  stretches,
})

/** The hash is drawn from the start of the call, since the checks before it take a tenth of a millisecond. */
function lanesOf(call: Call, start: number): Lane[] {
  const hash = { start: call.start, end: call.start + (call.hashMs ?? 0) }
  const calls = waits(call)
  const edges = [
    start,
    hash.start,
    hash.end,
    ...calls.flatMap((wait) => [wait.start, wait.end]),
    call.end,
  ]
  const rest = Array.from({ length: edges.length / 2 }, (_, index) => ({
    start: edges[2 * index] ?? start,
    end: edges[2 * index + 1] ?? start,
  }))
  return [
    lane('bcrypt hash', '#8a63d2', [hash]),
    lane('wait for the Data API', '#2f9e57', calls),
    lane('everything else', '#d9534f', rest),
  ]
}

const TEXT = '#757d87'
const [WIDTH, LEFT, RIGHT, LANE, BAR, TITLE, AXIS] = [820, 170, 80, 26, 14, 34, 30]

/** Draws the charts one below the other, to one scale, as an SVG that is readable on white and on black. */
export function drawWaterfalls(charts: readonly Chart[]): string {
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...charts.map(({ start, end }) => end - start))
  let top = 0
  const drawn = charts.map((chart) => {
    const group = drawChart(chart, top, scale)
    top += TITLE + chart.lanes.length * LANE + AXIS
    return group
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="${TEXT}">
<title>${charts.map(titleOf).join('. ')}</title>
${drawn.join('\n')}
</svg>
`
}

const titleOf = ({ title, start, end }: Chart): string => `${title}: ${milliseconds(end - start)}`

function drawChart(chart: Chart, top: number, scale: number): string {
  const total = chart.end - chart.start
  const bottom = top + TITLE + chart.lanes.length * LANE
  const step = total > 1500 ? 500 : 100
  const ticks = Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => index * step)
  return [
    `<text x="${LEFT}" y="${top + 20}" font-size="15" font-weight="600">${titleOf(chart)}</text>`,
    ...ticks.map((tick) => {
      const x = pixel(LEFT + tick * scale)
      return `<path d="M${x} ${top + TITLE - 4}V${bottom + 4}" stroke="${TEXT}" stroke-opacity=".3"/><text x="${x}" y="${bottom + 19}" font-size="11" text-anchor="middle">${tick} ms</text>`
    }),
    ...chart.lanes.map((lane, index) =>
      drawLane(lane, chart.start, top + TITLE + index * LANE, scale),
    ),
  ].join('\n')
}

function drawLane(
  { label, colour, stretches }: Lane,
  origin: number,
  top: number,
  scale: number,
): string {
  const middle = top + LANE / 2
  const left = ({ start }: Stretch) => LEFT + (start - origin) * scale
  const width = ({ start, end }: Stretch) => Math.max(2, (end - start) * scale)
  const sum = stretches.reduce((total, { start, end }) => total + end - start, 0)
  const last = stretches.at(-1)
  return [
    `<text x="${LEFT - 12}" y="${middle + 4.5}" text-anchor="end">${label}</text>`,
    ...stretches.map(
      (stretch) =>
        `<rect x="${pixel(left(stretch))}" y="${middle - BAR / 2}" width="${pixel(width(stretch))}" height="${BAR}" rx="2" fill="${colour}"/>`,
    ),
    `<text x="${pixel((last ? left(last) + width(last) : LEFT) + 8)}" y="${middle + 4.5}">${milliseconds(sum)}</text>`,
  ].join('\n')
}

const pixel = (value: number): string => String(Math.round(value * 10) / 10)

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
