// The heavy work that there is. Each strategy does one of these jobs, and is compared with those that do the same.

/**
 * By name, in the order in which they are shown. `unit`: what an amount counts; `amount`: that of a request that names none;
 * `most`: the greatest that is taken; `requests`: how many make a load that can be seen.
 */
export const jobs = {
  count: { name: 'count', title: 'Counting', unit: 'steps', amount: 1e9, most: 1e12, requests: 8 },
  // A login is a request with one check: a storm is many of them.
  login: { name: 'login', title: 'Login storm', unit: 'password checks', amount: 1, most: 10_000, requests: 64 },
  thumbnails: { name: 'thumbnails', title: 'Thumbnails', unit: 'images', amount: 1, most: 10_000, requests: 16 },
}
