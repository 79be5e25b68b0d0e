// `npm run fuzz` imports this ahead of the tests, since a variable before a command is no command on Windows.
process.env['FUZZ_AT_LENGTH'] = 'true'
