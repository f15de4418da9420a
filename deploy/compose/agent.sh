#!/bin/sh
# Makes the agent `local` on a control plane that is up, keeps the URL by which it comes to the broker, and starts it.
set -eu
cd "$(dirname -- "$0")"
umask 077

if [ ! -e secrets/agent-broker-url ]; then
    made=$(docker compose run --rm -T cli agents create local --default -o json) ||
        # It was made, and its URL is lost: nobody can show it again.
        made=$(docker compose run --rm -T cli agents credentials local -o json)
    url=$(printf %s "$made" | sed -n 's/^.*"url": *"\([^"]*\)".*$/\1/p' | head -n 1)
    [ -n "$url" ] || { echo "agent.sh: no URL for the broker was made" >&2; exit 1; }
    printf %s "$url" >secrets/.agent-broker-url
    chmod 644 secrets/.agent-broker-url
    mv secrets/.agent-broker-url secrets/agent-broker-url
fi
grep -q '^COMPOSE_PROFILES=.*agent' .env || sed -i 's/^COMPOSE_PROFILES=.*/&,agent/' .env
docker compose up -d --build --wait agent
