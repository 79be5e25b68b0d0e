-- The role that the function logs in as, and all that it may do. Roles are the server's, not the
-- database's: another database of the same server may have created it before, or at this moment.
-- It cannot log in until `npm run migrate` has given it the password of its secret.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_app') THEN
    CREATE ROLE latchkey_app NOLOGIN NOINHERIT;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;
END
$$;

-- By default everyone may create temporary tables, and on a database that was upgraded from
-- Postgres 14 or earlier tables in the schema public too.
DO $$
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO latchkey_app', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO latchkey_app;

-- The one statement (lib/users.ts) inserts two columns, writes the name over itself on a conflict, and
-- reads the id and the name that it returns and the hash that it compares.
GRANT
  SELECT (id, username, password),
  INSERT (username, password),
  UPDATE (username)
  ON users TO latchkey_app;
GRANT USAGE ON SEQUENCE users_id_seq TO latchkey_app;
