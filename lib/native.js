'use strict'

/** The addon; if it cannot be loaded, an error that says what to do. */
try {
  module.exports = require('../native.js')
} catch (error) {
  const platform = `${process.platform}-${process.arch}`
  throw new Error(
    [
      `heavy-load has no binary for ${platform} that loads here.`,
      '- Installed from npm: this version may not be built for your platform; see its README for those it is built for.',
      '- In a checkout: run `npm run setup`, which needs Rust 1.88 or later (https://rustup.rs).',
      `- Node.js ${process.version} must be of the same platform as the binary (musl and glibc differ).`,
    ].join('\n'),
    { cause: error },
  )
}
