//! Limits of a child process that parses foreign text, which the operating system enforces.

use std::io;

/// Bounds this process, which cannot raise its limits again: `memory` bytes, `seconds` of a processor, no
/// file written, no core dump. Beyond the memory it ends by SIGABRT, beyond the time by SIGXCPU.
///
/// # Errors
/// If the operating system sets no such limits: all but Linux.
#[cfg(target_os = "linux")]
pub fn bound(memory: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = [
        (Resource::As, memory, memory),
        (Resource::Data, memory, memory),
        // The soft limit is a signal that names the cause; the hard one ends the process in any case.
        (Resource::Cpu, seconds, seconds + 1),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
    ];
    for (resource, soft, hard) in limits {
        // A process may lower what it was given, and not raise it.
        let hard = getrlimit(resource).maximum.map_or(hard, |given| given.min(hard));
        setrlimit(resource, Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) })?;
    }
    Ok(())
}

/// Bounds this process: not on this operating system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn bound(_memory: u64, _seconds: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
