import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readText } from '../support/yaml.ts'
import { objectAt, packageStage, propertiesOf, resourcesOf } from './template.ts'

/** README's prices in dollars, each with the text that it stands in there. */
const PRICES = {
  gigabyteSecond: [0.0000133334, '× 0.0000133334 + 0.20 |'],
  invocation: [0.2e-6, '× 0.0000133334 + 0.20 |'],
  httpApi: [1e-6, '| HTTP API | 1.00 |'],
  dataApi: [0.35e-6, '| Data API | 0.35 |'],
  logs: [0.75e-6, '| 1.5 GB × 0.50 | 0.75 |'],
  capacityUnitHour: [0.12, 'minimum ACU × 730 h × 0.12 |'],
} as const

const HASH_SECONDS = 0.4
const LARGEST_ROW_BYTES = 753
/** What is left of the function's time-out once the answer's second is kept back. */
const ANSWER_SECONDS = 1

const whole = (value: number) => Math.floor(value).toLocaleString('en-US')
const rounded = (value: number) => Math.round(value).toLocaleString('en-US')
const cents = (value: number) => value.toFixed(2)

/** What one stage can be made to cost in an hour, as DESIGN.md writes it, by its row. */
async function costs(t: TestContext, stage: string): Promise<Map<string, string>> {
  const packaged = await packageStage(t, stage)
  const lambda = propertiesOf(packaged, 'AWS::Lambda::Function')
  const settings = propertiesOf(packaged, 'AWS::ApiGatewayV2::Stage')['DefaultRouteSettings']
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = objectAt(settings, 'limits')
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  const scaling = objectAt(cluster['ServerlessV2ScalingConfiguration'], 'scaling')
  const instances = resourcesOf(packaged, 'AWS::RDS::DBInstance').length

  const requests = Number(rate) * 3600 + Number(burst)
  const seconds = Number(lambda['ReservedConcurrentExecutions']) * 3600
  const gigabyteSeconds = (seconds * Number(lambda['MemorySize'])) / 1024
  const onLambda = gigabyteSeconds * PRICES.gigabyteSecond[0] + requests * PRICES.invocation[0]
  const aRequest = PRICES.httpApi[0] + PRICES.dataApi[0] + PRICES.logs[0]
  const onAurora = instances * Number(scaling['MaxCapacity']) * PRICES.capacityUnitHour[0]
  const waitSeconds = Number(lambda['Timeout']) - ANSWER_SECONDS
  return new Map([
    ['requests let in', whole(requests)],
    ['seconds of hashing', whole(requests * HASH_SECONDS)],
    ['seconds of the function, at most', whole(seconds)],
    ['Lambda, dollars', cents(onLambda)],
    ['HTTP API, Data API, logs, dollars', cents(requests * aRequest)],
    ['Aurora, dollars', cents(onAurora)],
    ['all of it, dollars, at most', cents(onLambda + requests * aRequest + onAurora)],
    ['GB stored, at most', cents((requests * LARGEST_ROW_BYTES) / 1e9)],
    ['requests that fill the function while the database is away', rounded(seconds / waitSeconds)],
    ['hours until the ids run out', whole(2 ** 31 / requests)],
  ])
}

test('DESIGN says what a stranger can cost, by the packaged templates and the prices of README', async (t) => {
  for (const [, text] of Object.values(PRICES))
    assert.ok(readText('README.md').includes(text), text)
  const [dev, prod] = [await costs(t, 'dev'), await costs(t, 'prod')]
  const section =
    /\n### What a stranger can cost\n(.*?)\n### /s.exec(readText('DESIGN.md'))?.[1] ?? ''
  const written = [...section.matchAll(/^\| ([^|]+) \| [^|]+ \| ([\d.,]+) \| ([\d.,]+) \|$/gm)]
  const computed = [...dev].map(([name, value]) => [name, value, prod.get(name)])
  assert.deepEqual(
    written.map(([, ...cells]) => cells),
    computed,
  )
})
