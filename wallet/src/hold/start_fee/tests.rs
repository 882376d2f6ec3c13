//! What a seller that knows all its secrets can put in place of its output for the start fee, and why it is refused.

use super::*;
use crate::{
    hold::{
        HoldPrice, HoldTerms, Schedule, SignedShare,
        payer::{self, Party, Proposal},
        seller,
    },
    keys::{Account, Root, Words},
    slate::Memo,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    chain::{Auditors, Params},
    group::Scalar,
    hash::Hash,
    kernel::KernelFeatures,
    output::Extra,
};

const FEE: u64 = 500_000;
const RECEIVED: OutputPurpose = OutputPurpose::Received;

fn chain(change: impl FnOnce(&mut Params)) -> Chain {
    let operator = PublicKey::of(&Scalar::from(3u64).into());
    let mut params = Params::solo(operator, 0);
    change(&mut params);
    Chain::new(params).unwrap()
}

fn account(n: u8) -> AccountKeys {
    Root::new(&Words::from_entropy(&[n; 32]).unwrap()).account(Account(0))
}

/// An offer with this start fee to `seller`, and the consent to it.
struct Scene {
    chain: Chain,
    seller: AccountKeys,
    offer: Offer,
    join: Join,
    rng: ChaCha20Rng,
}

impl Scene {
    fn new(start_fee: u64) -> Self {
        let (chain, rng) = (chain(|_| ()), &mut ChaCha20Rng::seed_from_u64(5));
        let (payer, seller, tip) = (account(1), account(2), Height::new(4));
        let (amount, start_fee) = (Amount::new(2_000_000), Amount::new(start_fee));
        let schedule = Schedule { blocks: 20, rungs: 1, confirmations: 1 };
        let terms = HoldTerms::new(&chain, tip.next(), HoldPrice { amount, start_fee }, schedule).unwrap();
        let not_after = chain.standard_expiry(tip.next());
        let funding = KernelFeatures::Plain { fee: Amount::new(100_000), not_after };
        let to = seller.identity(chain.params().network).address;
        let new = Proposal { terms, funding, seller: to, memo: Memo::default() };
        let offer = payer::open(&Party { keys: &payer, chain: &chain, tip }, new, rng).offer;
        let join = seller::join(&Party { keys: &seller, chain: &chain, tip }, &offer, rng).unwrap().join;
        Self { chain, seller, offer, join, rng: rng.clone() }
    }

    fn paid(&self) -> &StartFee {
        self.join.start_fee.as_ref().unwrap()
    }

    fn blinding(&self, opening: &Opening) -> SecretScalar {
        self.seller.blinding(RECEIVED, opening)
    }

    /// The consent with another output that opens to this, whose offset and receipt fit it.
    fn with(&self, output: Output, opening: &Opening) -> Join {
        let found = self.paid().output.replay(self.chain.id());
        let (_, before) = found.and_then(|replayed| self.seller.recognise(&replayed)).unwrap();
        let SignedShare { share, offset, .. } = self.join.funding;
        let moved = self.blinding(opening).sub(&self.blinding(&before)).reveal();
        let Self { seller: keys, chain, offer, .. } = self;
        let new = NewOutput { keys, chain, offer, output, blinding: self.blinding(opening) };
        let signed = new.signed(&share.key, &mut self.rng.clone()).unwrap();
        let funding = SignedShare { offset: offset + moved, ..self.join.funding };
        Join { funding, start_fee: Some(signed), ..self.join.clone() }
    }

    fn made(&self, amount: u64) -> (Output, Opening) {
        let opening = Opening { amount: Amount::new(amount), index: [9; 12] };
        (self.seller.output(&self.chain, RECEIVED, &opening).unwrap(), opening)
    }

    fn checked(&self, join: &Join) -> Result<(), HoldError> {
        payer::check_join(&self.chain, &self.offer, join).map(drop)
    }
}

#[test]
fn any_output_of_the_seller_with_the_agreed_amount_is_accepted() {
    let s = Scene::new(FEE);
    s.checked(&s.join).unwrap();
    let (output, opening) = s.made(FEE);
    let other = s.with(output, &opening);
    s.checked(&other).unwrap();
}

#[test]
fn an_output_of_another_amount_does_not_fit_the_offset() {
    let s = Scene::new(FEE);
    for amount in [1, FEE - 1, FEE + 1, u64::MAX] {
        let (output, opening) = s.made(amount);
        let other = s.with(output, &opening);
        assert_eq!(s.checked(&other), Err(HoldError::Offset(Role::Responder)), "{amount}");
    }
    let mut join = s.join.clone();
    join.funding.offset += Scalar::ONE;
    assert_eq!(s.checked(&join), Err(HoldError::Offset(Role::Responder)));
    // The output alone, without what it changes in the offset.
    let (output, opening) = s.made(FEE);
    let funding = s.join.funding;
    let join = Join { funding, ..s.with(output, &opening) };
    assert_eq!(s.checked(&join), Err(HoldError::Offset(Role::Responder)));
}

#[test]
fn an_output_that_is_there_exactly_if_a_start_fee_was_offered() {
    let s = Scene::new(FEE);
    let join = Join { start_fee: None, ..s.join.clone() };
    assert_eq!(s.checked(&join), Err(HoldError::StartFee));
    let free = Scene::new(0);
    assert_eq!(free.join.start_fee, None);
    free.checked(&free.join).unwrap();
    let join = Join { start_fee: s.join.start_fee.clone(), ..free.join.clone() };
    assert_eq!(free.checked(&join), Err(HoldError::StartFee));
}

#[test]
fn an_output_that_says_more_than_its_amount_is_refused() {
    let s = Scene::new(FEE);
    let (mut output, opening) = s.made(FEE);
    let reward = s.seller.reward(&s.chain, &opening).unwrap();
    let as_reward = s.with(reward, &opening);
    output.extra = Extra::new(vec![1]).unwrap();
    let with_text = s.with(output, &opening);
    for join in [as_reward, with_text] {
        assert_eq!(s.checked(&join), Err(HoldError::Output));
    }
}

#[test]
fn an_output_whose_proof_is_for_another_chain_or_output_is_refused() {
    let s = Scene::new(FEE);
    let (good, opening) = s.made(FEE);
    let key = PublicKey::of(&Scalar::from(4_711u64).into());
    let others =
        [chain(|p| p.genesis_time = 1), chain(|p| p.auditors = Some(Auditors { key, charter: Hash::ZERO }))];
    for other in &others {
        let output = s.seller.output(other, RECEIVED, &opening).unwrap();
        assert_eq!(output.commitment, good.commitment);
        let join = s.with(output, &opening);
        assert_eq!(s.checked(&join), Err(HoldError::Proof));
    }
    let mut join = s.with(good, &opening);
    let proof = s.paid().output.proof.clone();
    join.start_fee.as_mut().unwrap().output.proof = proof;
    assert_eq!(s.checked(&join), Err(HoldError::Proof));
}

/// Anyone can read an offer in plain text: the start fee goes to the address in it, or the hold is not funded.
#[test]
fn only_the_address_in_the_offer_signs_the_receipt() {
    let mut s = Scene::new(FEE);
    let (output, opening) = s.made(FEE);
    let mut join = s.with(output, &opening);
    // That of another output.
    let before = s.paid().receipt;
    join.start_fee.as_mut().unwrap().receipt = before;
    assert_eq!(s.checked(&join), Err(HoldError::Receipt));
    // That of another address, over the same statement.
    let StartFee { output, .. } = s.paid();
    let statement = receipt(&s.offer, &s.join.funding.share.key, &output.commitment).message(s.chain.id());
    let stranger = account(3).identity(s.chain.params().network);
    let mut join = s.join.clone();
    join.start_fee.as_mut().unwrap().receipt = sign(&stranger.sign, &statement, &mut s.rng);
    assert_eq!(s.checked(&join), Err(HoldError::Receipt));
}
