'use strict'

/** What the command and what it loads into the server call the same things. */

module.exports = {
  /** The variable of the environment with the settings. */
  VARIABLE: 'HEAVY_LOAD_DOCTOR',
  /** The symbol of the function that ends the watching. */
  FINISH: 'heavy-load.doctor.finish',
  /** The descriptor of the pipe to the command. */
  PIPE: 3,
}
