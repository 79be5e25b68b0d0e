-- Gives an account another name if it still has that name and that version of the password, and returns the id, or
-- null if it changed nothing. A retry finds its own name. It runs as its owner, so that the function's role can
-- write username_key of one row at a time only, and not of one whose name it does not know;
-- lib/accounts/usernames.ts computes the key. Safe to run again for a role that was lost.
CREATE OR REPLACE FUNCTION change_username(
  user_id BIGINT, former_name TEXT, version BIGINT, new_name TEXT, new_key TEXT
) RETURNS BIGINT
LANGUAGE SQL SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE public.users SET username = new_name, username_key = new_key
  WHERE id = user_id AND password_version = version AND new_key IS NOT NULL
  AND (username = former_name OR (username = new_name AND username_key = new_key))
  RETURNING id
$$;
REVOKE EXECUTE ON FUNCTION change_username FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_username TO latchkey_app;
