// Makes the ranks from those of js-tiktoken, which are OpenAI's: `node packs/text/data/make.mjs`. A file is gzip of a line for each token: its bytes in Base64, and its rank.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const require = createRequire(import.meta.url)
for (const encoding of ['o200k_base', 'cl100k_base']) {
  const tokens = []
  // Each line has a rank after its mark, and tokens of that rank and the following.
  for (const line of require(`js-tiktoken/ranks/${encoding}`).bpe_ranks.split('\n').filter(Boolean)) {
    const [, first, ...rest] = line.split(' ')
    for (const [index, token] of rest.entries()) tokens[Number(first) + index] = token
  }
  const text = tokens.map((token, rank) => `${token} ${rank}\n`).join('')
  writeFileSync(join(import.meta.dirname, `${encoding}.ranks.gz`), gzipSync(text, { level: 9 }))
}
