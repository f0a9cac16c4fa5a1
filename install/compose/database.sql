-- Once, as the server's superuser, when its volume is made. The fleet owns its database and nothing else.
\set password `cat /run/secrets/database_password`
CREATE ROLE cairn_fleet LOGIN PASSWORD :'password';
CREATE DATABASE fleet OWNER cairn_fleet;
