// The strategies: a list by job to choose from, and what is said of the chosen one.

const abilities = {
  parallel: 'all cores',
  progress: 'progress',
  cancel: 'cancel',
  zeroCopy: 'zero-copy',
  otherMachines: 'other machines',
}

const get = (id) => document.querySelector(`#${id}`)
const [select, summary, can] = ['strategy', 'summary', 'can'].map(get)

export async function loadStrategies() {
  const response = await fetch('/strategies')
  if (!response.ok) throw new Error(`GET /strategies was answered ${response.status}`)
  return response.json()
}

/** The jobs of `strategies`, in their order, each with its own. */
export function byJob(strategies) {
  const jobs = new Map(strategies.map(({ job }) => [job.name, job]))
  return [...jobs.values()].map((job) => ({
    job,
    strategies: strategies.filter((strategy) => strategy.job.name === job.name),
  }))
}

/**
 * Calls `onChoice` with the strategy that is chosen, from the first one on, and again when that can run and could not, or the other way
 * round. Returns `chosen()`, and `refresh()`, which asks the server what can run.
 */
export function showChoice(strategies, onChoice) {
  const chosen = () => strategies.find(({ name }) => name === select.value)
  select.append(...byJob(strategies).map(({ job, strategies }) => group(job, strategies)))
  select.addEventListener('change', choose)
  mark()
  choose()
  return { chosen, refresh }

  function choose() {
    describe(chosen())
    onChoice(chosen())
  }

  async function refresh() {
    const before = chosen().unavailable
    for (const { name, unavailable } of await loadStrategies()) {
      Object.assign(strategies.find((strategy) => strategy.name === name) ?? {}, { unavailable })
    }
    mark()
    if (chosen().unavailable !== before) choose()
  }

  function mark() {
    for (const { name, title, unavailable } of strategies) {
      const option = [...select.options].find(({ value }) => value === name)
      option.textContent = `${name}${unavailable === null ? '' : ' (cannot run)'}: ${title}`
    }
  }
}

function group(job, strategies) {
  const group = document.createElement('optgroup')
  group.label = job.title
  group.append(...strategies.map(({ name }) => new Option('', name)))
  return group
}

function describe(strategy) {
  summary.textContent = strategy.summary
  can.replaceChildren(...Object.entries(abilities).map(([name, text]) => ability(text, strategy.can[name])))
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
