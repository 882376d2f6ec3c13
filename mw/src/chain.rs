//! A chain's parameters, a value and never a global, and the weights that all chains share.
//!
//! The id of a chain is the hash of its parameters. Every message that its keys sign contains the id, so a
//! signature for one chain is invalid on any other.

use crate::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader, fields},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    tag,
    terms::{Limits, Sealing, Terms},
    unit::Unit,
    validators::ValidatorSet,
};
use core::fmt;

pub use crate::{chain_id::ChainId, terms::RULES_VERSION};

/// Weight of an input: one decompression, one lookup, removal and undo record. Measured, it costs a third of
/// an output.
pub const INPUT_WEIGHT: u64 = 8;
/// Weight of an output without extra data: 706 bytes in units of 32, which also covers the range proof's
/// verification.
pub const OUTPUT_WEIGHT: u64 = 22;
/// Bytes of extra data for one unit of weight.
pub const EXTRA_BYTES_PER_WEIGHT: u64 = 32;
/// Weight of a kernel: 113 bytes are four units, doubled because kernels stay forever.
pub const KERNEL_WEIGHT: u64 = 8;
/// Weight of a notice: a kernel of 146 bytes.
pub const NOTICE_WEIGHT: u64 = 10;
/// Weight of a one-sided output: an output of 835 bytes, one more signature and two more points.
pub const ONE_SIDED_OUTPUT_WEIGHT: u64 = 30;
/// The greatest weight to which validators may raise that of a block (MW-R40). Such a block has at most 3.9 MB:
/// 33 bytes for each unit, header, certificate and a change, so that it fits in one message of 4 MiB.
pub const MOST_WEIGHT: u64 = 120_000;
/// Weight of a one-sided input: an input, one more signature under two keys, three more points.
pub const ONE_SIDED_INPUT_WEIGHT: u64 = 18;
/// Weight of a bond: one signature.
pub const BOND_WEIGHT: u64 = 9;
/// What an output weighs more on a chain with auditors: 160 bytes, five more points in its batch.
pub const AUDIT_WEIGHT: u64 = 6;

/// The network of a chain: part of every address and prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Network {
    /// Real money.
    Main = 0,
    /// Money without value, on a shared chain.
    Test = 1,
    /// A chain of one operator.
    Solo = 2,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main",
            Self::Test => "test",
            Self::Solo => "solo",
        })
    }
}

/// Who reads the amounts of a chain's outputs (`docs/AUDIT.md`): chosen at genesis, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auditors {
    /// P, the key that the auditors share.
    pub key: PublicKey,
    /// The hash of the charter, which says when they may read.
    pub charter: Hash,
}

fields!(Auditors { key, charter });

/// The genesis parameters; their hash is the chain id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// The network that addresses and prompts name.
    pub network: Network,
    /// Who seals blocks; of a set of validators the first, which later ones replace.
    pub sealing: Sealing,
    /// Time of the genesis block, in seconds since 1970.
    pub genesis_time: u64,
    /// New base units that each block creates.
    pub reward: Amount,
    /// Blocks before a coinbase output can be spent.
    pub maturity: u64,
    /// W: the widest kernel window, in blocks.
    pub window_width: u64,
    /// Window bounds are multiples of this many blocks, because arbitrary heights would make wallets
    /// distinguishable.
    pub window_grid: u64,
    /// K: the deepest reorganisation, in blocks; below W.
    pub reorganisation: u64,
    /// The least time between a block and its parent, in seconds.
    pub pace: u64,
    /// The maximum weight of a block. Validators may change it.
    pub max_weight: u64,
    /// The least fee for one unit of weight. Validators may change it.
    pub fee_per_weight: Amount,
    /// The unit in which people read and write amounts.
    pub unit: Unit,
    /// Who reads the amounts of all outputs; most chains have no auditors.
    pub auditors: Option<Auditors>,
}

impl Params {
    /// Most bytes of encoded parameters.
    pub const MAX_BYTES: usize = 2 + Sealing::MAX_BYTES + 9 * 8 + 2 + Unit::MAX_NAME + 1 + 64;

    /// The parameters of a solo chain under this operator's key.
    #[must_use]
    pub fn solo(operator: PublicKey, genesis_time: u64) -> Self {
        Self {
            network: Network::Solo,
            sealing: Sealing::Solo(operator),
            genesis_time,
            reward: Amount::new(6_000_000_000),
            maturity: 3,
            window_width: 1_440,
            window_grid: 60,
            reorganisation: 720,
            pace: 0,
            max_weight: 40_000,
            fee_per_weight: Amount::new(1_000),
            unit: Unit::SOT,
            auditors: None,
        }
    }

    /// The parameters of a chain that these validators seal, on the network that the caller chooses: a block
    /// a second at the fastest, all sealed blocks final, and windows of six hours at that pace.
    #[must_use]
    pub fn with_validators(network: Network, validators: ValidatorSet, genesis_time: u64) -> Self {
        Self {
            network,
            sealing: Sealing::Validators(validators),
            genesis_time,
            reward: Amount::new(6_000_000_000),
            maturity: 1,
            window_width: 21_600,
            window_grid: 360,
            reorganisation: 0,
            pace: 1,
            max_weight: 40_000,
            fee_per_weight: Amount::new(1_000),
            unit: Unit::SOT,
            auditors: None,
        }
    }

    /// The terms of the first block.
    #[must_use]
    pub fn first_terms(&self) -> Terms {
        Terms {
            sealing: self.sealing.clone(),
            rules: RULES_VERSION,
            limits: Limits { fee_per_weight: self.fee_per_weight, max_weight: self.max_weight },
            last_change: Height::GENESIS,
            announced_validators: None,
            announced_limits: None,
            announced_rules: None,
        }
    }

    /// Weight of an output that is not one-sided, without extra data.
    #[must_use]
    pub const fn output_weight(&self) -> u64 {
        OUTPUT_WEIGHT + self.audit_weight()
    }

    /// Weight of a one-sided output without extra data.
    #[must_use]
    pub const fn one_sided_output_weight(&self) -> u64 {
        ONE_SIDED_OUTPUT_WEIGHT + self.audit_weight()
    }

    /// Weight of a block's reward: one coinbase output and one coinbase kernel.
    #[must_use]
    pub const fn reward_weight(&self) -> u64 {
        self.output_weight() + KERNEL_WEIGHT
    }

    const fn audit_weight(&self) -> u64 {
        if self.auditors.is_some() { AUDIT_WEIGHT } else { 0 }
    }

    /// The key of the operator; `None` on a chain of validators.
    #[must_use]
    pub const fn operator(&self) -> Option<&PublicKey> {
        match &self.sealing {
            Sealing::Solo(operator) => Some(operator),
            Sealing::Validators(_) => None,
        }
    }

    /// Appends the length of the encoding (2 bytes) and the encoding, for formats that contain parameters.
    pub fn encode_with_length(&self, out: &mut Vec<u8>) {
        let bytes = self.to_bytes();
        out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&bytes);
    }

    /// Reads what [`Params::encode_with_length`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for a length above [`Params::MAX_BYTES`], or unless the parameters fill that length.
    pub fn decode_with_length(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = usize::from(u16::from_le_bytes(r.array()?));
        if length > Self::MAX_BYTES {
            let (found, bound) = (length as u64, Self::MAX_BYTES as u64);
            return Err(DecodeError::Bound { what: "length of the parameters", found, bound });
        }
        Self::from_bytes(r.take(length)?)
    }
}

/// Reads whether there are auditors, and which.
fn auditors(r: &mut Reader<'_>) -> Result<Option<Auditors>, DecodeError> {
    match r.u8()? {
        0 => Ok(None),
        1 => Auditors::decode(r).map(Some),
        code => Err(DecodeError::Code { what: "kind of auditors", code }),
    }
}

impl Encode for Params {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[RULES_VERSION, self.network as u8]);
        self.sealing.encode(out);
        self.genesis_time.encode(out);
        self.reward.encode(out);
        let Self { maturity, window_width, window_grid, reorganisation, pace, max_weight, .. } = *self;
        for n in [maturity, window_width, window_grid, reorganisation, pace, max_weight] {
            n.encode(out);
        }
        self.fee_per_weight.encode(out);
        self.unit.encode(out);
        out.push(self.auditors.is_some().into());
        self.auditors.iter().for_each(|auditors| auditors.encode(out));
    }
}

impl Decode for Params {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rules = r.u8()?;
        if rules != RULES_VERSION {
            return Err(DecodeError::Rules { found: rules, supported: RULES_VERSION });
        }
        let network = match r.u8()? {
            0 => Network::Main,
            1 => Network::Test,
            2 => Network::Solo,
            code => return Err(DecodeError::Code { what: "network", code }),
        };
        Ok(Self {
            network,
            sealing: Sealing::decode(r)?,
            genesis_time: r.u64()?,
            reward: Amount::decode(r)?,
            maturity: r.u64()?,
            window_width: r.u64()?,
            window_grid: r.u64()?,
            reorganisation: r.u64()?,
            pace: r.u64()?,
            max_weight: r.u64()?,
            fee_per_weight: Amount::decode(r)?,
            unit: Unit::decode(r)?,
            auditors: auditors(r)?,
        })
    }
}

/// Parameters that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The operator's key is the identity.
    #[error("invalid operator key: it is the identity")]
    OperatorKey,
    /// The auditors' key is the identity.
    #[error("invalid key of the auditors: it is the identity")]
    AuditorsKey,
    /// Blocks that a quorum certified are final, so nothing is reorganised.
    #[error("invalid reorganisation limit: expected 0 on a chain of validators")]
    Reorganisation,
    /// The window must be a positive multiple of the grid and wider than the reorganisation limit and one
    /// grid step.
    #[error(
        "invalid kernel window: expected a multiple of its grid, above one grid step and the reorganisation limit"
    )]
    Window,
    /// A block must hold its own reward.
    #[error("invalid maximum weight: a block could not hold its own reward")]
    Weight,
}

/// A chain: parameters that were checked, and their id.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::{Amount, Chain, Height, Params, PublicKey, SecretScalar};
///
/// let operator = PublicKey::of(&SecretScalar::random(&mut OsRng));
/// let params = Params::solo(operator, 1_700_000_000);
/// let chain = Chain::new(params.clone())?;
/// assert_eq!(chain.supply(Height::new(2)), params.reward.checked_add(params.reward));
///
/// // Any other parameter makes another chain.
/// let other = Chain::new(Params { genesis_time: 1_700_000_001, ..params })?;
/// assert_ne!(chain.id(), other.id());
/// # Ok::<(), sotto_mw::chain::ParamsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    params: Params,
    id: ChainId,
    terms: Terms,
}

impl Chain {
    /// Checks the parameters and computes their id.
    ///
    /// # Errors
    /// [`ParamsError`] if they contradict each other.
    pub fn new(params: Params) -> Result<Self, ParamsError> {
        let p = &params;
        match &p.sealing {
            Sealing::Solo(operator) if operator.point().is_identity() => {
                return Err(ParamsError::OperatorKey);
            }
            Sealing::Validators(_) if p.reorganisation > 0 => return Err(ParamsError::Reorganisation),
            _ => {}
        }
        let on_grid = p.window_grid > 0 && p.window_width.is_multiple_of(p.window_grid);
        if !on_grid || p.window_width <= p.reorganisation || p.window_width <= p.window_grid {
            return Err(ParamsError::Window);
        }
        if p.auditors.is_some_and(|a| a.key.point().is_identity()) {
            return Err(ParamsError::AuditorsKey);
        }
        if p.max_weight < p.reward_weight() {
            return Err(ParamsError::Weight);
        }
        let id = ChainId(tagged(tag::CHAIN_ID, &[&params.to_bytes()]));
        let terms = params.first_terms();
        Ok(Self { params, id, terms })
    }

    /// The chain under the terms of another height: judgements without a view of the state are under them,
    /// and so are fees and weights.
    #[must_use]
    pub fn under(&self, terms: &Terms) -> Self {
        Self { params: self.params.clone(), id: self.id, terms: terms.clone() }
    }

    /// The terms of the next height; those of the first block unless [`Chain::under`] said otherwise.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The parameters.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The chain id.
    #[must_use]
    pub const fn id(&self) -> &ChainId {
        &self.id
    }

    /// The unit of the chain's money.
    #[must_use]
    pub const fn unit(&self) -> &Unit {
        &self.params.unit
    }

    /// The earliest time of a block whose parent has this time (MW-R19); saturates.
    #[must_use]
    pub const fn earliest_after(&self, parent: u64) -> u64 {
        parent.saturating_add(self.params.pace)
    }

    /// All base units that exist after the block at `h`; `None` if they exceed 64 bits.
    #[must_use]
    pub fn supply(&self, h: Height) -> Option<Amount> {
        self.params.reward.units().checked_mul(h.get()).map(Amount::new)
    }

    /// The weight that a block can hold beside its reward.
    #[must_use]
    pub const fn room(&self) -> u64 {
        self.terms().limits.max_weight.saturating_sub(self.params().reward_weight())
    }

    /// The least fee of a body of this weight; `None` if it exceeds 64 bits.
    #[must_use]
    pub fn least_fee(&self, weight: u64) -> Option<Amount> {
        self.terms().limits.least_fee(weight)
    }

    /// The last height of the standard window of a payment for the block at `next`: the farthest multiple of
    /// the grid within the window width.
    #[must_use]
    pub fn standard_expiry(&self, next: Height) -> Height {
        let far = next.plus(self.params.window_width).get();
        Height::new(far - far % self.params.window_grid)
    }
}
