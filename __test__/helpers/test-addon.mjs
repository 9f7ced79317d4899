// Import this first: it has the package load the tests' addon, which has a kernel that panics on purpose (`npm test`
// builds it). Only tests of what kernels do wrong need it; all others run on the addon that users get.
import { testAddonFile } from './test-addon-file.mjs'

process.env.NAPI_RS_NATIVE_LIBRARY_PATH = testAddonFile()
