import type { Migration } from '#db/database.ts'
import log from '#migrations/sequencer/0001_log.sql' with { type: 'text' }

/** Applied in order, append only. */
export const sequencerMigrations: readonly Migration[] = [log]
