ALTER TABLE agents ADD COLUMN reconciled_epoch TEXT;
