-- The role stores the digest, and finds a row by it through the view alone: of the table it can read no
-- more than 002-app-role.sql lets it. A file of its own, since a role that was lost is made anew by
-- running these two again.
GRANT INSERT (idempotency_key_sha256) ON users TO latchkey_app;
GRANT SELECT ON repeatable_sign_ups TO latchkey_app;
