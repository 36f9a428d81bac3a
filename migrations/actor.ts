import type { Migration } from '#db/database.ts'
import store from '#migrations/actor/0001_store.sql' with { type: 'text' }

/** Applied in order, append only, whenever an actor store is opened. */
export const actorMigrations: readonly Migration[] = [store]
