//! Keeping secrets in memory and nowhere else: no swap, no core dump, as far as the system allows.
//!
//! Locking page by page would miss the stack and what libraries copy, so everything the process touches is locked, or
//! nothing: with a limited `ulimit -l` a later allocation would fail and end the program in the middle of its work.
//!
//! Not covered: a suspended machine writes its memory to disk.

use crate::ui::Ui;

/// Locks the memory of this process and forbids core dumps; says under `-v` what the system does not allow.
pub(crate) fn keep(ui: &Ui) {
    if let Err(why) = platform::keep() {
        ui.detail(&format!("secrets may be written to disk with other memory: {why}"));
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use rustix::{
        mm::{MlockAllFlags, mlockall},
        process::{Resource, Rlimit, getrlimit, setrlimit},
    };

    pub(super) fn keep() -> Result<(), String> {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Core, none).map_err(|e| format!("core dumps cannot be forbidden ({e})"))?;
        if getrlimit(Resource::Memlock).current.is_some() {
            return Err("locking memory is limited; run `ulimit -l unlimited` before, if you may".into());
        }
        mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
            .map_err(|e| format!("memory cannot be locked ({e})"))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn keep() -> Result<(), String> {
        Err("this system's way to lock memory is not known here".into())
    }
}
