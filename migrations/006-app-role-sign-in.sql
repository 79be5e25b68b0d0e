-- What the statements of lib/users.ts need besides: the key by which a name is unique, the counts of failures,
-- and a hash that a sign-in replaces by one of a higher cost.
GRANT
  SELECT (username_key, failures, paused_until, device_failures, device_paused_until),
  INSERT (username_key),
  UPDATE (password, failures, paused_until, device_failures, device_paused_until)
  ON users TO latchkey_app;
GRANT EXECUTE ON FUNCTION is_repeatable_sign_up TO latchkey_app;
