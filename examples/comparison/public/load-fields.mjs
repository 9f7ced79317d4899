// The fields of the load: how many requests, and the amount of work in each. Label, defaults and hint are those of the job.
import { formatAmount, outOfRange, parseAmount } from './amount.mjs'

const get = (id) => document.querySelector(`#${id}`)
const [count, label, amount, hint] = ['count', 'amount-label', 'amount', 'amount-hint'].map(get)
let job

/** Within a job, what somebody has put in stays. */
export function showJob(next) {
  if (next.name === job?.name) return
  job = next
  count.value = job.requests
  label.textContent = `${job.unit[0].toUpperCase()}${job.unit.slice(1)} in each`
  amount.value = formatAmount(job.amount)
  amount.oninput = hintAmount
  hintAmount()
}

/** What is to be fired; null where a field has to be mended first. */
export function readLoad() {
  const number = parseAmount(amount.value, job)
  if (number === undefined) {
    refuseAmount(outOfRange(amount.value, job))
    return null
  }
  return { count: count.valueAsNumber, amount: number }
}

/** Says what is wrong where it is to be mended. */
function refuseAmount(reason) {
  hint.textContent = reason
  hint.classList.add('error')
  amount.setAttribute('aria-invalid', 'true')
  amount.focus()
}

/** A billion is hard to count by its zeros, and harder to guess from 1e9. */
function hintAmount() {
  const number = parseAmount(amount.value, job)
  const most = `at most ${formatAmount(job.most)}`
  hint.textContent = number === undefined ? most : `${number.toLocaleString('en')}, ${most}`
  hint.classList.remove('error')
  amount.removeAttribute('aria-invalid')
}
