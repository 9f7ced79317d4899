import { fileURLToPath } from 'node:url'

const start = performance.now()
const { default: Tinypool } = await import('tinypool')
const loaded = performance.now() - start

const filename = fileURLToPath(new URL('../tasks.cjs', import.meta.url))
const threads = Number(process.argv[2])
const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads })
await pool.run(0, { name: 'empty' })
console.log(loaded)
process.exit()
