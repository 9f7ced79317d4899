// The page: what a press of "Fire" does, what is said about it, and who hears of what.
import { add, addRun } from './charts.mjs'
import { readLoad, showJob } from './load-fields.mjs'
import { showRequests } from './requests.mjs'
import { createResults } from './results.mjs'
import { Run } from './run.mjs'
import { on, watchFast, watchLive } from './samples.mjs'
import { loadStrategies, showChoice } from './strategies.mjs'

const get = (id) => document.querySelector(`#${id}`)
const [form, fire, cancelAll] = ['form', 'fire', 'cancel-all'].map(get)
const [status, strategyError] = ['status', 'strategy-error'].map(get)

on('fast', ({ start, end, ok }) => add({ fast: ok ? end - start : null }))
on('live', (state) => {
  add({ delay: state.eventLoopDelayMs.max, cpu: state.cpu, memory: state.memoryMiB, threads: state.threads })
  get('running').textContent = state.running
})
watchFast()

const strategies = await loadStrategies().catch((error) => {
  say(`The strategies could not be loaded: ${error.message}. Reload the page.`)
  throw error
})
const results = createResults(strategies)
const choice = showChoice(strategies, ({ job, unavailable }) => {
  strategyError.textContent = unavailable ?? ''
  showJob(job)
})
say('Ready.')
fire.disabled = false
watchLive((isConnected) => {
  if (!isConnected) say('The server cannot be reached; trying again.')
  else if (fire.disabled === false) say('Ready.')
})

// Whoever comes back has perhaps started what was missing.
addEventListener('focus', lookWhatCanRun)
get('forget').addEventListener('click', () => results.forget())
form.addEventListener('submit', (event) => {
  event.preventDefault()
  start()
})

async function start() {
  const load = readLoad()
  if (load === null) return
  strategyError.textContent = ''
  const run = new Run({ strategy: choice.chosen(), ...load, onChange })
  const update = showRequests(run)
  addRun(run)
  setBusy(true)
  cancelAll.onclick = () => run.cancelAll()
  tell(run, 'running')
  await run.done()
  setBusy(false)
  if (run.count('done') > 0) results.add(run.result())
  if (run.problem !== null) explain(run.problem)
  tell(run, 'over')
  lookWhatCanRun()

  function onChange(request) {
    update(request)
    tell(run, 'running')
  }
}

/** Not during a run: the browser's connections are all in use then. */
function lookWhatCanRun() {
  // If there is no server, that is said already.
  if (!fire.disabled) choice.refresh().catch(() => {})
}

/** The button that has just been pressed is not to lose the focus when it is disabled. */
function setBusy(isBusy) {
  const [from, to] = isBusy ? [fire, cancelAll] : [cancelAll, fire]
  to.disabled = false
  if (document.activeElement === from) to.focus()
  from.disabled = true
}

/** How the run stands, in one line that is read out when it changes. */
function tell(run, how) {
  const parts = ['running', 'waiting', 'done', 'cancelled', 'failed', 'unsent']
    .map((state) => [state, run.count(state)])
    .filter(([, number]) => number > 0)
    .map(([state, number]) => `${number} ${state === 'unsent' ? 'not sent' : state}`)
  say(`${run.strategy.name}${how === 'over' ? ', over' : ''}: ${parts.join(', ')}.`)
}

function say(text) {
  if (status.textContent !== text) status.textContent = text
}

function explain(error) {
  // fetch() throws a TypeError when there is no connection, or no longer; each browser has words of its own for it.
  strategyError.textContent = error instanceof TypeError ? 'The connection to the server was lost.' : error.message
}
