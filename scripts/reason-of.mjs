// Why a command that was run has failed, in a line: the last that says so, but for where npm has written more.

/** @param {{ message: string, stdout?: string, stderr?: string, signal?: string | null }} error execFile's */
export function reasonOf({ message, stdout = '', stderr = '', signal }) {
  const lines = `${message}\n${stdout}\n${stderr}`.split('\n')
  const telling = lines.filter((line) => /err|panic|cannot|fail|not /i.test(line) && !/_logs|complete log/.test(line))
  return `${signal ?? ''} ${(telling.at(-1) ?? message).trim()}`.trim()
}
