DROP INDEX runs_waiting;
DROP INDEX runs_slots;
