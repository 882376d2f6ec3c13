//! The stream of an attempt, which reports how many bytes have passed.

use std::io::{self, Read, Write};

use sotto_link::pinned::Pinned;

use super::setup::Stage;

pub(crate) struct ProgressStream<'o> {
    pub(crate) inner: Pinned,
    pub(crate) passed: u64,
    pub(crate) observe: &'o (dyn Fn(Stage) + Sync),
}

impl ProgressStream<'_> {
    fn pass(&mut self, bytes: usize) {
        self.passed += bytes as u64;
        (self.observe)(Stage::Passed(self.passed));
    }
}

impl Read for ProgressStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).inspect(|n| self.pass(*n))
    }
}

impl Write for ProgressStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).inspect(|n| self.pass(*n))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
