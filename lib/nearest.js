'use strict'

/**
 * The one of `names` that was probably meant: the fewest letters apart (Levenshtein, upper and lower case alike), or a part of the word;
 * none if all are far.
 * @param {string} word
 * @param {Iterable<string>} names
 * @returns {string | undefined}
 */
function nearest(word, names) {
  let best
  // About a letter in three may be wrong.
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const apart = distance(word.toLowerCase(), name.toLowerCase())
    if (apart < least) {
      least = apart
      best = name
    }
  }
  return best ?? [...names].find((name) => word.toLowerCase().includes(name.toLowerCase()))
}

/**
 * @param {string} a
 * @param {string} b
 * @returns {number} how many letters have to be added, left out or changed
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]
}

module.exports = { nearest }
