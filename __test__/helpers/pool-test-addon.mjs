// Import this first: it has the package load the tests' addon, which has a kernel that panics on purpose (`npm test`
// builds it). Only tests of what kernels do wrong need it; all others run on the addon that users get.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../native/', import.meta.url)
const file = readdirSync(folder).find((name) => name.startsWith(`heavy-load.${process.platform}-${process.arch}`))
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = fileURLToPath(new URL(file, folder))
