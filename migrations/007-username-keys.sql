-- The keys of printable ASCII names. A file of its own, so that no lock on the table waits for it, and for the
-- first two million only, which fit into the 45 s that AWS gives a statement. `npm run migrate` fills all
-- others next, page by page: names beyond ASCII need lib/usernames.ts.
UPDATE users SET username_key = regexp_replace(lower(username COLLATE "C"), ' +', ' ', 'g')
WHERE id <= 2000000 AND username ~ '^[ -~]+$';
