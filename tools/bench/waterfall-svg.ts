import type { Colour, Lane, Stretch, Waterfall } from './waterfall.ts'

/** Of middling lightness, so that they stand out from white and from black alike. */
const COLOURS: Readonly<Record<Colour, string>> = {
  process: '#8292a6',
  load: '#3f87d9',
  secret: '#c8871e',
  hash: '#8a63d2',
  wait: '#2f9e57',
  own: '#d9534f',
}
const TEXT = '#757d87'

const WIDTH = 820
const LEFT = 170
const RIGHT = 80
const LANE = 26
const BAR = 14
const TITLE = 34
const AXIS = 30
/** Pixels below which a bar would be missed. */
const LEAST = 2

/** Draws the charts one below the other, all to the same scale, as an SVG of plain shapes and text. */
export function drawWaterfalls(charts: readonly Waterfall[]): string {
  const longest = Math.max(...charts.map(({ total }) => total))
  const scale = (WIDTH - LEFT - RIGHT) / longest
  let top = 0
  const drawn = charts.map((chart) => {
    const group = drawChart(chart, top, scale)
    top += heightOf(chart)
    return group
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="${TEXT}">
<title>${charts.map(titleOf).join('. ')}</title>
${drawn.join('\n')}
</svg>
`
}

const heightOf = ({ lanes }: Waterfall): number => TITLE + lanes.length * LANE + AXIS

const titleOf = ({ title, total }: Waterfall): string => `${title}: ${milliseconds(total)}`

function drawChart(chart: Waterfall, top: number, scale: number): string {
  const bottom = top + TITLE + chart.lanes.length * LANE
  return [
    `<text x="${LEFT}" y="${top + 20}" font-size="15" font-weight="600">${titleOf(chart)}</text>`,
    ...ticks(chart.total).map((tick) => {
      const x = pixel(LEFT + tick * scale)
      return `<path d="M${x} ${top + TITLE - 4}V${bottom + 4}" stroke="${TEXT}" stroke-opacity=".3"/><text x="${x}" y="${bottom + 19}" font-size="11" text-anchor="middle">${tick} ms</text>`
    }),
    ...chart.lanes.map((lane, index) => drawLane(lane, top + TITLE + index * LANE, scale)),
  ].join('\n')
}

/** Every 100 ms, or every 500 on a slow machine. */
function ticks(total: number): number[] {
  const step = total > 1500 ? 500 : 100
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => index * step)
}

function drawLane({ label, colour, stretches }: Lane, top: number, scale: number): string {
  const middle = top + LANE / 2
  const width = (stretch: Stretch) => Math.max(LEAST, (stretch.end - stretch.start) * scale)
  const bars = stretches.map(
    (stretch) =>
      `<rect x="${pixel(LEFT + stretch.start * scale)}" y="${middle - BAR / 2}" width="${pixel(width(stretch))}" height="${BAR}" rx="2" fill="${COLOURS[colour]}"/>`,
  )
  const sum = stretches.reduce((total, { start, end }) => total + end - start, 0)
  const last = stretches.at(-1)
  const end = last ? LEFT + last.start * scale + width(last) : LEFT
  return [
    `<text x="${LEFT - 12}" y="${middle + 4.5}" text-anchor="end">${label}</text>`,
    ...bars,
    `<text x="${pixel(end + 8)}" y="${middle + 4.5}">${milliseconds(sum)}</text>`,
  ].join('\n')
}

const pixel = (value: number): string => String(Math.round(value * 10) / 10)

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
