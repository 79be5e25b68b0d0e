-- How often the password was changed, or all tokens ended. A token carries the number it was signed at, and
-- is refused once the row has another. A constant default rewrites no row.
ALTER TABLE users ADD COLUMN password_version INT NOT NULL DEFAULT 0;
