DROP INDEX runs_updated;
