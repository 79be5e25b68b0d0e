CREATE TABLE users (
  id SERIAL PRIMARY KEY,
  username VARCHAR(50) NOT NULL,
  password VARCHAR(255) NOT NULL, -- a bcrypt hash
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- One person, one name, whatever the letter case. The sign-up's ON CONFLICT names this expression.
CREATE UNIQUE INDEX users_lower_username_key ON users (lower(username));
