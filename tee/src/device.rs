//! How a platform is asked for evidence: through files that the kernel or Gramine shows.
//!
//! | source | steps |
//! |---|---|
//! | configfs-tsm (TDX, SEV-SNP; Linux 6.7) | make a folder, write 64 bytes to `inblob`, read `outblob` and `provider`, see in `generation` that no other process wrote, remove the folder |
//! | Gramine (SGX) | read `attestation_type`, write 64 bytes to `user_report_data`, read `quote` |
//!
//! Source: Linux, `Documentation/ABI/testing/configfs-tsm-report`; Gramine, "Attestation and Secret
//! Provisioning".

use std::io;

use crate::evidence::Evidence;
use crate::kind::Kind;

/// Where Linux shows configfs-tsm.
pub const CONFIGFS_TSM: &str = "/sys/kernel/config/tsm/report";
/// Where Gramine shows its device.
pub const GRAMINE: &str = "/dev/attestation";

/// The files of a platform. Paths are relative to one of the folders above.
pub trait Device {
    /// Makes a folder.
    ///
    /// # Errors
    /// If it cannot be made.
    fn make_folder(&mut self, path: &str) -> io::Result<()>;

    /// Writes all bytes in one call.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Reads a file of a bounded size.
    ///
    /// # Errors
    /// If it cannot be read, or is too long.
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>>;

    /// Removes a folder.
    ///
    /// # Errors
    /// If it cannot be removed.
    fn remove_folder(&mut self, path: &str) -> io::Result<()>;
}

/// Why a platform gave no evidence.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No platform that gives evidence.
    #[error("neither {CONFIGFS_TSM} nor {GRAMINE} is there")]
    None,
    /// A file.
    #[error("the platform's files cannot be used: {0}")]
    Files(#[from] io::Error),
    /// Another process wrote into the folder.
    #[error("another process asked in the same folder")]
    Race,
    /// A platform of another kind.
    #[error("the platform is `{0}`, which is not supported")]
    Provider(String),
    /// The answer is none.
    #[error("the platform's answer is not evidence for these report data")]
    Answer,
}

/// Asks a confidential virtual machine. No other process may use the folder `name`.
///
/// # Errors
/// [`DeviceError`] if there is no evidence for these report data.
pub fn configfs_tsm(
    device: &mut impl Device,
    name: &str,
    report_data: &[u8; 64],
) -> Result<Evidence, DeviceError> {
    device.make_folder(name)?;
    let answer = ask_tsm(device, name, report_data);
    device.remove_folder(name)?;
    let (provider, body) = answer?;
    let kind = match provider.trim_ascii() {
        b"tdx_guest" => Kind::Tdx,
        b"sev_guest" => Kind::Snp,
        _ => return Err(DeviceError::Provider(String::from_utf8_lossy(&provider).trim().to_owned())),
    };
    checked(kind, &body, report_data)
}

fn ask_tsm(
    device: &mut impl Device,
    name: &str,
    report_data: &[u8; 64],
) -> Result<(Vec<u8>, Vec<u8>), DeviceError> {
    let file = |file: &str| format!("{name}/{file}");
    device.write(&file("inblob"), report_data)?;
    let body = device.read(&file("outblob"))?;
    let provider = device.read(&file("provider"))?;
    // The number of writes into this folder.
    if device.read(&file("generation"))?.trim_ascii() != b"1" {
        return Err(DeviceError::Race);
    }
    Ok((provider, body))
}

/// Asks an enclave under Gramine.
///
/// # Errors
/// [`DeviceError`] if there is no evidence for these report data.
pub fn gramine(device: &mut impl Device, report_data: &[u8; 64]) -> Result<Evidence, DeviceError> {
    let kind = device.read("attestation_type")?;
    if kind.trim_ascii() != b"dcap" {
        return Err(DeviceError::Provider(String::from_utf8_lossy(&kind).trim().to_owned()));
    }
    device.write("user_report_data", report_data)?;
    let body = device.read("quote")?;
    checked(Kind::Sgx, &body, report_data)
}

/// Evidence of this kind that holds these report data somewhere in its signed part.
fn checked(kind: Kind, body: &[u8], report_data: &[u8; 64]) -> Result<Evidence, DeviceError> {
    let evidence = Evidence::recognize(body).map_err(|_| DeviceError::Answer)?;
    let holds = evidence.signed().windows(64).any(|window| window == report_data);
    if evidence.kind() == kind && holds { Ok(evidence) } else { Err(DeviceError::Answer) }
}

/// A platform in memory, for tests: it answers what a function says.
pub struct Memory<F> {
    /// What `provider` or `attestation_type` says.
    pub provider: &'static str,
    /// Writes of others into the same folder.
    pub others: u32,
    /// The evidence for report data.
    pub answer: F,
    folder: Option<String>,
    asked: Vec<Vec<u8>>,
}

impl<F: Fn(&[u8]) -> Vec<u8>> Memory<F> {
    /// A platform of this name that answers so.
    pub fn new(provider: &'static str, answer: F) -> Self {
        Self { provider, others: 0, answer, folder: None, asked: Vec::new() }
    }

    /// Whether a folder was left behind.
    pub fn is_clean(&self) -> bool {
        self.folder.is_none()
    }
}

impl<F: Fn(&[u8]) -> Vec<u8>> Device for Memory<F> {
    fn make_folder(&mut self, path: &str) -> io::Result<()> {
        if self.folder.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.folder = Some(path.to_owned());
        Ok(())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.folder.as_ref().map(|folder| format!("{folder}/inblob"));
        let known = path == "user_report_data" || folder.is_some_and(|inblob| inblob == path);
        if !known {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.asked.push(bytes.to_vec());
        Ok(())
    }

    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let asked = || self.asked.last().ok_or(io::ErrorKind::InvalidInput);
        match path.rsplit('/').next() {
            Some("outblob" | "quote") => Ok((self.answer)(asked()?)),
            Some("provider" | "attestation_type") => Ok(format!("{}\n", self.provider).into_bytes()),
            Some("generation") => Ok(format!("{}\n", self.asked.len() as u32 + self.others).into_bytes()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn remove_folder(&mut self, path: &str) -> io::Result<()> {
        if self.folder.as_deref() != Some(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.folder = None;
        Ok(())
    }
}
