-- Digest of the Idempotency-Key that a sign-up came with (SHA-256, hexadecimal). Without a default, so
-- that no row is rewritten.
ALTER TABLE users ADD COLUMN idempotency_key_sha256 VARCHAR(64);

-- For 24 hours a sign-up that came with a key is answered again to whoever has its key and its password.
CREATE VIEW repeatable_sign_ups AS
SELECT id, username, password, idempotency_key_sha256
FROM users
WHERE idempotency_key_sha256 IS NOT NULL AND created_at > now() - interval '24 hours';
