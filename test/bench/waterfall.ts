import { type Call, length, type Span, type Start, waits } from './handler-process.ts'

type Stretch = Pick<Span, 'start' | 'end'>
type Lane = readonly [label: string, colour: string, stretches: readonly Stretch[]]

interface Chart extends Stretch {
  readonly title: string
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
    ['Node starts', '#8292a6', [{ start: start.spawned, end: start.entered }]],
    ['the bundle loads', '#3f87d9', [{ start: start.entered, end: start.loaded }]],
    ['the key is read', '#c8871e', call.spans.filter(({ name }) => name === 'secret')],
    ...lanesOf(call, start.loaded),
  ],
})

/** The hash is drawn from the start of the call, since the checks before it take a tenth of a millisecond. */
function lanesOf(call: Call, start: number): Lane[] {
  const hash = { start: call.start, end: call.start + (call.hashMs ?? 0) }
  const calls = waits(call)
  const busy = [hash, ...calls]
  const rest = [...busy, { start: call.end }].map((next, index) => ({
    start: busy[index - 1]?.end ?? start,
    end: next.start,
  }))
  return [
    ['bcrypt hash', '#8a63d2', [hash]],
    ['wait for the Data API', '#2f9e57', calls],
    ['everything else', '#d9534f', rest],
  ]
}

const TEXT = '#757d87'
const [WIDTH, LEFT, RIGHT, LANE, BAR, TITLE, AXIS] = [820, 170, 80, 26, 14, 34, 30]

/** Draws the charts one below the other, to one scale, as an SVG that is readable on white and on black. */
export function drawWaterfalls(charts: readonly Chart[]): string {
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...charts.map(length))
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

const titleOf = (chart: Chart): string => `${chart.title}: ${milliseconds(length(chart))}`

function drawChart(chart: Chart, top: number, scale: number): string {
  const bottom = top + TITLE + chart.lanes.length * LANE
  const step = length(chart) > 1500 ? 500 : 100
  const ticks = Array.from({ length: Math.floor(length(chart) / step) + 1 }, (_, n) => n * step)
  const x = (time: number) => pixel(LEFT + (time - chart.start) * scale)
  const lines = ticks.map((tick) => {
    const left = x(chart.start + tick)
    return `<path d="M${left} ${top + TITLE - 4}V${bottom + 4}" stroke="${TEXT}" stroke-opacity=".3"/><text x="${left}" y="${bottom + 19}" font-size="11" text-anchor="middle">${tick} ms</text>`
  })
  const lanes = chart.lanes.map(([label, colour, stretches], index) => {
    const middle = top + TITLE + (index + 0.5) * LANE
    const bars = stretches.map(
      (stretch) =>
        `<rect x="${x(stretch.start)}" y="${middle - BAR / 2}" width="${pixel(Math.max(2, length(stretch) * scale))}" height="${BAR}" rx="2" fill="${colour}"/>`,
    )
    const sum = stretches.reduce((total, stretch) => total + length(stretch), 0)
    const end = x((stretches.at(-1)?.end ?? chart.start) + 10 / scale)
    return `<text x="${LEFT - 12}" y="${middle + 4.5}" text-anchor="end">${label}</text>${bars.join('')}<text x="${end}" y="${middle + 4.5}">${milliseconds(sum)}</text>`
  })
  const title = `<text x="${LEFT}" y="${top + 20}" font-size="15" font-weight="600">${titleOf(chart)}</text>`
  return [title, ...lines, ...lanes].join('\n')
}

const pixel = (value: number): string => String(Math.round(value * 10) / 10)

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
