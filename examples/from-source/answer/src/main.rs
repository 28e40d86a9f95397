//! Prints one line of JSON: enough to need crates, little enough to read.

#[derive(serde::Serialize)]
struct Answer {
    answer: u32,
    architecture: &'static str,
}

fn main() {
    let answer = Answer { answer: 42, architecture: std::env::consts::ARCH };
    // Two numbers and a name always serialise.
    println!("{}", serde_json::to_string(&answer).unwrap_or_default());
}
