"""What Celery's tools need to know of Berth: the one task that its agents run. Nothing here is executed."""

from celery import Celery

app = Celery("berth")


@app.task(name="berth.run")
def run(**operation):
    raise NotImplementedError("agents of Berth execute runs")
