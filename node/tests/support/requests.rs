//! A chain with auditors, and requests that authorities allowed and that are on record.
#![allow(dead_code, reason = "each test uses a part")]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_audit::{
    AnswerRecord, Charter, CharterTerms, Matter, OpenedRequest, OutputPlace, ReadRequest, RecordedAnswer,
    RequestLetter, case_name,
};
use sotto_mw::{
    amount::Height,
    group::Scalar,
    kernel::{Excess, KernelFeatures, Notice},
    schnorr::PublicKey,
    testing::{Owned, TestChain},
};
use sotto_party::Identity;

pub(crate) struct Requests {
    pub(crate) test_chain: TestChain,
    pub(crate) charter: Charter,
    court: Identity,
    reader: Identity,
    coins: Vec<Owned>,
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A charter under which this authority allows requests, which become public two blocks after their notice.
pub(crate) fn charter(court: &Identity) -> Charter {
    let key = PublicKey::of(&Scalar::from(4_711u64).into());
    let terms = CharterTerms { needed: 1, outputs: 4, requests: 9, depth: 1, delay: 2 };
    Charter::new(key, vec![court.public().digest()], terms, "For the court.\n").unwrap()
}

impl Requests {
    /// With coins that pay for so many notices.
    pub(crate) fn new(coins: usize) -> Self {
        let (court, reader) = (Identity::random(&mut rng(80)), Identity::random(&mut rng(81)));
        let charter = charter(&court);
        let mut test_chain = TestChain::with(82, |p| p.auditors = Some(charter.auditors()));
        let coins = (0..coins).map(|_| test_chain.grow(Vec::new())).collect();
        test_chain.mature();
        Self { test_chain, charter, court, reader, coins }
    }

    /// A request for the reward of block 1, which the authority allowed.
    pub(crate) fn allowed(&self, seed: u64) -> RequestLetter {
        let mut letter = self.asked(seed);
        letter.allow(self.test_chain.chain().id(), &self.charter, &self.court).unwrap();
        letter
    }

    /// The same, which no authority allowed.
    pub(crate) fn asked(&self, seed: u64) -> RequestLetter {
        let output = self.test_chain.blocks()[0].body.outputs[0].commitment.encoded();
        let outputs = vec![OutputPlace { height: Height::new(1), output }];
        let matter = Matter { case: case_name(&[7; 32], "12/26"), outputs, reason: "an order".into() };
        let request = ReadRequest::new(&self.charter, matter, self.reader.public(), &mut rng(seed));
        request.unwrap().into()
    }

    /// Puts this on record, in the next block.
    pub(crate) fn put(&mut self, notice: Notice) -> Excess {
        let (coin, chain) = (self.coins.pop().unwrap(), &mut self.test_chain);
        let (fee, not_after) = (chain.least_fee(1, 1, 4), chain.chain().standard_expiry(chain.next()));
        let rest = chain.output(coin.opening.amount.units() - fee.units());
        let features = KernelFeatures::Notice { fee, not_after, notice };
        let transaction = chain.transaction(&[&coin], &[&rest], &[features]);
        let excess = transaction.body.kernels[0].excess;
        chain.grow(vec![transaction]);
        excess
    }

    /// Puts the last notice of a letter on record.
    pub(crate) fn noticed(&mut self, letter: RequestLetter) -> RequestLetter {
        let notice = letter.last_notice(self.test_chain.chain().id());
        letter.noticed(self.put(notice))
    }

    /// The reader says that members 1 and 2 answered, and puts that on record.
    pub(crate) fn recorded(&mut self, letter: RequestLetter) -> RequestLetter {
        let answers = [2, 1].map(|member| RecordedAnswer::of(member, &[member; 9])).to_vec();
        let chain = self.test_chain.chain();
        let record = AnswerRecord::new(chain.id(), letter.request(), answers, &self.reader).unwrap();
        self.noticed(letter.answered(record).unwrap())
    }

    pub(crate) fn grow(&mut self, blocks: usize) {
        (0..blocks).for_each(|_| drop(self.test_chain.grow(Vec::new())));
    }

    pub(crate) fn opened(&self, letter: &RequestLetter) -> OpenedRequest {
        OpenedRequest { charter: self.charter.clone(), letter: letter.clone() }
    }

    /// So many requests that are public.
    pub(crate) fn public(&mut self, n: u64) -> Vec<OpenedRequest> {
        let letters: Vec<_> = (0..n).map(|seed| self.noticed(self.allowed(seed))).collect();
        self.grow(2);
        letters.iter().map(|letter| self.opened(letter)).collect()
    }
}
