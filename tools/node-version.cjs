// Runs first in npm's scripts and in osls, on any Node since 18, and reports which Node is missing.
const REQUIRED = 24
if (Number.parseInt(process.versions.node, 10) < REQUIRED) {
  process.stderr.write(`Latchkey runs on Node ${REQUIRED}, and this is Node ${process.versions.node}.
npm ci installs Node ${REQUIRED} in node_modules, by an install script. If npm's setting ignore-scripts prevented that, run:

  npm rebuild node --ignore-scripts=false
`)
  process.exit(1)
}

/** A Serverless plugin that does nothing more. */
module.exports = class {}
