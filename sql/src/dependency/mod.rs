//! Which object needs which other, and what DROP takes along.
//!
//! | file | what |
//! |---|---|
//! | `address` | objects and their parts, and how messages name them |
//! | `graph` | who depends on whom, read off the definitions |
//! | `rename` | texts that name an object which is renamed |
//! | `removal` | what a DROP removes: PostgreSQL's walk, its messages, and carrying it out |

mod address;
mod graph;
mod removal;
mod rename;

pub use address::ObjectAddress;
pub use removal::{Removal, drop_objects};
pub use rename::rename;
