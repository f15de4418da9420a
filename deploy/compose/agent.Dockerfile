# An agent whose runs are processes in its own container: Berth's program, and beside it what the runs need. Add that here.
ARG BERTH_IMAGE
FROM ${BERTH_IMAGE} AS berth

FROM debian:13-slim
COPY --from=berth /berth /berth
COPY --from=berth /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# A volume that is mounted here for the first time belongs to whom this folder does.
RUN install -d -o 65532 -g 65532 -m 700 /var/lib/berth
ENV HOME=/tmp
USER 65532:65532
ENTRYPOINT ["/berth"]
