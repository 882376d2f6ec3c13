//! A group of members in one process, with a ledger and an ordinary wallet that does not know what it deals with.

use crate::support::{Ledger, Person, fee};
use rand_chacha::{ChaCha20Rng, rand_core::RngCore, rand_core::SeedableRng};
use sotto_keys::{
    Draft, Group, Hash, Index, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed, Share, dkg,
    member::Identity,
    view::{self, ViewSecret},
};
use sotto_mw::{amount::Amount, chain::Auditors, rules::Verified, transaction::Transaction};
use sotto_wallet::{
    InvoiceRequest,
    coin_selection::{Decision, Payee, PaymentRequest, Recipient},
    group::{GroupAnswer, GroupAsked, GroupBook, GroupError, GroupKeys, GroupRequest, GroupWallet},
    keys::{Account, Address},
    scan::{ChainSource as _, UnspentInputs},
    slate::{Invite, Invoice, Memo, Payment, Response},
};
use std::{collections::BTreeMap, sync::Mutex};

/// One member: what survives a session.
pub(crate) struct Insider {
    pub(crate) identity: Identity,
    pub(crate) share: Share,
    pub(crate) register: MemoryRegister,
    pub(crate) book: GroupBook,
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) outside: Person,
    pub(crate) draft: Draft,
    pub(crate) group: Group,
    pub(crate) view: ViewSecret,
    pub(crate) members: Vec<Insider>,
    pub(crate) rng: ChaCha20Rng,
    /// The registers as they were when the keys were made.
    pub(crate) begun: Vec<MemoryRegister>,
}

/// What one member holds of a session.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) log: Log,
    pub(crate) seed: Seed,
}

/// How a session ended for each member.
pub(crate) type Ended = Vec<Result<Option<GroupAnswer>, GroupError>>;

pub(crate) fn index(number: usize) -> Index {
    Index::new(u8::try_from(number).unwrap() + 1).unwrap()
}

/// Delivers letters as they are.
pub(crate) fn honest(letter: &Letter, _: usize) -> Option<Letter> {
    Some(letter.clone())
}

/// Gives everyone's letters to everyone; whether that was news to anybody.
fn pass_on(logs: &mut [Log], draft: &Draft, post: &dyn Fn(&Letter, usize) -> Option<Letter>) -> bool {
    let own = |(i, log): (usize, &Log)| {
        log.letters().filter(|l| l.heading().from == index(i)).cloned().collect::<Vec<_>>()
    };
    let sent: Vec<Letter> = logs.iter().enumerate().flat_map(own).collect();
    let before: usize = logs.iter().map(|log| log.letters().count()).sum();
    for (to, log) in logs.iter_mut().enumerate() {
        for letter in sent.iter().filter(|l| l.heading().from != index(to)) {
            if let Some(letter) = post(letter, to) {
                log.take(letter, draft).unwrap();
            }
        }
    }
    logs.iter().map(|log| log.letters().count()).sum::<usize>() > before
}

/// A whole session in which every step is `step`.
fn together<T>(
    (draft, identities): (&Draft, &[Identity]),
    session: Hash,
    seeds: &[Seed],
    mut step: impl FnMut(usize, &Member<'_>, &mut Log) -> Progress<T>,
) -> Vec<T> {
    let mut logs = vec![Log::new(draft.id(), session); identities.len()];
    loop {
        let mut done = Vec::new();
        for (i, log) in logs.iter_mut().enumerate() {
            let me = Member::new(draft, &identities[i], &seeds[i]).unwrap();
            if let Progress::Done(value) = step(i, &me, log) {
                done.push(value);
            }
        }
        if done.len() == identities.len() {
            return done;
        }
        assert!(pass_on(&mut logs, draft, &honest), "the session stands still");
    }
}

/// The same members each time.
pub(crate) fn identities(n: u8) -> Vec<Identity> {
    let mut rng = ChaCha20Rng::seed_from_u64(n.into());
    (0..n).map(|_| Identity::random(&mut rng)).collect()
}

/// What a key generation left: made once for each size and chain, since it takes seconds.
#[derive(Clone)]
struct Generation {
    draft: Draft,
    group: Group,
    view: ViewSecret,
    shares: Vec<Share>,
    registers: Vec<MemoryRegister>,
}

static MADE: Mutex<BTreeMap<([u8; 2], [u8; 32]), Generation>> = Mutex::new(BTreeMap::new());

impl Generation {
    fn of(t: u8, n: u8, chain: [u8; 32]) -> Self {
        let mut made = MADE.lock().unwrap();
        made.entry(([t, n], chain)).or_insert_with(|| Self::new(t, n, chain)).clone()
    }

    fn new(t: u8, n: u8, chain: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(t) << 8);
        let identities = identities(n);
        let keys = identities.iter().map(Identity::public).collect();
        let draft = Draft::new(Purpose::Coin, chain, t, keys, &mut rng).unwrap();
        let seeds: Vec<Seed> = (0..n).map(|_| Seed::random(&mut rng)).collect();
        let mut registers = vec![MemoryRegister::default(); n.into()];
        let team = (&draft, &identities[..]);
        let made = together(team, dkg::session(&draft), &seeds, |i, me, log| {
            dkg::advance(me, log, &mut registers[i]).unwrap()
        });
        let mut views =
            together(team, view::session(&draft), &seeds, |_, me, log| view::advance(me, log, None).unwrap());
        let view = views.pop().unwrap();
        assert!(views.iter().all(|other| other.name() == view.name()));
        let group = made[0].group.clone();
        let shares = made.into_iter().map(|made| made.share).collect();
        Self { draft, group, view, shares, registers }
    }
}

impl World {
    pub(crate) fn new(t: u8, n: u8) -> Self {
        Self::on(t, n, None)
    }

    /// The same on a chain with these auditors, if there are any.
    pub(crate) fn on(t: u8, n: u8, auditors: Option<Auditors>) -> Self {
        let mut ledger = Ledger::with(|p| p.auditors = auditors);
        let mut outside = ledger.wallet(10);
        ledger.grow(&outside.wallet, 12);
        outside.scan(&ledger);
        let made = Generation::of(t, n, *ledger.chain.id().as_bytes());
        let Generation { draft, group, view, shares, registers } = made;
        let begun = registers.clone();
        let members = identities(n).into_iter().zip(shares).zip(registers);
        let members = members
            .map(|((identity, share), register)| Insider {
                identity,
                share,
                register,
                book: GroupBook::default(),
            })
            .collect();
        let rng = ChaCha20Rng::seed_from_u64(u64::from(t) << 16 | u64::from(n));
        Self { ledger, outside, draft, group, view, members, rng, begun }
    }

    pub(crate) fn keys(&self) -> GroupKeys<'_> {
        GroupKeys::new(&self.ledger.chain, self.group.epoch(), &self.view).unwrap()
    }

    pub(crate) fn wallet(&self, member: usize) -> GroupWallet<'_> {
        let (chain, book) = (&self.ledger.chain, &self.members[member].book);
        GroupWallet { keys: self.keys(), chain, tip: self.ledger.height(), book }
    }

    pub(crate) fn address(&self) -> Address {
        self.keys().address(self.ledger.chain.params().network)
    }

    /// Everybody reads the chain; what all have now.
    pub(crate) fn scan(&mut self) -> u64 {
        let mut books: Vec<GroupBook> = self.members.iter().map(|m| m.book.clone()).collect();
        for book in &mut books {
            book.scan(&self.keys(), &self.ledger.chain, &self.ledger).unwrap();
        }
        let balance = books[0].balance();
        assert!(books.iter().all(|book| book.balance() == balance));
        self.members.iter_mut().zip(books).for_each(|(m, book)| m.book = book);
        balance.units()
    }

    /// An invite of the ordinary wallet to the group.
    pub(crate) fn invite(&mut self, amount: u64) -> Invite {
        let memo = Memo::new("for the roof".into()).unwrap();
        let recipient = Recipient::Interactive(self.address());
        let payee = Payee { amount: Amount::new(amount), recipient, memo };
        let plan = self.outside.wallet.plan(PaymentRequest::new(Account(0), vec![payee])).unwrap();
        self.outside.begin(plan.confirm(|_| Decision::Yes).unwrap()).unwrap()
    }

    /// An invoice of the ordinary wallet, which names no payer.
    pub(crate) fn invoice(&mut self, amount: u64) -> Invoice {
        let memo = Memo::new("two cakes".into()).unwrap();
        let ask =
            InvoiceRequest { amount: Amount::new(amount), payer: None, inputs: InvoiceRequest::INPUTS, memo };
        self.outside.wallet.create_invoice(Account(0), ask, &mut self.rng).unwrap()
    }

    /// What an invoice of the ordinary wallet costs beyond its amount.
    pub(crate) fn invoice_fee() -> u64 {
        fee(u64::from(InvoiceRequest::INPUTS), 2, 1)
    }

    /// A session in which this member has asked for this.
    pub(crate) fn open(&mut self, by: usize, request: &GroupRequest) -> Vec<Party> {
        let mut id = [0; 32];
        self.rng.fill_bytes(&mut id);
        let mut parties: Vec<Party> = Vec::new();
        for _ in &self.members {
            let seed = Seed::random(&mut self.rng);
            parties.push(Party { log: Log::new(self.draft.id(), Hash::from_bytes(id)), seed });
        }
        let seed = parties[by].seed.clone();
        let me = Member::new(&self.draft, &self.members[by].identity, &seed).unwrap();
        self.wallet(by).propose(&me, &mut parties[by].log, request).unwrap();
        parties
    }

    /// One member goes as far as its letters allow, from what it has stored.
    pub(crate) fn act(&mut self, i: usize, party: &mut Party) -> Result<Option<GroupAnswer>, GroupError> {
        party.log = Log::from_bytes(&party.log.to_bytes()).unwrap();
        let mut register = self.members[i].register.clone();
        let (asked, result) = self.step(i, party, &mut register);
        self.members[i].register = register;
        if let Some(asked) = asked {
            let mut book = self.members[i].book.clone();
            book.note(&asked);
            self.members[i].book = GroupBook::from_bytes(&book.to_bytes()).unwrap();
        }
        result
    }

    fn step(
        &self,
        i: usize,
        party: &mut Party,
        register: &mut MemoryRegister,
    ) -> (Option<GroupAsked>, Result<Option<GroupAnswer>, GroupError>) {
        let (wallet, member) = (self.wallet(i), &self.members[i]);
        let me = Member::new(&self.draft, &member.identity, &party.seed).unwrap();
        let holder = me.holding(self.group.epoch(), Some(&member.share));
        let asked = match wallet.asked(&party.log) {
            Ok(Some(asked)) => asked,
            Ok(None) => return (None, Ok(None)),
            Err(e) => return (None, Err(e)),
        };
        let answer = wallet
            .agree(&holder, &mut party.log, &asked)
            .and_then(|()| wallet.advance(&holder, &mut party.log, &asked, register));
        let answer = answer.map(|progress| match progress {
            Progress::Done(answer) => Some(answer),
            Progress::Awaiting { .. } => None,
        });
        (Some(asked), answer)
    }

    /// Everybody acts and hears the others, until nothing changes.
    pub(crate) fn run(
        &mut self,
        parties: &mut [Party],
        post: &dyn Fn(&Letter, usize) -> Option<Letter>,
    ) -> Ended {
        loop {
            let mut ended = Vec::new();
            for (i, party) in parties.iter_mut().enumerate() {
                ended.push(self.act(i, party));
            }
            let mut logs: Vec<Log> = parties.iter().map(|p| p.log.clone()).collect();
            let news = pass_on(&mut logs, &self.draft, post);
            parties.iter_mut().zip(logs).for_each(|(p, log)| p.log = log);
            if !news {
                return ended;
            }
        }
    }

    /// Asks for it, with the help of these; the answer, which all have.
    pub(crate) fn carry_out(&mut self, by: usize, request: &GroupRequest) -> GroupAnswer {
        let mut parties = self.open(by, request);
        let ended = self.run(&mut parties, &honest);
        let answers: Vec<GroupAnswer> = ended.into_iter().map(|end| end.unwrap().unwrap()).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        answers.into_iter().next().unwrap()
    }

    pub(crate) fn respond(&mut self, by: usize, invite: &Invite, with: &[Index]) -> Response {
        let request = self.wallet(by).receive(invite, with).unwrap();
        match self.carry_out(by, &request) {
            GroupAnswer::Response(response) => *response,
            GroupAnswer::Payment(_) => panic!("a payment"),
        }
    }

    pub(crate) fn pay_invoice(&mut self, by: usize, invoice: &Invoice, with: &[Index]) -> Payment {
        let request = self.wallet(by).pay(invoice, with).unwrap();
        match self.carry_out(by, &request) {
            GroupAnswer::Payment(payment) => *payment,
            GroupAnswer::Response(_) => panic!("a response"),
        }
    }

    /// The ordinary wallet pays the group.
    pub(crate) fn receive(&mut self, amount: u64, with: &[Index]) {
        let invite = self.invite(amount);
        let response = self.respond(usize::from(with[0].get()) - 1, &invite, with);
        let payment = self.outside.finalize(&response).unwrap();
        self.seal(payment);
    }

    /// The group pays the ordinary wallet.
    pub(crate) fn pay(&mut self, amount: u64, with: &[Index]) {
        let invoice = self.invoice(amount);
        let payment = self.pay_invoice(usize::from(with[0].get()) - 1, &invoice, with);
        let inputs = UnspentInputs::look_up(&self.ledger, &payment).unwrap();
        let payment = self.outside.wallet.collect(&payment, &inputs).unwrap();
        self.seal(payment);
    }

    pub(crate) fn seal(&mut self, payment: Verified<Transaction>) {
        let miner = &self.outside.wallet;
        self.ledger.seal(miner, &[payment]);
        self.outside.scan(&self.ledger);
        self.scan();
        assert_eq!(self.ledger.tip().unwrap().0, self.ledger.height());
    }
}

/// These members, by their indexes.
pub(crate) fn these(numbers: &[u8]) -> Vec<Index> {
    numbers.iter().map(|i| Index::new(*i).unwrap()).collect()
}
