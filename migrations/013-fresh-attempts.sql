-- The failures of attempts with a fresh token, and the end of the pause after the last of them. A constant default
-- rewrites no row.
ALTER TABLE users
  ADD COLUMN fresh_failures INT NOT NULL DEFAULT 0,
  ADD COLUMN fresh_paused_until TIMESTAMPTZ;
