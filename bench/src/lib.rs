//! Berth measured side by side with others, in one run: same machine, broker, database and durability.
//!
//! What is measured is in [`figures`], the other ones in [`partners`], the bare loops over the client libraries
//! in [`limits`]. Nothing here is used by Berth itself.

pub mod arguments;
pub mod figure;
pub mod figures;
pub mod http_load;
pub mod limits;
pub mod machine;
pub mod ours;
pub mod pairs;
pub mod partners;
pub mod processors;
pub mod report;
pub mod row;
pub mod run;
pub mod servers;
pub mod statistics;
pub mod table;
