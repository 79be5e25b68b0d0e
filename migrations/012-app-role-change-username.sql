-- Gives an account another name if it still has the former one, and returns the id, or null if it changed nothing.
-- It runs as its owner, so that the function's role cannot write username_key at will: lib/accounts/usernames.ts
-- alone computes it. A row without a key, which the previous release or an operator left, gets the new one. Safe
-- to retry, and to run again for a role that was lost.
CREATE OR REPLACE FUNCTION change_username(
  user_id BIGINT, former_key TEXT, new_username TEXT, new_key TEXT
) RETURNS BIGINT
LANGUAGE SQL SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE public.users SET username = new_username, username_key = new_key
  WHERE id = user_id AND (username_key IN (former_key, new_key) OR username_key IS NULL)
  RETURNING id
$$;
REVOKE EXECUTE ON FUNCTION change_username FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_username TO latchkey_app;
