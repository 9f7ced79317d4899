// The list of heavy requests: a progress bar and a cancel button for each.

const list = document.querySelector('#requests')
const template = document.querySelector('#request')

/** Shows the requests of `run` in place of those before. Returns `update(request)`. */
export function showRequests(run) {
  const rows = new Map(run.requests.map((request) => [request, createRow(run, request)]))
  list.replaceChildren(...[...rows.values()].map(({ row }) => row))
  list.scrollTop = 0
  return (request) => update(rows.get(request), run, request)
}

function createRow(run, request) {
  const row = template.content.cloneNode(true).firstElementChild
  const [name, bar, state, button] = row.children
  name.textContent = `#${request.number}`
  bar.setAttribute('aria-label', `Progress of request ${request.number}`)
  button.setAttribute('aria-label', `Cancel request ${request.number}`)
  button.addEventListener('click', () => run.cancel(request))
  const parts = { row, bar, state, button }
  update(parts, run, request)
  return parts
}

function update({ row, bar, state, button }, run, request) {
  const over = request.state !== 'waiting' && request.state !== 'running'
  row.dataset.state = request.state
  // Without a value the bar says that there is work, and not how much of it is done.
  if (request.state === 'running' && !run.strategy.can.progress) bar.removeAttribute('value')
  else bar.value = request.state === 'done' ? 1 : request.fraction
  state.textContent = inWords(request, run.strategy)
  if (over && !button.disabled) retire(button)
}

/** Why one has failed is said by the form, where there is room for it. */
function inWords({ state, fraction, ms }, { can }) {
  if (state === 'running') return can.progress ? `${Math.floor(fraction * 100)} %` : 'at work'
  if (state === 'done') return `${Math.round(ms)} ms`
  // Where work cannot be stopped, the server goes on with it for nobody.
  if (state === 'cancelled') return can.cancel ? 'cancelled' : 'cancelled; works on'
  return state === 'unsent' ? 'not sent' : state
}

/** A disabled button is not seen, and loses the focus: whoever is there by keyboard is led on to the next that can be pressed. */
function retire(button) {
  const focused = document.activeElement === button
  button.disabled = true
  if (focused) (list.querySelector('button:enabled') ?? document.querySelector('#cancel-all')).focus()
}
