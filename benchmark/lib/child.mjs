// The process in which one contestant is measured: node child.mjs SCENARIO CONTESTANT SETTINGS.

const [scenarioName, contestant, settings] = process.argv.slice(2)
const scenario = await import(`../scenarios/${scenarioName}.mjs`)
const measure = contestant === 'limits' ? scenario.limits : scenario.measure
const result = await measure({ contestant, ...JSON.parse(settings) })
// Whatever a contestant has left running ends here.
process.send(result, () => process.exit())
