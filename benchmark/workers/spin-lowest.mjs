// Keeps a core busy at the lowest priority until its parent has gone or kills it.
import { constants, setPriority } from 'node:os'

setPriority(constants.priority.PRIORITY_LOW)
const parent = process.ppid
process.send('busy')
while (process.ppid === parent);
