// Pictures: the same figures give the same bytes, text cannot break out, and what was not measured has no bar.
import test from 'ava'
import { picture } from '../../tools/picture.mjs'
import { panels } from '../lib/panels.mjs'
import { summary } from '../lib/stats.mjs'

const COLUMNS = [
  { figure: 'cost', title: 'a cost', unit: 'ms', limit: 'least', picture: 'logarithmic' },
  { figure: 'rate', title: 'a rate', unit: 'a second', better: 'more', picture: 'linear' },
  { figure: 'aside', title: 'without a picture', unit: 'ms' },
]
const RESULTS = {
  'heavy-load': { cost: summary([2]), rate: summary([90]), aside: summary([1]) },
  piscina: { cost: summary([2000]) },
  limits: { least: summary([1]) },
}

test('a column asks for its panel, and its limit is a bar of it', (t) => {
  t.deepEqual(panels(RESULTS, COLUMNS), [
    {
      title: 'a cost [ms], logarithmic from 0.1: shorter is better',
      from: 0.1,
      bars: [
        { name: 'heavy-load', value: 2, kind: 'ours' },
        { name: 'piscina', value: 2000, kind: 'other' },
        { name: 'limit', value: 1, kind: 'limit' },
      ],
    },
    {
      title: 'a rate [a second]: longer is better',
      from: undefined,
      bars: [{ name: 'heavy-load', value: 90, kind: 'ours' }],
    },
  ])
  t.deepEqual(panels({}, COLUMNS), [], 'nothing was measured')
})

test('the same figures give the same bytes', (t) => {
  const draw = () => picture('some', panels(structuredClone(RESULTS), COLUMNS))
  t.is(draw(), draw())
})

test('bars are as long as their values, on a linear and on a logarithmic scale', (t) => {
  const bars = [10, 1000].map((value) => ({ name: 'one', value, kind: 'other' }))
  t.deepEqual(widths(picture('some', [{ title: 'linear', bars }])), [5.1, 510])
  t.deepEqual(widths(picture('some', [{ title: 'logarithmic', from: 1, bars }])), [170, 510])
})

test('a value that is not there has no bar, and is written as a dash', (t) => {
  const drawn = picture('some', [{ title: 'none', bars: [{ name: 'one', value: Number.NaN, kind: 'other' }] }])
  t.deepEqual(widths(drawn), [])
  t.true(drawn.includes('>-</text>'))
})

test('text is escaped', (t) => {
  const bars = [{ name: '<script>', value: 1, kind: 'other' }]
  const drawn = picture('"one" & <two>', [{ title: 'a < b', bars }])
  t.true(drawn.includes('aria-label="&quot;one&quot; &amp; &lt;two&gt;"'))
  t.true(drawn.includes('>&lt;script&gt;</text>'))
  t.true(drawn.includes('>a &lt; b</text>'))
  t.notRegex(drawn, /<script>/)
})

function widths(drawn) {
  return [...drawn.matchAll(/<rect x="150".* width="([\d.]+)"/g)].map(([, width]) => Number(width))
}
