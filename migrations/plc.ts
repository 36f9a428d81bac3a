import type { Migration } from '#db/database.ts'
import operation from '#migrations/plc/0001_operation.sql' with { type: 'text' }

/** Applied in order, append only. */
export const plcMigrations: readonly Migration[] = [operation]
