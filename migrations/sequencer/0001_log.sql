-- The event log, which is also the write-ahead log of every repository.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  did TEXT NOT NULL,
  kind TEXT NOT NULL,                   -- commit, sync, identity, account
  time INTEGER NOT NULL,                -- Unix milliseconds
  rev TEXT,                             -- of the repository; on commits and syncs, as is the next
  commit_cid BLOB,
  frame BLOB NOT NULL                   -- as it goes over the firehose
) STRICT;

-- The last commit of each repository, among the events up to applied_through.
CREATE TABLE head (
  did TEXT NOT NULL PRIMARY KEY,
  rev TEXT NOT NULL,
  commit_cid BLOB NOT NULL,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts whose events up to through_seq are being erased.
CREATE TABLE erasure (
  did TEXT NOT NULL PRIMARY KEY,
  through_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
  name TEXT NOT NULL PRIMARY KEY,       -- last_seq: later events are above; applied_through: the stores have it on disk;
                                        -- pruned_through: dropped because of its age; closed_at: the newest when it was last closed
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
