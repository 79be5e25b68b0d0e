-- A change of the password adds one to its version, and a token is compared with it.
GRANT SELECT (password_version), UPDATE (password_version) ON users TO latchkey_app;
