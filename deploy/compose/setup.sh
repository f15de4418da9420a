#!/bin/sh
# Makes the secrets of the Compose file, each of its own, and .env: `setup.sh rabbitmq` or `setup.sh redis` says which
# broker. What is there stays as it is. There is no password that is the same twice.
set -eu
cd "$(dirname -- "$0")"
umask 077

broker=${1:-}
case $broker in
rabbitmq | redis) ;;
*)
    echo "usage: setup.sh rabbitmq|redis" >&2
    exit 2
    ;;
esac
if [ -e .env ]; then
    echo "setup.sh: .env is there already; nothing was changed" >&2
    exit
fi

password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
# The folder is nobody else's; the files are mounted one by one, and read by the users of the containers.
mkdir -p secrets
put() { # put NAME: the standard input as a secret
    cat >"secrets/$1"
    chmod 644 "secrets/$1"
}

database=$(password)
queue=$(password)
printf %s "$database" | put postgres-password
printf %s "postgres://berth:$database@postgres/berth" | put database-url
password | put token
password | put grafana-password
if [ "$broker" = rabbitmq ]; then
    printf %s "amqp://berth:$queue@rabbitmq/%2f" | put broker-url
    printf 'default_user = berth\ndefault_pass = %s\n' "$queue" | put rabbitmq.conf
else
    printf %s "redis://:$queue@redis/0" | put broker-url
    printf 'requirepass %s\nappendonly yes\ndir /data\n' "$queue" | put redis.conf
fi

# Last: it says that all the rest is there.
printf 'BERTH_IMAGE=%s\nCOMPOSE_PROFILES=%s\n' "${BERTH_IMAGE:-localhost/berth:latest}" "$broker" >.env
echo "setup.sh: made secrets/ and .env; now: docker compose up -d --wait, then ./agent.sh" >&2
