/** `npm start`: compiles what is not compiled yet and runs a development server. Arguments go to `locus serve`. */
import { buildIfStale, executable } from '#scripts/build.ts'

buildIfStale()
const server = Bun.spawn([executable, 'serve', '--dev', ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'inherit'],
})
// A terminal sends Ctrl-C to the server as well; other signals reach only us.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => server.kill('SIGTERM'))
process.on('SIGHUP', () => server.kill('SIGHUP'))
const exitCode = await server.exited
process.exitCode = exitCode === 130 ? 0 : exitCode // stopped by who started it
