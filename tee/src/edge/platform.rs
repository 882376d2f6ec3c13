//! The platform that this process runs on, asked in whichever way it can be.

use sotto_party::hex::to_hex;

use super::device_files::DeviceFiles;
use crate::device::{self, CONFIGFS_TSM, DeviceError, GRAMINE};
use crate::evidence::Evidence;

/// Asks the hardware for evidence with these report data: the enclave under Gramine if this is one, else the kernel
/// of a confidential virtual machine.
///
/// Report data of a session hold a fresh nonce, so no two requests use one folder of the kernel's. Gramine has one set
/// of files for the whole process: do not ask from two threads at once.
///
/// # Errors
/// [`DeviceError`], and [`DeviceError::None`] if this machine has neither.
pub fn ask(report_data: &[u8; 64]) -> Result<Evidence, DeviceError> {
    let (mut machine, mut enclave) = (DeviceFiles::new(CONFIGFS_TSM), DeviceFiles::new(GRAMINE));
    if enclave.exists() {
        return device::gramine(&mut enclave, report_data);
    }
    if !machine.exists() {
        return Err(DeviceError::None);
    }
    let name = report_data.first_chunk::<8>().map_or_else(String::new, |data| to_hex(data));
    device::configfs_tsm(&mut machine, &format!("sotto-{name}-{}", std::process::id()), report_data)
}
