//! Handles: what the proof of an audited output has beyond a plain one.
//!
//! ```text
//! v = v_lo + 2³²·v_hi      r = r_lo + 2³²·r_hi      C_hi = v_hi·H + r_hi·G      C_lo = C − 2³²·C_hi, not sent
//! C_hi ‖ D_lo ‖ D_hi ‖ T'₁ ‖ T'₂        D_j = r_j·P      T'_k = τ_k·P      P the auditors' key
//! ```
//!
//! (C_j, D_j) is an encryption of v_j to the auditors: with P = y·G, y·C_j − D_j = v_j·(y·H). The T' prove that
//! D_lo and D_hi are honest ([`crate::batch`], MW-R32). Bytes that are no points are refused there.

use crate::{
    codec::{DecodeError, Encode, Reader},
    features::Audit,
};
use core::fmt;

/// Length of the handles in bytes: five points.
pub const HANDLE_BYTES: usize = 160;

/// C_hi, D_lo, D_hi, T'₁ and T'₂, as bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handles([u8; HANDLE_BYTES]);

impl Handles {
    /// The handles with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: &[u8; HANDLE_BYTES]) -> Self {
        Self(*bytes)
    }

    /// From their five points.
    pub(crate) fn from_points(points: [[u8; 32]; 5]) -> Self {
        let mut bytes = [0; HANDLE_BYTES];
        bytes.copy_from_slice(points.as_flattened());
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HANDLE_BYTES] {
        &self.0
    }

    /// C_hi.
    #[must_use]
    pub fn high(&self) -> [u8; 32] {
        self.point(0)
    }

    /// D_lo and D_hi.
    #[must_use]
    pub fn blindings(&self) -> [[u8; 32]; 2] {
        [self.point(1), self.point(2)]
    }

    /// T'₁ and T'₂.
    #[must_use]
    pub fn terms(&self) -> [[u8; 32]; 2] {
        [self.point(3), self.point(4)]
    }

    /// C_hi ‖ D_lo ‖ D_hi, which is fixed before the proof begins.
    pub(crate) fn halves(&self) -> &[u8] {
        &self.0[..96]
    }

    /// Point `i` of five.
    pub(crate) fn point(&self, i: usize) -> [u8; 32] {
        element(&self.0, i)
    }

    /// Whether one of them is the identity.
    pub(crate) fn have_identity(&self) -> bool {
        (0..5).any(|i| self.point(i) == [0; 32])
    }

    /// Reads them, if the output is audited.
    pub(super) fn decode_if(audit: Audit, r: &mut Reader<'_>) -> Result<Option<Box<Self>>, DecodeError> {
        match audit {
            Audit::Unaudited => Ok(None),
            Audit::Audited => Ok(Some(Box::new(Self(r.array()?)))),
        }
    }
}

impl Encode for Handles {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handles({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Element `i` of a proof, of its head or of handles.
pub(super) fn element(bytes: &[u8], i: usize) -> [u8; 32] {
    let mut e = [0; 32];
    e.copy_from_slice(&bytes[32 * i..32 * i + 32]);
    e
}
