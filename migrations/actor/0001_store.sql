-- The head: the last commit, and the paths that changed since the stored tree (`node`) was written.
CREATE TABLE repo_root (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  did TEXT NOT NULL,
  commit_cid BLOB NOT NULL,
  commit_block BLOB NOT NULL,
  data_cid BLOB NOT NULL,
  rev TEXT NOT NULL,
  seq INTEGER NOT NULL,                 -- event that announced it
  touched TEXT NOT NULL,                -- paths, each ended by a line feed
  touched_count INTEGER NOT NULL
) STRICT;

-- The repository. Everything else about it is derived from these rows and the head.
CREATE TABLE record (
  path TEXT NOT NULL PRIMARY KEY,       -- collection/rkey
  cid BLOB NOT NULL,
  rev TEXT NOT NULL,                    -- commit that wrote it
  content BLOB NOT NULL                 -- DAG-CBOR
) STRICT, WITHOUT ROWID;
CREATE INDEX record_rev ON record (rev);

-- The MST as it was at rev; written every few dozen commits, rebuilt from the records when it does not fit.
CREATE TABLE tree (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  root_id INTEGER NOT NULL,
  root_cid BLOB NOT NULL,
  next_id INTEGER NOT NULL
) STRICT;

CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  rev TEXT NOT NULL,                    -- commit with which it was written; it may have changed a little earlier
  content BLOB NOT NULL,                -- the node's block
  children BLOB NOT NULL                -- ids of its sub-trees, left to right, as 32-bit integers
) STRICT;

-- Whom a like, repost, follow or block points at.
CREATE TABLE backlink (
  collection TEXT NOT NULL,
  link_to TEXT NOT NULL,                -- DID or AT URI
  rkey TEXT NOT NULL,
  PRIMARY KEY (collection, link_to, rkey)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob (
  cid BLOB NOT NULL PRIMARY KEY,
  mime_type TEXT NOT NULL,
  size INTEGER NOT NULL,                -- bytes
  created_at INTEGER NOT NULL,          -- Unix milliseconds
  temporary INTEGER NOT NULL            -- 1 until a record refers to it
) STRICT, WITHOUT ROWID;

CREATE TABLE record_blob (
  cid BLOB NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (cid, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_blob_path ON record_blob (path);

CREATE TABLE account_pref (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value TEXT NOT NULL                   -- JSON
) STRICT;
