// How many patients of two hospitals a trial could ask, and their mean age: from 65 on, with diabetes, on metformin, seen
// since 2025, and with a creatinine below 1.50 mg/dl, or none measured. Fewer than ten are not counted.

enum Diagnosis { Diabetes, Hypertension, Asthma, Other }

struct Patient { age: u8, diagnosis: Diagnosis, metformin: bool, creatinine: (bool, u16), seen: u32 }

struct Cohort { patients: (bool, u32), mean_age: (bool, u32) }

fn has_diabetes(diagnosis: Diagnosis) -> bool {
    match diagnosis { Diagnosis::Diabetes => true, _ => false }
}

fn fits(patient: Patient) -> bool {
    let kidneys = !patient.creatinine.0 | (patient.creatinine.1 < 150u16);
    let recent = patient.seen >= 20089u32; // 2025-01-01, in days since 1970-01-01
    (patient.age >= 65u8) & has_diabetes(patient.diagnosis) & patient.metformin & kidneys & recent
}

pub fn main(first: [Patient; 180], second: [Patient; 140]) -> Cohort {
    let mut patients = 0u32;
    let mut ages = 0u32;
    for patient in first {
        if fits(patient) {
            patients = patients + 1u32;
            ages = ages + (patient.age as u32);
        }
    }
    for patient in second {
        if fits(patient) {
            patients = patients + 1u32;
            ages = ages + (patient.age as u32);
        }
    }
    let shown = patients >= 10u32;
    let mean = if shown { ages * 10u32 / patients } else { 0u32 };
    Cohort { patients: (shown, if shown { patients } else { 0u32 }), mean_age: (shown, mean) }
}
