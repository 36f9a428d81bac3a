import type { Migration } from '#db/database.ts'
import accounts from '#migrations/service/0001_accounts.sql' with { type: 'text' }
import mail from '#migrations/service/0002_mail.sql' with { type: 'text' }
import relayDiscrepancy from '#migrations/service/0003_relay_discrepancy.sql' with { type: 'text' }

/** Applied in order, append only. */
export const serviceMigrations: readonly Migration[] = [accounts, mail, relayDiscrepancy]
