const BEGIN = '<!-- npm run bench -- --write: begin -->'
const END = '<!-- npm run bench -- --write: end -->'

/** Puts `block` between the marks in README's text. Throws if they are not there, once each and in order. */
export function replaceBlock(readme: string, block: string): string {
  const [before, middle, ...more] = readme.split(BEGIN)
  const [old, after, ...rest] = (middle ?? '').split(END)
  if (after === undefined || old === undefined || more.length + rest.length > 0) {
    throw new Error(`README.md must have the lines ${BEGIN} and ${END}, once each.`)
  }
  return `${before}${BEGIN}\n\n${block}\n\n${END}${after}`
}
