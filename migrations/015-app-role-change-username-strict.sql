-- Returns null for a null argument. The error of a null name was raised with the owner's rights, so its DETAIL quoted
-- the whole row to the function's role, the digest of its idempotency key too. Safe to run again for a role that was
-- lost, after 012-app-role-change-username.sql.
ALTER FUNCTION change_username STRICT;
