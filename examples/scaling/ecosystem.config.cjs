'use strict'

// Workers kept by PM2: REDIS_URL=redis://... npx pm2 start ecosystem.config.cjs

module.exports = {
  apps: [
    {
      name: 'heavy-load-worker',
      script: require.resolve('heavy-load/package.json').replace('package.json', 'lib/cli/index.js'),
      args: 'worker',
      // One a machine: its pool has a thread for each core already.
      instances: 1,
      exec_mode: 'fork',
      // PM2 says SIGINT first; running jobs then have so long (milliseconds). More than the worker's own --timeout (20 s).
      kill_timeout: 30_000,
    },
  ],
}
