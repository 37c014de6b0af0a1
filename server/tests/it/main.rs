//! The server through its doors: configuration, sockets, command line.

mod admission;
mod config;
mod process;
mod protocol;
mod raw;
mod support;
