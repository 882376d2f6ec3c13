// A decision on each of forty applications, by a bank's own scorecard and a credit bureau's records, which are in the same
// order. The bank sees decisions, and the bureau nothing.

struct Application { income: u32, loan: u32, years_employed: u8 }

struct Record { debts: u32, late_payments: u8 }

// Points of the bank's card, and the least sums for a loan and for a second look.
struct Card { per_year: u8, most_years: u8, low_burden: u8, late_payment: u8, approve: u8, refer: u8 }

enum Decision { Approve, Refer, Decline }

fn decide(card: Card, application: Application, record: Record) -> Decision {
    let years = if application.years_employed < card.most_years { application.years_employed } else { card.most_years };
    let burden = (application.loan as u64) + (record.debts as u64);
    let bonus = if burden < (application.income as u64) * 3u64 { card.low_burden } else { 0u8 };
    let plus = (card.per_year as u32) * (years as u32) + (bonus as u32);
    let minus = (card.late_payment as u32) * (record.late_payments as u32);
    let points = if plus > minus { plus - minus } else { 0u32 };
    if points >= (card.approve as u32) {
        Decision::Approve
    } else {
        if points >= (card.refer as u32) { Decision::Refer } else { Decision::Decline }
    }
}

pub fn main(card: Card, applications: [Application; 40], records: [Record; 40]) -> [Decision; 40] {
    let mut decisions = [Decision::Decline; 40];
    for i in 0usize..40usize {
        decisions[i] = decide(card, applications[i], records[i]);
    }
    decisions
}
