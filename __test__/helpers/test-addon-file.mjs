// The tests' addon, which has a kernel that misbehaves on purpose. It is never published.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../native/', import.meta.url)
const prefix = `heavy-load.${process.platform}-${process.arch}`

/** Its path, for NAPI_RS_NATIVE_LIBRARY_PATH of a process that is to load it. */
export function testAddonFile() {
  let addons = []
  try {
    addons = readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('.node'))
  } catch {
    // There is no folder before the first build.
  }
  if (addons.length !== 1) {
    throw new Error(`the addon with the test kernels: ${addons.length} found; run node scripts/setup.mjs --tests`)
  }
  return fileURLToPath(new URL(addons[0], folder))
}
