//! Plans.

/// How a query is run: a tree of operators.
#[derive(Debug)]
pub struct Plan {}
