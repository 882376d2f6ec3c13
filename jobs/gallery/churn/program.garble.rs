// Customers whom a phone company lost and a rival won within half a year, by e-mail address: how many, and how many months
// they had been with the first. Fewer than ten are not counted.

struct Churn { customers: (bool, u32), mean_months: (bool, u32) }

pub fn main(lost: [(u64, (u32, u16)); 80], won: [(u64, u32); 60]) -> Churn {
    let mut customers = 0u32;
    let mut months = 0u32;
    for ((_, (left, with_us)), (_, came)) in join_iter(lost, won) {
        if (came >= left) & (came < left + 183u32) {
            customers = customers + 1u32;
            months = months + (with_us as u32);
        } else { }
    }
    let shown = customers >= 10u32;
    let mean = if shown { months / customers } else { 0u32 };
    Churn { customers: (shown, if shown { customers } else { 0u32 }), mean_months: (shown, mean) }
}
