// The folder of the package, and of all that is in the repository.
import { dirname } from 'node:path'

export const root = dirname(dirname(import.meta.dirname))
