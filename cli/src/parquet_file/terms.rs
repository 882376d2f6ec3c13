//! What the process that wants rows and the child that reads them agree on.

/// The environment variable that marks a child.
pub(super) const MARK: &str = "SOTTO_PARQUET_CHILD";

/// Memory of a child, in mebibytes.
pub(super) const MEMORY: u64 = 768;

/// Processor time of a child, in seconds.
pub(super) const SECONDS: u64 = 300;

/// Longest file, in bytes, of what cannot be searched: a pipe.
pub(super) const MAX_PIPED: u64 = 1 << 30;

/// How a child ends that cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum End {
    /// The file is none, or is damaged.
    Damaged = 1,
    /// It is compressed in a way that is not read here.
    Compressed = 2,
    /// A pipe brings more than is kept.
    TooLong = 3,
    /// The limits could not be set, or nothing could be written.
    System = 4,
}

pub(super) const ENDS: [End; 4] = [End::Damaged, End::Compressed, End::TooLong, End::System];
