-- Attempts with a fresh token are counted like the others.
GRANT SELECT (fresh_failures, fresh_paused_until), UPDATE (fresh_failures, fresh_paused_until)
  ON users TO latchkey_app;
