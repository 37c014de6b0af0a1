//! Which object needs which other, and what DROP takes along.
//!
//! | file | what |
//! |---|---|
//! | `address` | objects and their parts, and how messages name them |
//! | `graph` | who depends on whom, read off the definitions |
//! | `removal` | what a DROP removes: PostgreSQL's walk, its messages, and carrying it out |

mod address;
mod graph;
mod removal;

pub use address::ObjectAddress;
pub use removal::{Removal, drop_objects};
