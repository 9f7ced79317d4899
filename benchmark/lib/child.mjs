// The process in which one contestant is measured: node child.mjs SCENARIO CONTESTANT SETTINGS.

// The runner's patience is over; what is to end with this process hears of it.
process.once('SIGTERM', () => process.exit(1))

const [scenarioName, contestant, settings] = process.argv.slice(2)
const scenario = await import(`../scenarios/${scenarioName}.mjs`)
const measure = contestant === 'limits' ? scenario.limits : scenario.measure
const result = await measure({ contestant, ...JSON.parse(settings) })
// Whatever a contestant has left running ends here.
process.send(result, () => process.exit())
