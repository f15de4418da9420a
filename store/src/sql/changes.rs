//! Statements of the change feed. The xid of a transaction fits a `BIGINT` for some billion years.

use super::{Sql, statements};

statements! {
    INSERT = Sql::pair(
        "INSERT INTO changes (xact, kind, object_id, owner, project_id, version, status, at) \
         SELECT pg_current_xact_id()::text::bigint, x.kind, x.object_id, x.owner, x.project_id, x.version, \
         x.status, x.at FROM jsonb_to_recordset($1::jsonb) AS x(kind text, object_id uuid, owner text, \
         project_id uuid, version bigint, status text, at bigint)",
        "INSERT INTO changes (xact, kind, object_id, owner, project_id, version, status, at) \
         SELECT 0, json_extract(x.value, '$.kind'), unhex(json_extract(x.value, '$.object_id')), \
         json_extract(x.value, '$.owner'), unhex(json_extract(x.value, '$.project_id')), \
         json_extract(x.value, '$.version'), json_extract(x.value, '$.status'), json_extract(x.value, '$.at') \
         FROM json_each($1) AS x",
    );
    LATEST = Sql::pair(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS xact, \
         9223372036854775807::bigint AS seq",
        "SELECT 0 AS xact, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS seq",
    );
    AFTER = Sql::pair(
        "SELECT xact, seq, kind, object_id, owner, project_id, version, status, at FROM changes \
         WHERE (xact, seq) > ($1, $2) AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         ORDER BY xact, seq LIMIT $3",
        "SELECT xact, seq, kind, object_id, owner, project_id, version, status, at FROM changes \
         WHERE xact = 0 AND $1 = 0 AND seq > $2 ORDER BY seq LIMIT $3",
    );
}
