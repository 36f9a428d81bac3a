/** A process of its own that opens the data directory of its environment and makes one account, to be killed meanwhile. */
import { App } from '#app.ts'
import { loadConfig } from '#config/load.ts'

const app = await App.open(loadConfig({ env: process.env, flags: {}, cwd: process.cwd() }))
const signUp = { handle: 'alice.pds.example.com', email: 'alice@example.com', password: 'alice-password' }
await app.creation.create(
  { ...signUp, inviteCode: process.argv[2] ?? '' },
  { isOperator: false, provenDid: null },
)
