#!/bin/sh
# Makes this machine an agent, for as long as this runs: agent.sh NAME FILE, where FILE has the URL that
# `berth agents create NAME` has printed. Runs are processes of whoever starts it. When it is started again, it finds the
# runs that went on meanwhile.
set -eu
name=${1:?usage: agent.sh NAME FILE} file=${2:?usage: agent.sh NAME FILE}
exec berth agent --executor process --name "$name" --broker-url-file "$file"
