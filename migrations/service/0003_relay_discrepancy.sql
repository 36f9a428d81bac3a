-- Accounts that a relay holds otherwise than this server does, or that are to be compared after event numbers were
-- lost. A row goes when the relays agree. Times are Unix milliseconds.
CREATE TABLE relay_discrepancy (
  did TEXT PRIMARY KEY,
  relay TEXT,                               -- where it was found; NULL = not compared yet, as are the next
  finding TEXT,
  status TEXT,                              -- of the account, in the relay's words
  announced_count INTEGER NOT NULL DEFAULT 0,   -- how often the account was announced anew because of it
  due_at INTEGER NOT NULL                   -- when it is looked at next
) STRICT, WITHOUT ROWID;
CREATE INDEX relay_discrepancy_by_due ON relay_discrepancy (due_at, did);
