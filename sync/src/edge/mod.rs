//! The edge: what it has to push, how it pulls, and when.
//!
//! | module | what |
//! |---|---|
//! | [`worker`] | the task that decides when to talk to the hub |
//! | [`session`] | one connection: pushing and pulling |
//! | [`reconcile`] | settling, after WELCOME, where edge and hub contradict each other |
//! | [`rounds`] | who waits for a complete exchange |
//! | [`enrolment`] | becoming known to a hub |
//! | [`state`] | what the worker keeps in the store |
//! | [`outbox`], [`apply`] | P, and installing H under it |

pub mod apply;
pub mod backoff;
pub mod enrolment;
pub mod outbox;
mod rebuild;
pub mod reconcile;
pub mod rounds;
pub mod session;
pub mod state;
pub mod worker;
