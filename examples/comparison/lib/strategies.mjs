// Every strategy, in the order in which they are shown.
const NAMES = [
  'blocking',
  'set-immediate',
  'child-process',
  'worker-farm',
  'worker-thread',
  'worker-pool',
  'shared-array-buffer',
  'cluster',
  'pm2',
  'queue',
  'sync',
  'libuv',
  'rayon',
  'shared',
  'remote',
  'bcryptjs',
  'node-rs-bcrypt',
  'verify-password',
  'jimp',
  'sharp',
  'resize-image',
]

export const strategies = await Promise.all(
  NAMES.map(async (name) => (await import(`../strategies/${name}.mjs`)).strategy),
)

/** Those that are heavy-load's. */
export const OURS = new Set(['sync', 'libuv', 'rayon', 'shared', 'remote', 'verify-password', 'resize-image'])
