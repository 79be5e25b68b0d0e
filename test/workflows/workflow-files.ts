import { at, entriesOf, itemsOf, namesIn, readText, readYaml } from '../support/yaml.ts'

const FOLDER = '.github/workflows/'

/** The workflows of this repository, by file name: their text, and what it says. */
export const workflows = new Map(
  namesIn(FOLDER).map((file) => [
    file,
    { text: readText(FOLDER + file), document: readYaml(FOLDER + file) },
  ]),
)

/** What a workflow has under the keys. */
export const inWorkflow = (file: string, ...keys: readonly string[]) =>
  at(workflows.get(file)?.document, ...keys)

/** Every job, with its place for messages. */
export const jobs = [...workflows].flatMap(([file, { document }]) =>
  entriesOf(at(document, 'jobs')).map(([name, job]) => ({ file, where: `${file}, ${name}`, job })),
)

/** Every step of every job; `run` is empty where the step runs no shell. */
export const steps = jobs.flatMap(({ file, where, job }) =>
  itemsOf(at(job, 'steps')).map((step) => {
    const run = at(step, 'run')
    return { file, where, step, run: typeof run === 'string' ? run.trim() : '' }
  }),
)
