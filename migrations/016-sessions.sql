-- A session: the SHA-256 of its token, and the version of the password at which it began, with which it ends.
-- last_used has no index, so that a renewal is a HOT update.
CREATE TABLE sessions (
  digest BYTEA PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES users ON DELETE CASCADE,
  password_version INT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_used TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user_id ON sessions (user_id);

-- Starts a session of a user who still has that version of the password, and returns the id, or null if not. Ends the
-- previous session of the device, and deletes all but the 19 other sessions that were used last; ended ones go first.
-- A retry changes nothing. Without the lock on the user, a deletion at the same time would be a violation of the
-- foreign key; sessions that another sign-in is deleting are left to it. It runs as its owner: with DELETE on the
-- table the function's role could also lock it.
CREATE FUNCTION open_session(for_user BIGINT, version BIGINT, new_digest TEXT, previous_digest TEXT) RETURNS BIGINT
LANGUAGE SQL SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH holder AS (
    SELECT id FROM public.users WHERE id = for_user AND password_version = version FOR KEY SHARE
  ), surplus AS (
    SELECT digest FROM public.sessions WHERE digest IN (
      SELECT s.digest FROM public.sessions s JOIN holder ON s.user_id = holder.id
      WHERE s.digest <> decode(new_digest, 'hex')
      ORDER BY s.password_version DESC, s.last_used DESC OFFSET 19
    ) FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM public.sessions WHERE digest IN (SELECT digest FROM surplus)
  ), previous AS (
    UPDATE public.sessions SET last_used = '-infinity'
    WHERE digest = decode(previous_digest, 'hex') AND digest <> decode(new_digest, 'hex')
    AND user_id IN (SELECT id FROM holder)
  ), started AS (
    INSERT INTO public.sessions (digest, user_id, password_version)
    SELECT decode(new_digest, 'hex'), id, version FROM holder
    ON CONFLICT DO NOTHING
  )
  SELECT id FROM holder
$$;
REVOKE EXECUTE ON FUNCTION open_session FROM PUBLIC;
