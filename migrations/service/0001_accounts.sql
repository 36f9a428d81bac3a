-- Accounts and what belongs to them. Times are Unix milliseconds; handles and email addresses are in lower case.

CREATE TABLE account (
  did TEXT PRIMARY KEY,
  handle TEXT UNIQUE,                       -- NULL = none: shown as handle.invalid
  email TEXT UNIQUE,
  email_confirmed_at INTEGER,
  password_hash TEXT,                       -- argon2id; scrypt `salt:hash` of the official server until the next log-in; NULL = none set
  created_at INTEGER NOT NULL,
  takedown_ref TEXT,                        -- not NULL = taken down
  suspended_at INTEGER,
  suspended_until INTEGER,
  deactivated_at INTEGER,
  delete_after INTEGER,
  invites_disabled INTEGER NOT NULL DEFAULT 0 CHECK (invites_disabled IN (0, 1)),
  invite_note TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX account_by_age ON account (created_at, did);

CREATE TABLE app_password (
  did TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,              -- scrypt with a salt made of the DID, so that a hash finds its row
  privileged INTEGER NOT NULL DEFAULT 0 CHECK (privileged IN (0, 1)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (did, name),
  UNIQUE (did, password_hash)
) STRICT, WITHOUT ROWID;

-- One row for every refresh token that still works. Those of an account lie together, so a rotation writes one page.
CREATE TABLE refresh_token (
  did TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
  id TEXT NOT NULL,                         -- the token's jti
  session_id TEXT NOT NULL,                 -- the same for all tokens that came from one log-in
  started_at INTEGER NOT NULL,              -- when the account logged in
  app_password TEXT,                        -- by which it logged in; NULL = the main password
  next_id TEXT,                             -- the token that took its place; it then works on for a short grace only
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (did, id),
  FOREIGN KEY (did, app_password) REFERENCES app_password (did, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE email_token (
  purpose TEXT NOT NULL
    CHECK (purpose IN ('confirm_email', 'update_email', 'reset_password', 'delete_account', 'plc_operation')),
  did TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
  token TEXT NOT NULL,                      -- XXXXX-XXXXX, upper case
  requested_at INTEGER NOT NULL,
  PRIMARY KEY (purpose, did),
  UNIQUE (purpose, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite_code (
  code TEXT PRIMARY KEY,
  available_uses INTEGER NOT NULL,          -- in all, not what is left
  used_count INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  for_account TEXT NOT NULL,                -- a DID, or `admin`
  created_by TEXT NOT NULL,                 -- likewise
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invite_code_by_account ON invite_code (for_account);
CREATE INDEX invite_code_by_age ON invite_code (created_at, code);
CREATE INDEX invite_code_by_use ON invite_code (used_count, code);

CREATE TABLE invite_code_use (
  code TEXT NOT NULL REFERENCES invite_code ON DELETE CASCADE,
  used_by TEXT NOT NULL,                    -- stays when the account goes
  used_at INTEGER NOT NULL,
  PRIMARY KEY (code, used_by)
) STRICT, WITHOUT ROWID;
CREATE INDEX invite_code_use_by_account ON invite_code_use (used_by);

-- Accounts that are being made. A row keeps the handle, the address and one use of the code from everyone else, and
-- tells a restart what to finish or to undo.
CREATE TABLE account_creation (
  did TEXT PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  email TEXT UNIQUE,
  invite_code TEXT,
  made_did INTEGER NOT NULL CHECK (made_did IN (0, 1)),  -- 1 = the DID is registered by us, so ours to withdraw
  started_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is left to clear away of accounts that are gone, or that never came to be.
CREATE TABLE account_removal (
  did TEXT PRIMARY KEY,
  announced INTEGER NOT NULL CHECK (announced IN (0, 1)),   -- 1 = the network does not have to be told (any more)
  tombstone INTEGER NOT NULL CHECK (tombstone IN (0, 1)),   -- 1 = the DID is to be withdrawn at the PLC directory
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
