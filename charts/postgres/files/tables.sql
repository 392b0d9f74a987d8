-- What the database holds: a line `table|rows|sum` for each table, the sum over all its rows in any
-- order. Written beside each dump, and compared after each restore.
SET client_min_messages = warning;
SET search_path = '';
SET row_security = off;
-- All that decides how a value is written.
SET bytea_output = hex;
SET datestyle = ISO;
SET extra_float_digits = 1;
SET intervalstyle = postgres;
SET timezone = UTC;
SELECT format(
    'SELECT %L, count(*), coalesce(sum((''x'' || left(md5(t::text), 16))::bit(64)::bigint), 0)'
    ' FROM ONLY %s AS t', c.oid::regclass, c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid::regclass::text COLLATE "C" \gexec
