//! What a payer brings to a transaction alone: inputs, change, outputs of one-sided payments, and the sums
//! that balance them.
//!
//! ```text
//! blinding = Σ r_out − Σ r_in                              the payer's share of the offset is blinding − Σ x
//! keys     = Σ r (outputs) + Σ (d − k_o) (inputs)          y = keys − x_b, for the bond X = x_b·G
//! x_b      = D("sotto/wallet/bond-key/v1", 32 fresh bytes ‖ signing key ‖ kernel ‖ own outputs ‖ one-sided inputs)
//! ```
//!
//! All one-sided items of a payer hang on one bond: with two bonds or an x_b used twice, others could swap
//! items. The bond signs the excess and the message of its kernel, so it can be added after two parties have
//! signed that kernel. Source: `docs/adr/0009-one-sided-payments.md`.

use super::{BondedPart, SlateError};
use crate::{
    keys::{AccountKeys, NewOneSided, OutputKind, OutputSecret, derive_scalar},
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::Chain,
    codec::Encode,
    commitment::Commitment,
    kernel::Kernel,
    one_sided::{Bond, OneSidedInput},
    output::Output,
    secret::SecretScalar,
    transaction::Body,
};
use zeroize::Zeroizing;

/// The inputs of a payer, and its change.
#[derive(Clone, Debug)]
pub(crate) struct Funding {
    /// The outputs to spend.
    pub(crate) inputs: Vec<OutputSecret>,
    /// The change, if there is any.
    pub(crate) change: Option<OutputSecret>,
}

/// The payer's part of a body, and what balances it.
pub(crate) struct Funded {
    pub(crate) inputs: Vec<Commitment>,
    pub(crate) one_sided_inputs: Vec<OneSidedInput>,
    pub(crate) outputs: Vec<Output>,
    blinding: SecretScalar,
    keys: SecretScalar,
}

impl Funding {
    /// Signs one-sided inputs and makes the change.
    pub(crate) fn fund(
        &self,
        keys: &AccountKeys,
        chain: &Chain,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Funded, SlateError> {
        let (inputs, one_sided_inputs, outputs) = (vec![], vec![], vec![]);
        let (blinding, sum) = (SecretScalar::zero(), SecretScalar::zero());
        let mut funded = Funded { inputs, one_sided_inputs, outputs, blinding, keys: sum };
        for input in &self.inputs {
            funded.spend(keys, chain, input, rng)?;
        }
        match self.change {
            Some(OutputSecret { kind: OutputKind::Hidden { .. }, opening, .. }) => {
                funded.add(keys.hidden_change(chain, &opening, rng)?);
            }
            Some(OutputSecret { purpose, opening, .. }) => {
                funded.outputs.push(keys.output(chain, purpose, &opening)?);
                funded.blinding = funded.blinding.add(&keys.blinding(purpose, &opening));
            }
            None => {}
        }
        Ok(funded)
    }
}

impl Funded {
    fn spend(
        &mut self,
        keys: &AccountKeys,
        chain: &Chain,
        input: &OutputSecret,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), SlateError> {
        let secrets = keys.secrets(chain, input).map_err(SlateError::Record)?;
        let commitment = Commitment::new(input.opening.amount, &secrets.blinding);
        self.blinding = self.blinding.sub(&secrets.blinding);
        match secrets.receiver {
            None => self.inputs.push(commitment),
            Some(k_o) => {
                let (input, part) = OneSidedInput::sign(chain.id(), commitment, &k_o, rng);
                self.one_sided_inputs.push(input);
                self.keys = self.keys.add(&part);
            }
        }
        Ok(())
    }

    /// Adds a one-sided output that this wallet made.
    pub(crate) fn add(&mut self, new: NewOneSided) {
        self.outputs.push(new.output);
        self.blinding = self.blinding.add(&new.blinding);
        self.keys = self.keys.add(&new.sender);
    }

    /// The payer's share of the offset, where x is the sum of its keys in all kernels.
    pub(crate) fn offset(&self, x: &SecretScalar) -> SecretScalar {
        self.blinding.sub(x)
    }

    /// Hangs the one-sided items on the first bonded kernel of a body, if there is one.
    pub(crate) fn bond(
        &self,
        keys: &AccountKeys,
        chain: &Chain,
        body: &mut Body,
        rng: &mut (impl RngCore + CryptoRng),
    ) {
        let Some(kernel) = body.kernels.iter().find(|k| k.features.is_bonded()) else { return };
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let mut items = Vec::new();
        self.outputs.iter().for_each(|o| o.commitment.encode(&mut items));
        self.one_sided_inputs.iter().for_each(|i| i.encode(&mut items));
        let parts: [&[u8]; 4] = [&*fresh, &*keys.hedge().to_bytes(), &kernel.to_bytes(), &items];
        let x = derive_scalar(tag::BOND_KEY, &parts);
        body.bonds.insert(kernel.excess, Bond::sign(chain.id(), kernel, &x, rng));
        body.key_offset = self.keys.sub(&x).reveal();
    }

    /// Takes the one-sided inputs and hangs them on a kernel of the payer alone.
    pub(crate) fn hang_on(
        &mut self,
        kernel: Kernel,
        keys: &AccountKeys,
        chain: &Chain,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<BondedPart, SlateError> {
        let mut body = Body { kernels: vec![kernel.clone()], ..Body::default() };
        self.bond(keys, chain, &mut body, rng);
        let bond = body.bonds.get(&kernel.excess).copied().ok_or(SlateError::KernelKind)?;
        let mut inputs = core::mem::take(&mut self.one_sided_inputs);
        inputs.sort_unstable_by_key(|i| i.commitment);
        Ok(BondedPart { inputs, kernel, bond, key_offset: body.key_offset })
    }
}
