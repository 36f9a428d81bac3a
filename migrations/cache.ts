import type { Migration } from '#db/database.ts'
import identity from '#migrations/cache/0001_identity.sql' with { type: 'text' }

/** Applied in order, append only. */
export const cacheMigrations: readonly Migration[] = [identity]
