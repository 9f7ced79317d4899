// The page: the form, what is said about it, and who hears of what.
import { add, addRun } from './charts.mjs'
import { showRequests } from './requests.mjs'
import { createResults } from './results.mjs'
import { Run } from './run.mjs'
import { on, watchFast, watchLive } from './samples.mjs'

const abilities = {
  parallel: 'all cores',
  progress: 'progress',
  cancel: 'cancel',
  zeroCopy: 'zero-copy',
  otherMachines: 'other machines',
}

const get = (id) => document.querySelector(`#${id}`)
const [form, select, fire, cancelAll, status] = ['form', 'strategy', 'fire', 'cancel-all', 'status'].map(get)
const [count, iterations, hint, strategyError] = ['count', 'iterations', 'iterations-hint', 'strategy-error'].map(get)

on('fast', ({ start, end, ok }) => add({ fast: ok ? end - start : null }))
on('live', (state) => {
  add({ delay: state.eventLoopDelayMs.max, cpu: state.cpu, memory: state.memoryMiB, threads: state.threads })
  get('running').textContent = state.running
})
watchFast()

const strategies = await loadStrategies()
const results = createResults(strategies)
select.append(...strategies.map(({ name, title }) => new Option(`${name}: ${title}`, name)))
describe()
say('Ready.')
fire.disabled = false
watchLive((isConnected) => {
  if (!isConnected) say('The server cannot be reached; trying again.')
  else if (fire.disabled === false) say('Ready.')
})

select.addEventListener('change', describe)
iterations.addEventListener('input', tellSteps)
tellSteps()
get('forget').addEventListener('click', () => results.forget())
form.addEventListener('submit', (event) => {
  event.preventDefault()
  start()
})

async function start() {
  strategyError.textContent = ''
  tellSteps()
  const strategy = strategies.find(({ name }) => name === select.value)
  const run = new Run({ strategy, iterations: iterations.value, count: count.valueAsNumber, onChange })
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

  function onChange(request) {
    update(request)
    tell(run, 'running')
  }
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

/** Says what is wrong where it is to be mended. */
function explain(error) {
  if (error.status !== 400) {
    // fetch() throws a TypeError when there is no connection, or no longer; each browser has words of its own for it.
    strategyError.textContent = error instanceof TypeError ? 'The connection to the server was lost.' : error.message
    return
  }
  hint.textContent = error.message
  hint.classList.add('error')
  iterations.setAttribute('aria-invalid', 'true')
  iterations.focus()
}

/** A billion is hard to count by its zeros, and harder to guess from 1e9. */
function tellSteps() {
  const steps = Number(iterations.value)
  hint.textContent = Number.isNaN(steps) ? '' : steps.toLocaleString('en')
  hint.classList.remove('error')
  iterations.removeAttribute('aria-invalid')
}

function describe() {
  const { summary, can } = strategies.find(({ name }) => name === select.value)
  get('summary').textContent = summary
  get('can').replaceChildren(...Object.entries(abilities).map(([name, text]) => ability(text, can[name])))
  strategyError.textContent = ''
}

function ability(text, isThere) {
  const item = document.createElement('li')
  item.className = isThere ? 'yes' : 'no'
  const mark = document.createElement('span')
  mark.textContent = isThere ? '✓ ' : '✗ '
  // The mark is for the eye; to those who listen, it is said.
  mark.setAttribute('role', 'img')
  mark.setAttribute('aria-label', isThere ? 'yes: ' : 'no: ')
  item.append(mark, text)
  return item
}

async function loadStrategies() {
  try {
    const response = await fetch('/strategies')
    if (!response.ok) throw new Error(`GET /strategies was answered ${response.status}`)
    return await response.json()
  } catch (error) {
    say(`The strategies could not be loaded: ${error.message}. Reload the page.`)
    throw error
  }
}
