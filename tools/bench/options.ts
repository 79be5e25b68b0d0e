import { parseArgs } from 'node:util'

/** What the command line of `npm run bench` asks for. */
export interface Options {
  /** Prints JSON in the table's place. */
  readonly json: boolean
  /** Puts the run into README.md and the picture. */
  readonly write: boolean
  /** How many rounds each measurement takes. */
  readonly rounds: Rounds
  /** Rows of the large table whose statement is compared with that of an empty one. */
  readonly users: number
}

/** Pairs, or processes, or calls, by measurement; each pair is measured in turns. */
export interface Rounds {
  readonly warm: number
  readonly ownTime: number
  /** Sign-ups that go before those whose own time is measured. */
  readonly warmUp: number
  readonly refused: number
  readonly startUp: number
  readonly cold: number
  readonly memory: number
  readonly signUpsForMemory: number
  readonly growth: number
  readonly sideBySide: number
  readonly signUpsSideBySide: number
  readonly rival: number
}

const FULL: Rounds = {
  warm: 60,
  ownTime: 200,
  warmUp: 1000,
  refused: 300,
  startUp: 60,
  cold: 15,
  memory: 5,
  signUpsForMemory: 10,
  growth: 400,
  sideBySide: 3,
  signUpsSideBySide: 12,
  rival: 40,
}

const QUICK: Rounds = {
  warm: 12,
  ownTime: 12,
  warmUp: 100,
  refused: 50,
  startUp: 12,
  cold: 5,
  memory: 2,
  signUpsForMemory: 3,
  growth: 60,
  sideBySide: 1,
  signUpsSideBySide: 5,
  rival: 10,
}

/** Reads the arguments. Throws a `TypeError` that says what would be right. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      users: { type: 'string' },
    },
  })
  const { json, write, quick, users = quick ? '100000' : '1000000' } = values
  if (!/^[1-9]\d{0,8}$/.test(users)) {
    throw new TypeError('--users must be a whole number from 1 to 999999999.')
  }
  if (write && quick)
    throw new TypeError('--write takes the figures of a full run: leave --quick out.')
  return { json, write, rounds: quick ? QUICK : FULL, users: Number(users) }
}
