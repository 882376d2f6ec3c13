//! The compiler of sources, which is a child process: this program, with one test that only serves it.

use sotto_mpc::edge::compiler::{Compiler, serve_if_child};

/// Compiles.
pub(crate) fn compiler() -> Compiler {
    Compiler::this_test("compiler::child")
}

#[test]
fn child() {
    serve_if_child();
}
