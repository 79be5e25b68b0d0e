-- Deletes a user and returns the id, or null if there is none. It runs as its owner: with DELETE on the table
-- the function's role could also lock the table, and delete more than one user at once.
CREATE FUNCTION delete_user(user_id BIGINT) RETURNS BIGINT
LANGUAGE SQL SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  DELETE FROM public.users WHERE id = user_id RETURNING id
$$;
REVOKE EXECUTE ON FUNCTION delete_user FROM PUBLIC;
