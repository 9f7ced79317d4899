'use strict'

/** Handlers of routes seldom have names: the line in which one begins tells whose it is. */

const NAMELESS = '(anonymous)'
/** `app.post('/login', async (req, res) => {`, of Express, Fastify, Koa's router and Hono alike. */
const ROUTE = /\.(get|post|put|patch|delete|head|options|all|use)\(\s*(['"`])(\/.*?)\2\s*,/

/**
 * @param {string} name of the function
 * @param {string | null} source the text of the line in which it begins
 * @returns {string | null} `POST /login`; of any method `/login`
 */
function routeOf(name, source) {
  const [, method, , path] = (name === NAMELESS && source !== null && ROUTE.exec(source)) || []
  if (method === undefined) return null
  return method === 'all' || method === 'use' ? path : `${method.toUpperCase()} ${path}`
}

module.exports = { NAMELESS, routeOf }
