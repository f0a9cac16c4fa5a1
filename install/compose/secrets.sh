#!/bin/sh
# secrets.sh NAME: makes what compose.yaml wants below secrets/, for a fleet that nodes find as NAME. What is there already stays.
# ca/ signs nodes' certificates too (CN: the node's id); it belongs on another machine, offline.
set -eu
name=$1
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
umask 077
mkdir -p secrets ca

for password in database_password database_admin_password; do
  [ -e "secrets/$password" ] || openssl rand -hex 32 >"secrets/$password"
done

if ! [ -e ca/key.pem ]; then
  openssl req -x509 $key -keyout ca/key.pem -out ca/cert.pem -days 3650 -subj '/CN=CA of our nodes'
fi
cp -f ca/cert.pem secrets/node_ca

# The CN is the fleet's user name at mosquitto; what nodes compare is the other name.
if ! [ -e secrets/fleet_key ]; then
  openssl req $key -keyout secrets/fleet_key -out ca/fleet.csr -subj /CN=fleet
  printf 'subjectAltName=DNS:%s\n' "$name" >ca/fleet.ext
  openssl x509 -req -in ca/fleet.csr -CA ca/cert.pem -CAkey ca/key.pem -CAcreateserial -days 825 -extfile ca/fleet.ext -out secrets/fleet_cert
fi

# Their folder keeps others out; in a container each is read by a user of its own.
chmod 0700 secrets ca
chmod 0444 secrets/*
