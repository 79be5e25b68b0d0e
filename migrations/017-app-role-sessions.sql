-- A digest opens nothing, so the function's role may read it. It renews and ends sessions one by one.
GRANT
  SELECT,
  INSERT (digest, user_id, password_version),
  UPDATE (last_used)
  ON sessions TO latchkey_app;
GRANT EXECUTE ON FUNCTION open_session TO latchkey_app;
