-- The view has to go before the type of a column that it uses can change.
DROP VIEW repeatable_sign_ups;

-- One rewrite of the table under a lock, and AWS ends a statement after 45 s: docs/operations.md has the time.
-- username_key is what a name is unique by and found by: lib/usernames.ts folds it. It may be null, because
-- the previous release stores users without one while this one is being deployed; `npm run migrate` fills
-- those. Byte order, so that no collation of the server has a say. Failures in a row are counted for strangers
-- and for devices of the owner; each count holds until 24 hours after its pause.
ALTER TABLE users
  ALTER COLUMN id TYPE BIGINT,
  ADD COLUMN username_key TEXT COLLATE "C",
  ADD COLUMN failures INT NOT NULL DEFAULT 0,
  ADD COLUMN paused_until TIMESTAMPTZ,
  ADD COLUMN device_failures INT NOT NULL DEFAULT 0,
  ADD COLUMN device_paused_until TIMESTAMPTZ;
ALTER SEQUENCE users_id_seq AS BIGINT;

-- The index on lower(username) stays until no code names it in ON CONFLICT.
CREATE UNIQUE INDEX users_username_key_key ON users (username_key);

-- For the previous release. The digest of another day is no value of this view, so that no function in a
-- condition gets to see it before the row is left out.
CREATE VIEW repeatable_sign_ups AS
SELECT id, username, password,
  CASE WHEN created_at > now() - interval '24 hours' THEN idempotency_key_sha256 END
    AS idempotency_key_sha256
FROM users;
GRANT SELECT ON repeatable_sign_ups TO latchkey_app;

-- Whether the user signed up with this key in the last 24 hours. It runs as its owner, so that the function's
-- role can ask this and not read digests.
CREATE FUNCTION is_repeatable_sign_up(user_id BIGINT, digest TEXT) RETURNS BOOLEAN
LANGUAGE SQL STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM public.users
    WHERE id = user_id AND idempotency_key_sha256 = digest AND created_at > now() - interval '24 hours'
  )
$$;
REVOKE EXECUTE ON FUNCTION is_repeatable_sign_up FROM PUBLIC;
