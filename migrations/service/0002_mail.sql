-- Mails on their way out. A row goes when its transport has taken the mail, or when sending makes no sense any more.
CREATE TABLE mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  did TEXT,                          -- the account it is about
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  code TEXT,                         -- the secret in the body, where there is one
  queued_at INTEGER NOT NULL,        -- Unix milliseconds, as all times
  expires_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mail_by_next_attempt ON mail (next_attempt_at);

-- Mails that were kept instead of sent: on a development server, and where no transport is configured.
CREATE TABLE caught_mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  did TEXT,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  code TEXT,
  caught_at INTEGER NOT NULL
) STRICT;
