/** Lets Node require the sources as they are, compiled the way the tests compile them. */

const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');
const { COMPILER } = require('../../jest.config.js');

require.extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  module._compile(
    transformSync(source, { ...COMPILER, filename, sourceMaps: 'inline' }).code,
    filename,
  );
};
