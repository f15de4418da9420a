//! Bare sqlx on PostgreSQL: one row, one commit.

use anyhow::Result;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// A pool of connections to a database with one table.
#[derive(Clone, Debug)]
pub struct Bare(PgPool);

impl Bare {
    /// Opens `connections` and makes the table.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        let options = PgPoolOptions::new().min_connections(connections).max_connections(connections);
        let pool = options.connect(url).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS bare (id UUID PRIMARY KEY, body TEXT NOT NULL)")
            .execute(&pool)
            .await?;
        Ok(Self(pool))
    }

    /// Commits `count` rows, one at a time on each of `tasks` connections; returns the rate per second.
    ///
    /// # Errors
    /// If an insert fails.
    pub async fn commit(&self, body: &str, count: usize, tasks: usize) -> Result<f64> {
        let mut running = JoinSet::new();
        let began = Instant::now();
        for index in 0..tasks {
            let (pool, body) = (self.0.clone(), body.to_owned());
            let share = count / tasks + usize::from(index < count % tasks);
            running.spawn(async move {
                let mut connection = pool.acquire().await?;
                for _ in 0..share {
                    sqlx::query("INSERT INTO bare (id, body) VALUES ($1, $2)")
                        .bind(Uuid::now_v7())
                        .bind(&body)
                        .execute(&mut *connection)
                        .await?;
                }
                Ok::<(), sqlx::Error>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// Ends the connections.
    pub async fn close(self) {
        self.0.close().await;
    }
}
