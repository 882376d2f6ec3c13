//! A small job for tests: two input parties who do not compute, one who does, and a result party who does
//! nothing else.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod selling;
pub(crate) mod world;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::attempt::Executable;
use sotto_jobs::job::{Attestation, Draft, Input, Limits, Meeting, Output, Party, Pin, Suite};
use sotto_jobs::multiparty::{CheckedInputs, Column, Declaration, Functionality, Header, Rows, Table};
use sotto_jobs::text::{Line, Name, Prose};
use sotto_jobs::verify_program::{leaks, schema};
use sotto_jobs::{Agreement, Approval, Digest, Job, PartyId};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, Words};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::ot::Expansion;
use sotto_mpc::program::ProgramName;
use sotto_mpc::protocol::malicious::Settings;
use sotto_party::Identity;

/// Before the expiry of the job.
pub(crate) const NOW: u64 = 1_790_000_000;
/// Names in the order of the job.
pub(crate) const NAMES: [&str; 5] = ["acme", "bolt", "carl", "dora", "eve"];

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

/// The secret of a party.
pub(crate) fn identity(id: PartyId) -> Identity {
    Identity::random(&mut rng(1000 + u64::from(id.0)))
}

/// The sum of three numbers of each input party.
pub(crate) struct Sum(Header);

impl Sum {
    pub(crate) fn new(input_parties: usize) -> Self {
        Self::up_to(input_parties, 999)
    }

    /// With numbers as large as this.
    pub(crate) fn up_to(input_parties: usize, most: u128) -> Self {
        let table = |name, rows, column, most| {
            let number = Number::up_to(most).scaled(2);
            Table::new(name, Rows::Exactly(rows), vec![Column::new(column, number)])
        };
        let sum = table("sum", 1, "total", most * 3 * input_parties as u128);
        let reveals =
            vec!["Who knows all numbers but one input party's learns that input party's sum.".to_owned()];
        let name = ProgramName::literal("sum@1");
        let declaration =
            Declaration::new(vec![vec![table("people", 3, "pay", most)]; input_parties], vec![sum], reveals);
        Self(Header { name, declaration, parameters: [0; 32] })
    }
}

impl Executable for Sum {}

impl Functionality for Sum {
    fn header(&self) -> &Header {
        &self.0
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let width = self.0.declaration.outputs()[1].columns[0].number.width();
        let zero = f.constant(false);
        let mut sum = Words::single(&vec![zero; width]);
        for input_party in 0..self.0.declaration.parties().len() {
            let chunk = inputs.whole(f, input_party)?.unwrap();
            for row in 0..chunk.rows {
                let mut pay = chunk.column(0).lanes_in(row..row + 1);
                while pay.width() < width {
                    pay = pay.appended(&[zero]);
                }
                sum = f.add(&sum, &pay)?;
            }
        }
        outputs.extend(sum.wires());
        Ok(())
    }
}

pub(crate) fn draft() -> Draft {
    draft_of(&Sum::new(3))
}

/// The job that computes this sum.
pub(crate) fn draft_of(program: &Sum) -> Draft {
    let meeting = |i| (i < 2).then(|| Meeting::Address(line("127.0.0.1:0")));
    let party = |(i, name): (usize, &&str)| Party {
        name: Name::new(name).unwrap(),
        key: identity(PartyId(i as u16)).public(),
        meeting: meeting(i),
    };
    let (circuit, cost) = program.gate_stream(1000).unwrap();
    let input = |(i, input_party)| Input { party: PartyId(input_party), tables: schema(program, i).unwrap() };
    let output = |name, result_parties: &[u16]| Output {
        name: line(name),
        result_parties: result_parties.iter().map(|id| PartyId(*id)).collect(),
    };
    Draft {
        name: line("pay"),
        purpose: Prose::new("to know the sum of pay").unwrap(),
        nonce: Digest([7; 32]),
        parties: NAMES.iter().enumerate().map(party).collect(),
        garbler: PartyId(0),
        evaluator: PartyId(1),
        program: Pin {
            name: ProgramName::new("sum@1").unwrap(),
            parameters: Vec::new(),
            source: None,
            compiler: line("sotto 0.1.0"),
            circuit: Digest(circuit),
            and_gates: cost.and_gates,
        },
        inputs: [0, 2, 3].into_iter().enumerate().map(input).collect(),
        outputs: vec![output("inputs_hold", &[0, 4]), output("sum", &[4])],
        leaks: leaks(program).unwrap(),
        suite: Suite::SemiHonest(Expansion::None),
        limits: Limits { rows: 10, and_gates: 1000, seconds: 60 },
        deadline: 60,
        expiry: 4_000_000_000,
        runs: 2,
        results: Vec::new(),
        attestation: Attestation::default(),
        further: Vec::new(),
        sale: None,
    }
}

/// The job of [`draft`] against malicious compute parties. Outputs go to both compute parties, one of which has no
/// input, to an input party that does not compute, and to a party that does nothing else.
pub(crate) fn malicious_draft() -> Draft {
    let mut draft = draft();
    draft.suite = Suite::Malicious(Settings::default());
    let [holds, sum] = &mut draft.outputs[..] else { unreachable!() };
    holds.result_parties = [0, 1, 2, 4].map(PartyId).to_vec();
    sum.result_parties = [4, 2, 1].map(PartyId).to_vec();
    draft
}

/// The same with three compute parties, of whom two bring an input and the evaluator none.
pub(crate) fn draft_of_three() -> Draft {
    let mut draft = malicious_draft();
    draft.further = vec![PartyId(3)];
    draft.parties[3].meeting = Some(Meeting::Address(line("127.0.0.1:0")));
    draft
}

pub(crate) fn job() -> Job {
    Job::new(draft()).unwrap()
}

pub(crate) fn approvals(job: &Job) -> Vec<Approval> {
    job.ids().map(|id| Approval::sign(job, &identity(id), &mut rng(id.0.into())).unwrap()).collect()
}

pub(crate) fn agreement(job: &Job) -> Agreement {
    Agreement::new(job.clone(), &approvals(job), NOW).unwrap()
}
