//! `longshore schema`: the JSON Schema of the stack file.

use crate::report::{Failure, print_json};

pub fn run() -> Result<(), Failure> {
    print_json(&longshore_stack::schema());
    Ok(())
}
