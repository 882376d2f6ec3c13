//! What every member of a group computes: addresses, openings, commitments; and how it finds the group's outputs.
//!
//! ```text
//! r0           = D("sotto/group/blinding/v1", view secret ‖ X_k ‖ v)        mod ℓ
//! rewind, τ    = D("sotto/group/rewind/v1", view secret), D("sotto/group/tau/v1", view secret)     32 bytes
//! index        = k (1) ‖ 0¹¹            in the range proof, where the view secret alone reads it
//! address      = X_0 ‖ D("sotto/group/encrypt/v1", view secret)·G           an interactive address
//! ```
//!
//! An output is the group's if its index names a key and its commitment is the one that follows. So the list of a
//! group's outputs is in the chain, and a member that has group file and view secret reads it there.

use super::GroupError;
use crate::{
    encrypt::{Encryptable, Encrypted},
    keys::{Address, derive_key, derive_scalar},
    tag,
};
use sotto_keys::{
    Epoch, Hash as KeysHash,
    pool::{Pool, PoolKey, Sums},
    view::ViewSecret,
};
use sotto_mw::{
    amount::Amount,
    chain::{Chain, Network},
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::Point,
    joint::group_output::{GroupOutput, Owners, commitment},
    output::{OutputFeatures, OutputKeys},
    range_proof::{Opening, RewindKey, TauKey},
    schnorr::PublicKey,
    secret::SecretScalar,
    state::RewindData,
};

/// An output of a group, by its key and its amount: all that it follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupCoin {
    /// The key of the pool.
    pub key: PoolKey,
    /// The amount.
    pub amount: Amount,
}

impl Encode for GroupCoin {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.key.get());
        self.amount.encode(out);
    }
}

impl Decode for GroupCoin {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: PoolKey::new(r.u8()?), amount: Amount::decode(r)? })
    }
}

/// The sums of what members showed of their masks for a key, as points.
pub(super) struct MaskSums {
    /// T1x and T2x, or D and E.
    pub(super) masks: [Point; 2],
    /// x·P, T'1x and T'2x, for the key of an output on a chain with auditors.
    pub(super) handles: Option<[Point; 3]>,
}

impl MaskSums {
    pub(super) fn of(sums: &Sums) -> Result<Self, GroupError> {
        let point = |bytes: [u8; 32]| Point::from_bytes(bytes).ok_or(GroupError::OtherPlan);
        let [m, n] = sums.masks;
        let over = |[x, m, n]: [[u8; 32]; 3]| Ok::<_, GroupError>([point(x)?, point(m)?, point(n)?]);
        Ok(Self { masks: [point(m)?, point(n)?], handles: sums.over.map(over).transpose()? })
    }
}

/// The keys of a group that owns outputs, as each of its members has them.
#[derive(Clone, Copy, Debug)]
pub struct GroupKeys<'g> {
    epoch: &'g Epoch,
    view: &'g ViewSecret,
}

impl<'g> GroupKeys<'g> {
    /// The keys of a group on this chain.
    ///
    /// # Errors
    /// [`GroupError::NoPool`], [`GroupError::OtherChain`].
    pub fn new(chain: &Chain, epoch: &'g Epoch, view: &'g ViewSecret) -> Result<Self, GroupError> {
        PoolKey::ADDRESS.set(epoch.draft()).ok_or(GroupError::NoPool)?;
        let same = epoch.draft().chain() == Some(chain.id().as_bytes());
        if same { Ok(Self { epoch, view }) } else { Err(GroupError::OtherChain) }
    }

    /// The keys of a group that was checked.
    pub(crate) const fn checked(epoch: &'g Epoch, view: &'g ViewSecret) -> Self {
        Self { epoch, view }
    }

    /// The group at its epoch.
    #[must_use]
    pub const fn epoch(&self) -> &'g Epoch {
        self.epoch
    }

    /// The pool of members that share this view secret, over the key of the chain's auditors too, if there are some.
    pub(super) fn pool(&self, chain: &Chain) -> Pool<'g> {
        let context = sotto_mw::hash::tagged(tag::GROUP_CONTEXT, &[self.view.name().as_bytes()]);
        let pool = Pool::new(self.epoch, KeysHash::from_bytes(*context.as_bytes()));
        // The key in a chain's parameters is a point, and not the identity.
        let over = chain.params().auditors.and_then(|a| pool.over(a.key.as_bytes()));
        over.unwrap_or(pool)
    }

    /// The public key of this number.
    pub(super) fn public(&self, key: PoolKey) -> PublicKey {
        // An epoch of a group for `coin` has 256 keys, each a point.
        let bytes = self.epoch.public_key(key.get().into()).unwrap_or_default();
        PublicKey::from_point(Point::from_bytes(bytes).unwrap_or_else(Point::g))
    }

    /// The address of the group: interactive, because what is paid to it while all are away nobody could spend.
    #[must_use]
    pub fn address(&self, network: Network) -> Address {
        let encrypt = PublicKey::of(&self.encryption_secret());
        Address::interactive(network, [self.public(PoolKey::ADDRESS), encrypt])
    }

    /// Decrypts a message to the group's address; `None` if it is to another one, or was altered. Any member can.
    #[must_use]
    pub fn decrypt<T: Encryptable>(&self, chain: &Chain, message: &Encrypted<T>) -> Option<T> {
        message.decrypt_with(chain.id(), &[self.encryption_secret()])
    }

    /// Encrypts the group's message to an address. Every member makes the same bytes.
    #[must_use]
    pub fn encrypt<T: Encryptable>(&self, chain: &Chain, to: &Address, message: &T) -> Encrypted<T> {
        Encrypted::by(chain.id(), &self.encryption_secret(), to, message)
    }

    fn encryption_secret(&self) -> SecretScalar {
        derive_scalar(tag::GROUP_ENCRYPT, &[self.view.expose()])
    }

    /// r0.
    pub(super) fn base(&self, coin: &GroupCoin) -> SecretScalar {
        let (key, amount) = (self.public(coin.key), coin.amount.units().to_le_bytes());
        derive_scalar(tag::GROUP_BLINDING, &[self.view.expose(), key.as_bytes(), &amount])
    }

    fn rewind(&self) -> RewindKey {
        RewindKey(*derive_key(tag::GROUP_REWIND, &[self.view.expose()]))
    }

    fn opening(coin: &GroupCoin) -> Opening {
        let mut index = [0; 12];
        index[0] = coin.key.get();
        Opening { amount: coin.amount, index }
    }

    /// C.
    #[must_use]
    pub fn commitment(&self, coin: &GroupCoin) -> Commitment {
        commitment(&Self::opening(coin), &self.base(coin), &self.public(coin.key))
    }

    /// A new output, which waits for the members' answer under these sums of masks.
    pub(super) fn output(
        &self,
        chain: &Chain,
        coin: &GroupCoin,
        sums: &MaskSums,
    ) -> Result<GroupOutput, GroupError> {
        let (blinding, rewind) = (self.base(coin), self.rewind());
        let tau = TauKey(*derive_key(tag::GROUP_TAU, &[self.view.expose()]));
        let keys = OutputKeys { blinding: &blinding, rewind: &rewind, tau: &tau };
        let owners = Owners { key: self.public(coin.key), terms: sums.masks, handles: sums.handles };
        Ok(GroupOutput::new(chain, &Self::opening(coin), &keys, &owners)?)
    }

    /// The coin in an output; `None` if it is not the group's.
    #[must_use]
    pub fn recognise(&self, chain: &Chain, output: &RewindData) -> Option<GroupCoin> {
        if !matches!(output.features, OutputFeatures::Plain) {
            return None;
        }
        let Opening { amount, index } = output.replay(chain.id())?.rewind(&self.rewind())?;
        let coin = GroupCoin { key: PoolKey::new(index[0]), amount };
        (Self::opening(&coin).index == index && self.commitment(&coin) == output.commitment).then_some(coin)
    }
}
