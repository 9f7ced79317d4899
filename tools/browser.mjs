// Debian's Chromium, driven by Playwright, with a profile of its own that goes when it is closed.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const missing = existsSync(executablePath)
  ? null
  : `There is no Chromium at ${executablePath}: install Debian's package "chromium", or say in CHROMIUM where it is.`

/** `options` as of Playwright's browser contexts: viewport, colorScheme. */
export async function openBrowser(options = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'heavy-load-chromium-'))
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
  const context = await chromium.launchPersistentContext(profile, { executablePath, args, ...options })
  return {
    page: context.pages()[0],
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
