-- Whoever has an account may delete it.
GRANT EXECUTE ON FUNCTION delete_user TO latchkey_app;
