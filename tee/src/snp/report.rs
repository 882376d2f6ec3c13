//! The layout of an attestation report (AMD 56860, table 23), versions 2 to 5.
//!
//! ```text
//! 000 version 4 · guest SVN 4 · policy 8 · family 16 · image 16 · VMPL 4 · algorithm 4
//! 038 current TCB 8 · platform info 8 · key flags 4 · zero 4 · report data 64 · measurement 48 · host data 32
//! 0E0 id key 48 · author key 48 · report id 32 · report id of the migration agent 32 · reported TCB 8
//! 188 from 3 on: family, model, stepping · zero to 24 bytes · chip 64 · committed TCB 8
//! 1E8 current version 3 · zero 1 · committed version 3 · zero 1 · launch TCB 8
//! 1F8 from 5 on: two mitigation vectors 16 · zero to 168 bytes
//! 2A0 signature: r 72, s 72 little-endian · zero 368
//! ```

use crate::codec::Reader;
use crate::error::SnpError;
use crate::shape::REPORT;

/// Bits of the guest's policy.
const SMT_ALLOWED: u64 = 1 << 16;
const ALWAYS_SET: u64 = 1 << 17;
const MIGRATION_AGENT: u64 = 1 << 18;
const DEBUG: u64 = 1 << 19;
/// Version numbers, the bits above, and: single socket, CXL, memory encryption, RAPL, ciphertext hiding, page
/// swap.
const KNOWN_POLICY: u64 = 0x03ff_ffff;
/// Bits of the platform's information that have a meaning: SMT, TSME, ECC, RAPL, ciphertext hiding, alias
/// check, TIO.
const KNOWN_PLATFORM: u64 = 0xbf;
const SMT_ENABLED: u64 = 1;
/// Whether an author's key signed the identity block: the only key flag that may be set. The others mean that
/// the chip's key is masked, or that another key than the chip's signed.
const AUTHOR_KEY: u32 = 1;
const ECDSA_P384_SHA384: u32 = 1;
/// What stands for no migration agent.
const NO_AGENT: [u8; 32] = [0xff; 32];

/// A report whose fields are known, not yet verified.
pub(super) struct Report {
    policy: u64,
    pub(super) family_id: [u8; 16],
    pub(super) image_id: [u8; 16],
    vmpl: u32,
    platform_info: u64,
    pub(super) report_data: [u8; 64],
    pub(super) measurement: [u8; 48],
    pub(super) host_data: [u8; 32],
    pub(super) id_key_digest: [u8; 48],
    pub(super) author_key_digest: [u8; 48],
    migration_agent: [u8; 32],
    pub(super) reported_tcb: [u8; 8],
    pub(super) chip_id: [u8; 64],
    /// r ‖ s, big-endian.
    pub(super) signature: [u8; 96],
}

impl Report {
    /// Reads a report, and refuses what its version does not define.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SnpError> {
        Self::fields(bytes).map_err(|error| match error {
            Fault::Length => SnpError::Field("length"),
            Fault::Snp(error) => error,
        })
    }

    fn fields(bytes: &[u8]) -> Result<Self, Fault> {
        let mut r = Reader::new(bytes);
        let version = r.u32()?;
        expect((2..=5).contains(&version), "version")?;
        r.u32()?; // the guest's own version
        let policy = r.u64()?;
        expect(policy & !KNOWN_POLICY == 0 && policy & ALWAYS_SET != 0, "policy")?;
        let (family_id, image_id) = (r.array()?, r.array()?);
        let vmpl = r.u32()?;
        expect(r.u32()? == ECDSA_P384_SHA384, "signature algorithm")?;
        r.u64()?; // the current versions: the reported ones, which may be lower, are certified
        let platform_info = r.u64()?;
        expect(platform_info & !KNOWN_PLATFORM == 0, "platform information")?;
        expect(r.u32()? & !AUTHOR_KEY == 0, "key flags")?;
        zero(&mut r, 4)?;
        let (report_data, measurement, host_data) = (r.array()?, r.array()?, r.array()?);
        let (id_key_digest, author_key_digest) = (r.array()?, r.array()?);
        r.take(32)?; // a number of the guest
        let (migration_agent, reported_tcb) = (r.array()?, r.array()?);
        let model = if version == 2 { 0 } else { 3 };
        r.take(model)?;
        zero(&mut r, 24 - model)?;
        let chip_id = r.array()?;
        r.take(8 + 3)?;
        zero(&mut r, 1)?;
        r.take(3)?;
        zero(&mut r, 1)?;
        r.take(8)?;
        let vectors = if version < 5 { 0 } else { 16 };
        r.take(vectors)?;
        zero(&mut r, 168 - vectors)?;
        let signature = signature(&mut r)?;
        zero(&mut r, REPORT - 0x330)?;
        r.finish()?;
        Ok(Self {
            policy,
            family_id,
            image_id,
            vmpl,
            platform_info,
            report_data,
            measurement,
            host_data,
            id_key_digest,
            author_key_digest,
            migration_agent,
            reported_tcb,
            chip_id,
            signature,
        })
    }

    pub(super) fn is_debug(&self) -> bool {
        self.policy & DEBUG != 0
    }

    pub(super) fn smt(&self) -> bool {
        self.platform_info & SMT_ENABLED != 0 || self.policy & SMT_ALLOWED != 0
    }

    /// What no policy may allow.
    pub(super) fn check(&self) -> Result<(), SnpError> {
        if self.policy & MIGRATION_AGENT != 0 || self.migration_agent != NO_AGENT {
            return Err(SnpError::Field("migration agent"));
        }
        if self.vmpl != 0 {
            return Err(SnpError::Level(self.vmpl));
        }
        Ok(())
    }
}

enum Fault {
    Length,
    Snp(SnpError),
}

impl From<crate::codec::DecodeError> for Fault {
    fn from(_: crate::codec::DecodeError) -> Self {
        Self::Length
    }
}

fn expect(holds: bool, field: &'static str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::Snp(SnpError::Field(field))) }
}

/// Skips padding, which must be zero: signed or not, it has no meaning here.
fn zero(r: &mut Reader<'_>, n: usize) -> Result<(), Fault> {
    expect(r.take(n)?.iter().all(|byte| *byte == 0), "padding")
}

/// Two numbers of 72 bytes, little-endian, as two of 48, big-endian.
fn signature(r: &mut Reader<'_>) -> Result<[u8; 96], Fault> {
    let mut signature = [0; 96];
    for half in signature.chunks_exact_mut(48) {
        half.copy_from_slice(r.take(48)?);
        half.reverse();
        zero(r, 24)?;
    }
    Ok(signature)
}
