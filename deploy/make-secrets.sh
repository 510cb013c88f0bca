#!/bin/sh
# Makes the secrets that deploy/compose.yaml mounts, each random, in deploy/secrets/. What is there is kept.
set -eu
folder="$(dirname "$0")/secrets"
# The folder keeps other users out. The files are readable, because the containers' users are not this one.
mkdir -p "$folder"
chmod 0700 "$folder"

random() {
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

if [ ! -e "$folder/postgres_password" ]; then
    password="$(random)"
    printf '%s' "$password" > "$folder/postgres_password"
    printf 'postgresql://avatarkit:%s@database/avatarkit' "$password" > "$folder/database_url"
fi
[ -e "$folder/metrics_key" ] || random > "$folder/metrics_key"
echo "Secrets are in $folder. Keep a copy of it with your backups."
