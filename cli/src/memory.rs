//! Keeps secrets out of swap and core dumps, as far as the system allows.
//!
//! Locking single pages would miss the stack and the copies that libraries make, so the whole process is
//! locked, or nothing: with a limited `ulimit -l`, a later allocation would fail and abort the program in the
//! middle of its work.
//!
//! Not covered: a suspended machine writes its memory to disk.

use crate::ui::Ui;

/// Locks the memory of this process and disables core dumps; `-v` reports what the system does not allow.
pub(crate) fn protect(ui: &Ui) {
    if let Err(why) = platform::protect() {
        ui.detail(&format!("memory with secrets may be written to disk: {why}"));
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use rustix::{
        mm::{MlockAllFlags, mlockall},
        process::{Resource, Rlimit, getrlimit, setrlimit},
    };

    pub(super) fn protect() -> Result<(), String> {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Core, none).map_err(|e| format!("cannot disable core dumps ({e})"))?;
        if getrlimit(Resource::Memlock).current.is_some() {
            return Err("the amount of locked memory is limited; try `ulimit -l unlimited`".into());
        }
        mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
            .map_err(|e| format!("cannot lock memory ({e})"))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn protect() -> Result<(), String> {
        Err("locking memory is not supported on this system".into())
    }
}
