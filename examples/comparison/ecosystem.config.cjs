'use strict'

// Start: npx pm2@7.0.4 start ecosystem.config.cjs
// Scale: npx pm2@7.0.4 scale heavy 4
// End:   npx pm2@7.0.4 delete heavy
module.exports = {
  apps: [
    {
      name: 'heavy',
      script: 'workers/pm2.mjs',
      cwd: __dirname,
      exec_mode: 'cluster',
      // One process a core.
      instances: 'max',
      wait_ready: true,
      env: { HEAVY_PM2_PORT: process.env.HEAVY_PM2_PORT ?? 3101 },
    },
  ],
}
