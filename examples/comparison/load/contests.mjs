// What `npm run compare` asks for, by job, and who of ours is held against the others.

/** `amount`: that of a request, so little that there are many answers in the time. */
export const contests = {
  // Some 130 ms on one core.
  count: { amount: 5e8, ours: 'rayon' },
  login: { amount: 1, ours: 'verify-password' },
  thumbnails: { amount: 1, ours: 'resize-image' },
}
