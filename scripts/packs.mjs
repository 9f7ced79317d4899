// The packs: the folders of packs/ that have a crate.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const folder = join(dirname(import.meta.dirname), 'packs')

export const PACKS = readdirSync(folder)
  .filter((name) => existsSync(join(folder, name, 'Cargo.toml')))
  .sort()
