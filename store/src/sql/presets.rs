//! Statements of saved presets.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, owner, name, description, tags, content, username, created_at, updated_at ",
            "FROM presets WHERE ",
            $tail
        )
    };
}

statements! {
    INSERT = Sql::both(
        "INSERT INTO presets (id, owner, name, description, tags, content, username, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    BY_ID = Sql::both(select!("id = $1"));
    BY_ID_LOCKED = Sql::pair(select!("id = $1 FOR UPDATE"), select!("id = $1"));
    BY_NAME = Sql::both(select!("owner = $1 AND name = $2"));
    OF_OWNER = Sql::both(select!("owner = $1 ORDER BY name"));
    COUNT = Sql::both("SELECT count(*) AS n FROM presets WHERE owner = $1");
    UPDATE = Sql::both(
        "UPDATE presets SET description = $2, tags = $3, content = $4, updated_at = $5 WHERE id = $1",
    );
    DELETE = Sql::both("DELETE FROM presets WHERE id = $1");
}
