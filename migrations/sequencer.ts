import type { Migration } from '#db/database.ts'
import log from '#migrations/sequencer/0001_log.sql' with { type: 'text' }
import repoCollection from '#migrations/sequencer/0002_repo_collection.sql' with { type: 'text' }
import tally from '#migrations/sequencer/0003_tally.sql' with { type: 'text' }

/** Applied in order, append only. */
export const sequencerMigrations: readonly Migration[] = [log, repoCollection, tally]
