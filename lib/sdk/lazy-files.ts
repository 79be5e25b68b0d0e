import { promises } from 'node:fs'

/**
 * In the bundle this stands for `node:fs/promises` as the container's provider of credentials imports it,
 * for a token kept in a file. Node loads `fs.promises` when it is first touched, which is a millisecond
 * of a start that has no such file.
 */
// biome-ignore lint/style/noDefaultExport: what it stands for is imported as a default.
export default { readFile: (path: string) => promises.readFile(path) }
