//! Types of columns from the job file to the result: what a file says by name, date or nothing at all, a source
//! computes on, and the result says in the same words.
#![allow(clippy::unwrap_used, clippy::panic)]

use sotto_jobs::budget::RowsHasher;
use sotto_jobs::exposure;
use sotto_jobs::job_file::{self, Counting};
use sotto_jobs::multiparty::{Cells, Functionality};
use sotto_jobs::program::Computation;
use sotto_jobs::result::PartyResult;
use sotto_jobs::rows::{self, Schema};
use sotto_jobs::summary::describe;
use sotto_jobs::text_key::TextKey;
use sotto_jobs::verify_program::verify;
use sotto_jobs::{Format, Identity, Job};
use sotto_mpc::Bits;

/// Of all members of one region: the mean of their pay in cents, if any have one, the last of their dates, and
/// whose region has more members.
const SOURCE: &str = "
enum Region { North, South }

struct Person { region: Region, member: bool, pay: (bool, u32), joined: u32, level: u8 }

struct Answer { mean: (bool, u32), last: u32, more: Region, level: u8, all: bool }

fn is_south(region: Region) -> bool {
    match region { Region::North => false, Region::South => true }
}

pub fn main(a: [Person; 3], b: [Person; 3]) -> Answer {
    let mut sum = 0u32;
    let mut count = 0u32;
    let mut south = 0u32;
    let mut last = 0u32;
    let mut level = 0u8;
    let mut all = true;
    for person in a {
        if person.pay.0 { sum = sum + person.pay.1; count = count + 1u32; }
        if is_south(person.region) { south = south + 1u32; }
        if person.joined > last { last = person.joined; }
        if person.level > level { level = person.level; }
        all = all & person.member;
    }
    for person in b {
        if person.pay.0 { sum = sum + person.pay.1; count = count + 1u32; }
        if is_south(person.region) { south = south + 1u32; }
        if person.joined > last { last = person.joined; }
        if person.level > level { level = person.level; }
        all = all & person.member;
    }
    let more = if south > 3u32 { Region::South } else { Region::North };
    let mean = if count > 0u32 { (true, sum / count) } else { (false, 0u32) };
    Answer { mean, last, more, level, all }
}
";

const COLUMNS: &str = "\
columns.pay = { max = \"10000.00\", decimals = 2, optional = true }
columns.joined = { type = \"date\", min = 1990-01-01 }
columns.level = { values = [\"junior\", \"senior\", \"head of\"] }
";

fn job_text(first: &str, second: &str, output: &str) -> String {
    format!(
        "name = \"People\"
purpose = \"To try types\"
nonce = \"c6a91f0d84be2357f06c1a2d9b83e4750a6fd219c3b8e75f4a2d60917be3c85d\"
expiry = 2036-01-01T00:00:00Z
deadline = 300
maximum_runs = 1
[roles]
garbler = \"north\"
evaluator = \"south\"
[program]
garble = \"program.garble.rs\"
[limits]
rows = 3
and_gates = 20000
seconds = 60
[[party]]
name = \"north\"
key = \"north.pub\"
address = \"north.example:7700\"
[[party]]
name = \"south\"
key = \"south.pub\"
address = \"south.example:7700\"
[[input]]
party = \"north\"
{first}
[[input]]
party = \"south\"
{second}
[[output]]
name = \"inputs_hold\"
result_parties = [\"north\"]
[[output]]
name = \"panicked\"
result_parties = [\"north\"]
[[output]]
name = \"result\"
result_parties = [\"north\"]
{output}
"
    )
}

const RESULTS: &str = "\
columns.mean = { decimals = 2, optional = true }
columns.last = { type = \"date\" }
columns.level = { values = [\"junior\", \"senior\", \"head of\"] }
";

fn parse_source(text: &str, source: &str) -> Result<(Job, Computation), String> {
    let read = |name: &str| match name {
        "program.garble.rs" => Ok(source.to_owned()),
        name => {
            use rand_chacha::rand_core::SeedableRng;
            let seed = name.bytes().map(u64::from).sum();
            Ok(Identity::random(&mut rand_chacha::ChaCha20Rng::seed_from_u64(seed)).public().to_text())
        }
    };
    let parsed = job_file::parse(text, Counting::Now, &crate::compiler::compiler(), read);
    parsed.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
}

fn parse(text: &str) -> Result<(Job, Computation), String> {
    parse_source(text, SOURCE)
}

/// What is opened of two files, computed in the clear.
fn opened(job: &Job, program: &Computation, files: [(Format, &str); 2]) -> Result<Vec<Cells>, String> {
    let mut inputs = Vec::new();
    for (i, (format, text)) in files.into_iter().enumerate() {
        let mut local = program.local(i);
        let schema = Schema { tables: &job.inputs[i].tables, texts: &TextKey::for_checks() };
        rows::read(schema, [(format, text.as_bytes())], &mut *local).map_err(|e| e.to_string())?;
        inputs.push(local.finish().unwrap());
    }
    Ok(program.compute(&inputs).unwrap())
}

/// The result of two files, as it is shown.
fn result(job: &Job, program: &Computation, files: [(Format, &str); 2]) -> Result<String, String> {
    let cells = opened(job, program, files)?;
    let bits = |(i, rows): (usize, &Cells)| {
        let mut bits = Bits::default();
        rows.iter().for_each(|row| program.declaration().outputs()[i].encode_row(row, &mut bits).unwrap());
        (i, bits.iter().collect())
    };
    let outputs: Vec<_> = cells.iter().enumerate().map(bits).collect();
    let result = PartyResult::of(program, &outputs);
    let table = &result.tables[2];
    Ok(format!("{}{}", table.to_csv().unwrap(), table.to_json()))
}

const CSV: &str = "\
pay;joined;region;member;level
1000,50;2020-02-29;South;TRUE;junior
;2019-12-31;South;true;head of
2000,25;1999-01-01;North;1;senior
";

#[test]
fn names_dates_and_missing_values_go_in_and_come_out() {
    let (job, program) = parse(&job_text(COLUMNS, COLUMNS, RESULTS)).unwrap();
    assert_eq!(verify(&job, &program), Ok(()));
    let json =
        "[{\"pay\":null,\"joined\":\"2024-05-06\",\"region\":\"South\",\"member\":true,\"level\":\"junior\"},
        {\"joined\":\"2001-01-01\",\"region\":\"South\",\"member\":false,\"level\":\"senior\"},
        {\"pay\":\"3000.00\",\"joined\":\"2001-01-01\",\"region\":\"North\",\"member\":true,\"level\":0}]";
    let shown = result(&job, &program, [(Format::Csv, CSV), (Format::JsonLines, json)]).unwrap();
    let expected = "mean,last,more,level,all\n2000.25,2024-05-06,South,head of,false\n\
        [{\"mean\":\"2000.25\",\"last\":\"2024-05-06\",\"more\":\"South\",\"level\":\"head of\",\"all\":\"false\"}]";
    assert_eq!(shown, expected);
    // Nobody has a pay: there is no mean, and a zero is not taken for one.
    let none = CSV.replace("1000,50", "").replace("2000,25", "NA");
    let shown = result(&job, &program, [(Format::Csv, &none), (Format::Csv, &none)]).unwrap();
    assert!(shown.starts_with("mean,last,more,level,all\n,2020-02-29,South,head of,true\n"), "{shown}");
    assert!(shown.contains("\"mean\":null"), "{shown}");
}

/// Subscribers of two services, one with a row of another kind.
const JOIN: &str = "
pub fn main(a: [(u64, bool); 3], b: [(u64, u16); 2]) -> u32 {
    let mut sum = 0u32;
    for ((_, active), (_, paid)) in join_iter(a, b) {
        if active { sum = sum + (paid as u32); } else { }
    }
    sum
}
";

/// Texts are compared by their hashes, whatever the order of the files, and no file has to be sorted.
#[test]
fn texts_are_joined() {
    let columns = "columns.\"0\" = { type = \"text\" }\n";
    let (job, program) = parse_source(&job_text(columns, columns, ""), JOIN).unwrap();
    assert_eq!(verify(&job, &program), Ok(()));
    let shown = describe(&job, None).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("0: a text, as a hash under a key that the approvals make"), "{shown}");
    let a = "0,1\nzoe@example.org,true\n\"Doe, Jane\",true\n0049,false\n";
    let found = |a: &str, b: &str| result(&job, &program, [(Format::Csv, a), (Format::Csv, b)]);
    assert_eq!(
        found(a, "0,1\n\"Doe, Jane\",7\nzoe@example.org,30\n").unwrap(),
        "result\n37\n[{\"result\":\"37\"}]"
    );
    let other = "0,1\n49,7\nZoe@example.org,30\n";
    assert_eq!(found(a, other).unwrap(), "result\n0\n[{\"result\":\"0\"}]", "letter by letter");
    let missing = found("0,1\n,true\nx,true\ny,true\n", other).unwrap_err();
    assert!(missing.contains("row 1 (line 2), column 0: the field is empty"), "{missing}");
}

#[test]
fn a_text_needs_its_bits_and_is_no_result() {
    let text = "columns.\"0\" = { type = \"text\" }\n";
    let refused = |inputs: &str, output: &str, source: &str| {
        parse_source(&job_text(inputs, inputs, output), source).unwrap_err()
    };
    let narrow = refused(text, "", &JOIN.replace("u64", "u32"));
    assert!(narrow.contains("not the 62 bits of a text"), "{narrow}");
    let shown = refused("", "columns.result = { type = \"text\" }\n", JOIN);
    assert!(shown.contains("a result has no texts"), "{shown}");
    let bounded = refused("columns.\"0\" = { type = \"text\", max = 5 }\n", "", JOIN);
    assert!(bounded.contains("`min` or `max` that is not of its type"), "{bounded}");
}

/// A result of 75 bits, and rows of some 45.
#[test]
fn a_signer_sees_how_much_an_output_could_tell() {
    let (job, program) = parse(&job_text(COLUMNS, COLUMNS, RESULTS)).unwrap();
    let shown = exposure::describe(&job, &program);
    assert!(
        shown.ends_with("  result: 75 bits\n      a: one row exactly\n      b: one row exactly\n"),
        "{shown}"
    );
}

#[test]
fn too_few_gates_are_refused_with_a_number_that_suffices() {
    let needed = |why: &str, of: &str| {
        let (_, number) = why.split_once(of).unwrap_or_else(|| panic!("{why}"));
        number.split([';', ' ']).next().unwrap().parse::<u64>().unwrap()
    };
    let text = job_text(COLUMNS, COLUMNS, RESULTS);
    let allowed = |gates: u64| parse(&text.replace("and_gates = 20000", &format!("and_gates = {gates}")));
    let least = needed(&allowed(100).unwrap_err(), "more than 100 AND gates: it has ");
    assert_eq!(allowed(least).unwrap().0.program.and_gates, least);
    assert_eq!(needed(&allowed(least - 1).unwrap_err(), "AND gates: it has "), least);
    let products = "pub fn main(a: [u64; 60000], b: u64) -> u64 { let mut all = b;
        for row in a { all = (all & 4294967295u64) * (row & 1048575u64); } all }";
    let large = job_text("columns.a = { max = 1000000 }", "", "").replace("rows = 3", "rows = 60000");
    let allowed = |gates: u64| {
        parse_source(&large.replace("and_gates = 20000", &format!("and_gates = {gates}")), products)
    };
    let most = needed(&allowed(2_000_000).unwrap_err(), "AND gates: it has at most ");
    assert_eq!(needed(&allowed(100).unwrap_err(), "or compute less; "), most, "too many XOR gates, too");
    let has = allowed(most).unwrap().0.program.and_gates;
    assert!(has > 1 << 26 && has <= most && most - has < 3_000_000, "{has} {most}");
}

#[test]
fn a_signer_sees_every_type() {
    let (job, _) = parse(&job_text(COLUMNS, COLUMNS, RESULTS)).unwrap();
    let shown = describe(&job, None).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "region: one of North, South",
        "member: true or false",
        "pay: 0.00 to 10000.00; may be empty, as pay.0 says",
        "joined: a date, from 1990-01-01 to 9999-12-31",
        "level: one of junior, senior, head of",
        "mean: with 2 decimals",
        "last: a date",
        "more: one of North, South",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_field_of_another_type_is_named_without_its_bytes() {
    let (job, program) = parse(&job_text(COLUMNS, COLUMNS, RESULTS)).unwrap();
    for (from, to, why) in [
        ("1000,50", "20000", "row 1 (line 2), column pay: outside the range"),
        ("2020-02-29", "2021-02-29", "row 1 (line 2), column joined: not a date such as"),
        ("2020-02-29", "1980-02-29", "column joined: outside the range"),
        ("South", "south", "column region: none of the names"),
        ("TRUE", "yes", "column member: neither true nor false"),
        ("TRUE", "", "column member: the field is empty"),
        ("head of", "chief", "row 2 (line 3), column level: none of the names"),
        (
            "pay;",
            "pay.0;",
            "line 1: the name of column 1 is not one that the job names (\"region\", \"member\", \"pay\"",
        ),
    ] {
        let error = result(&job, &program, [(Format::Csv, &CSV.replacen(from, to, 1)), (Format::Csv, CSV)])
            .unwrap_err();
        assert!(error.contains(why), "{error}");
        assert!(to.is_empty() || to == "pay.0;" || !error.contains(to), "{error}");
    }
}

#[test]
fn types_that_do_not_fit_are_refused_with_their_line() {
    let refused =
        |first: &str, second: &str, output: &str| parse(&job_text(first, second, output)).unwrap_err();
    for (entry, why) in [
        ("columns.pay = { max = 5 }", "\"pay\" cannot have this type: the program has no column"),
        ("columns.level = { optional = true }", "a tuple or a struct of a bool"),
        ("columns.level = { max = 256 }", "does not hold this range"),
        ("columns.level = { values = [\"a\", \"a\"] }", "1 to 1024 different texts"),
        ("columns.level = { values = [\"a\"], max = 2 }", "neither `min` nor `max`"),
        ("columns.level = { type = \"word\" }", "none of \"number\""),
        ("columns.joined = { type = \"date\", min = 5 }", "`min` or `max` that is not of its type"),
        ("columns.joined = { type = \"date\", decimals = 2 }", "only numbers have decimals"),
        ("columns.region = { values = [\"a\", \"b\", \"c\"] }", "not as many names"),
        ("columns.pay = { optional = true }\nmissing = { pay = \"0\" }", "is optional"),
        ("columns.pay = { optional = true }\nmissing = { \"pay.0\" = \"1\" }", "is not a column of files"),
        ("missing = { region = \"West\" }", "not of its type"),
    ] {
        let error = refused(entry, "", "");
        assert!(error.contains("line 24") && error.contains(why), "{entry}: {error}");
    }
    for (entry, why) in [
        ("columns.last = { type = \"date\", min = 1990-01-01 }", "is a result, and has no range"),
        ("columns.first = { decimals = 1 }", "no column of this name"),
        ("columns.more = { decimals = 1 }", "only numbers have decimals"),
    ] {
        let error = refused("", "", entry);
        assert!(error.contains(why), "{entry}: {error}");
    }
}

/// Two parties that mean different things by one column make a wrong result that nobody sees.
#[test]
fn inputs_must_agree_on_decimals_and_types() {
    let one = "columns.level = { max = 9, decimals = 1 }";
    for (first, second) in [
        (one, ""),
        ("", one),
        (one, "columns.level = { max = 9, decimals = 2 }"),
        ("columns.level = { values = [\"a\", \"b\"] }", "columns.level = { values = [\"b\", \"a\"] }"),
    ] {
        let error = parse(&job_text(first, second, "")).unwrap_err();
        assert!(error.contains("inputs must agree on what a column means"), "{first} {second}: {error}");
    }
    // Ranges may differ.
    parse(&job_text(one, "columns.level = { max = 5, decimals = 1 }", "")).unwrap();
}

/// A job of plain numbers has the bytes and the id that it had before there were types.
#[test]
fn only_a_job_with_types_has_the_second_version() {
    let plain = "pub fn main(a: u8, b: u8) -> u8 { a ^ b }";
    let (job, _) = parse_source(&job_text("columns.a = { max = 9, decimals = 1 }", "", ""), plain).unwrap();
    assert!(job.to_bytes().starts_with(b"sotto job v1\0"));
    let (typed, _) = parse_source(&job_text("", "", "columns.result = { decimals = 2 }"), plain).unwrap();
    assert!(typed.to_bytes().starts_with(b"sotto job v2\0"));
    for job in [&job, &typed, &parse(&job_text(COLUMNS, COLUMNS, RESULTS)).unwrap().0] {
        let bytes = job.to_bytes();
        assert_eq!(Job::from_bytes(&bytes).as_ref(), Ok(job));
        // The other version's prefix makes no job of these bytes: each has one encoding.
        let other = if bytes[11] == b'1' { b'2' } else { b'1' };
        let mut swapped = bytes.clone();
        swapped[11] = other;
        assert!(Job::from_bytes(&swapped).is_err());
        swapped.extend([0; 4]);
        assert!(Job::from_bytes(&swapped).is_err(), "version 2 with nothing of its own");
    }
    // What is shown and what is read are part of the id.
    let ids =
        [RESULTS, &RESULTS.replace("decimals = 2", "decimals = 3"), &RESULTS.replace("junior", "intern")];
    let ids = ids.map(|results| parse(&job_text(COLUMNS, COLUMNS, results)).unwrap().0.id());
    assert!(ids[0] != ids[1] && ids[0] != ids[2]);
    let renamed = COLUMNS.replace("\"junior\", \"senior\"", "\"senior\", \"junior\"");
    assert_ne!(parse(&job_text(&renamed, &renamed, RESULTS)).unwrap().0.id(), ids[0]);
}

/// The same file is the same data for a budget, whatever a job makes of its columns: otherwise an author could ask again
/// with names in another order.
#[test]
fn types_make_no_other_data_set_of_the_same_rows() {
    use rand_chacha::rand_core::SeedableRng;
    let source = |row: &str| {
        let party = |name: &str| format!("for row in {name} {{ if row.level == 1u8 {{ n = n + 1u8; }} }}\n");
        format!(
            "struct R {{ level: u8, {row} }}\npub fn main(a: [R; 3], b: [R; 3]) -> u8 {{\nlet mut n = 0u8;\n{}{}n\n}}",
            party("a"),
            party("b")
        )
    };
    let [plain, optional] = ["pay: u32", "pay: (bool, u32)"].map(source);
    let file = "level;pay;day\nno;12,50;2020-02-29\nyes;;1999-01-01\nNA;0;1999-01-01\n";
    let data_set = |source: &str, columns: &str, file: &str| {
        let day = "columns.day = { type = \"date\" }";
        let source = source.replace("level: u8,", "level: u8, day: u32,");
        let columns = format!("{columns}\n{day}");
        let (job, program) = parse_source(&job_text(&columns, &columns, ""), &source).unwrap();
        let identity = Identity::random(&mut rand_chacha::ChaCha20Rng::seed_from_u64(3));
        let (mut hasher, mut local) = (RowsHasher::new(&identity), program.local(0));
        let files = [(Format::Csv, file.as_bytes())];
        let schema = Schema { tables: &job.inputs[0].tables, texts: &TextKey::for_checks() };
        rows::read_hashed(schema, files, &mut hasher, &mut *local).unwrap();
        hasher.finish(None)
    };
    let levels = "columns.level = { values = [\"no\", \"yes\", \"NA\"] }\n";
    let one = data_set(&plain, &format!("{levels}columns.pay.decimals = 2\nmissing.pay = \"0\""), file);
    for (source, columns) in [
        (&optional, format!("{levels}columns.pay = {{ decimals = 3, optional = true }}")),
        (
            &plain,
            levels.replace("\"no\", \"yes\"", "\"yes\", \"no\"")
                + "columns.pay.decimals = 2\nmissing.pay = \"9\"",
        ),
    ] {
        assert_eq!(data_set(source, &columns, file), one, "{columns}");
        assert_ne!(data_set(source, &columns, &file.replacen("no", "yes", 1)), one);
        assert_ne!(data_set(source, &columns, &file.replacen("02-29", "02-28", 1)), one);
    }
}

const CLAIMS: &str = "
struct Part { there: bool, value: u16 }
enum Claim { Nothing, Fixed(u32), Share(Part, u8) }
pub fn main(a: [Claim; 3], b: [Claim; 3]) -> [Claim; 3] {
    let mut most = a;
    for i in 0usize..3usize {
        most[i] = match b[i] { Claim::Nothing => a[i], other => other };
    }
    most
}
";

/// A variant has a column, and each of its fields; those of other variants are empty, in files and in results.
#[test]
fn fields_of_variants_are_columns() {
    let typed = |table: &str| {
        format!(
            "columns.\"{table}.Fixed\" = {{ max = \"900.00\", decimals = 2 }}\ncolumns.\"{table}.Share.0\" = {{ min = 5, max = 100, optional = true }}"
        )
    };
    let text = job_text(
        &typed("a"),
        &typed("b"),
        &typed("result").replace("max = \"900.00\", ", "").replace("min = 5, max = 100, ", ""),
    );
    let (job, program) = parse_source(&text, CLAIMS).unwrap();
    assert!(
        describe(&job, None).contains("a.Fixed: 0.00 to 900.00; only where a is Fixed"),
        "{}",
        describe(&job, None)
    );
    let north = "a,a.Fixed,a.Share.0,a.Share.1\nNothing,,,\nFixed,12.50,,\nShare,,,7\n";
    let south = "{\"b\":\"Share\",\"b.Share.0\":60,\"b.Share.1\":8}\n{\"b\":\"Nothing\"}\n{\"b\":\"Fixed\",\"b.Fixed\":1,\"b.Share.1\":null}\n";
    let csv = result(&job, &program, [(Format::Csv, north), (Format::JsonLines, south)]).unwrap();
    let expected =
        "result,result.Fixed,result.Share.0,result.Share.1\nShare,,60,8\nFixed,12.50,,\nFixed,1.00,,\n";
    // What a row's variant has not is opened as zero, although variants share their bits.
    let cells = opened(&job, &program, [(Format::Csv, north), (Format::JsonLines, south)]).unwrap();
    assert_eq!(cells[2], [[2, 0, 1, 60, 8], [1, 1250, 0, 0, 0], [1, 100, 0, 0, 0]]);
    let (csv, json) = csv.split_once('[').unwrap();
    assert_eq!(csv.replace('\r', ""), expected);
    assert!(
        json.contains("{\"result\":\"Fixed\",\"result.Fixed\":\"12.50\",\"result.Share.0\":null,"),
        "{json}"
    );
    for (from, to, why) in [
        (
            "Nothing,,,",
            "Nothing,,,3",
            "column a.Share.1: the field must be empty: the row has another variant",
        ),
        ("Nothing,,,", "Nothing,,9,", "column a.Share.0: the field must be empty"),
        ("Fixed,12.50,,", "Fixed,,,", "column a.Fixed: the field is empty"),
        ("Share,,,7", "Share,,4,7", "column a.Share.0: outside the range"),
        ("Share,,,7", "Sharing,,,7", "column a: none of the names"),
    ] {
        let wrong = north.replace(from, to);
        let e = result(&job, &program, [(Format::Csv, &wrong), (Format::JsonLines, south)]).unwrap_err();
        assert!(e.contains(why), "{to}: {e}");
    }
    let renamed = text.replace(
        "[[output]]\nname = \"result\"",
        "[[output]]\nname = \"result\"\ncolumns.result = { values = [\"x\", \"y\", \"z\"] }",
    );
    assert!(parse_source(&renamed, CLAIMS).unwrap_err().contains("its variants have fields"));
    let filled = text.replace(
        "party = \"north\"\ncolumns",
        "party = \"north\"\nmissing = { \"a.Share.1\" = \"1\" }\ncolumns",
    );
    assert!(parse_source(&filled, CLAIMS).unwrap_err().contains("is a field of a variant"));
}
