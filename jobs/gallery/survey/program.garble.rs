// How satisfied people of three ages are, over the survey rows of three organisations. A line with fewer than ten
// answers is left out, and all counts are rounded to the nearest five.

enum Age { Under30, From30To49, From50 }

enum Satisfied { Yes, Partly, No }

struct Answer { age: Age, satisfied: Satisfied }

struct Line { age: Age, yes: (bool, u16), partly: (bool, u16), no: (bool, u16) }

// The place of an answer in a table of three lines and three columns.
fn place(answer: Answer) -> usize {
    let line = match answer.age { Age::Under30 => 0usize, Age::From30To49 => 3usize, Age::From50 => 6usize };
    match answer.satisfied { Satisfied::Yes => line, Satisfied::Partly => line + 1usize, Satisfied::No => line + 2usize }
}

fn rounded(count: u16) -> u16 {
    (count + 2u16) / 5u16 * 5u16
}

fn line(age: Age, yes: u16, partly: u16, no: u16) -> Line {
    let shown = yes + partly + no >= 10u16;
    let cell = if shown { (rounded(yes), rounded(partly), rounded(no)) } else { (0u16, 0u16, 0u16) };
    Line { age, yes: (shown, cell.0), partly: (shown, cell.1), no: (shown, cell.2) }
}

pub fn main(first: [Answer; 150], second: [Answer; 120], third: [Answer; 90]) -> [Line; 3] {
    let mut count = [0u16; 9];
    for answer in first {
        let cell = place(answer);
        count[cell] = count[cell] + 1u16;
    }
    for answer in second {
        let cell = place(answer);
        count[cell] = count[cell] + 1u16;
    }
    for answer in third {
        let cell = place(answer);
        count[cell] = count[cell] + 1u16;
    }
    [
        line(Age::Under30, count[0], count[1], count[2]),
        line(Age::From30To49, count[3], count[4], count[5]),
        line(Age::From50, count[6], count[7], count[8]),
    ]
}
