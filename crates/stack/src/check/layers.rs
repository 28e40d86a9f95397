//! `[layers]`.

use std::collections::BTreeMap;

use crate::file::LayersTable;
use crate::findings::Findings;

/// The components that are kept together, by the layer's name.
pub(super) fn check(table: LayersTable, findings: &mut Findings) -> BTreeMap<String, Vec<String>> {
    let mut layers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, members) in table.0 {
        if members.is_empty() {
            findings
                .error("stack::layers", &name.span, format!("layer `{}` lists no component", name.value))
                .help("`longshore plan` shows what they are called".to_owned());
        }
        for member in &members {
            let pattern = member.strip_suffix('*').unwrap_or(member);
            if pattern.is_empty() || pattern.contains('*') {
                let message = format!("`{}` is no component's name: a `*` may end one", member.value);
                findings.error("stack::layers", &member.span, message);
            }
            if let Some((other, _)) = layers.iter().find(|(_, all)| all.contains(&member.value)) {
                let message = format!("`{}` is in layer `{other}` already", member.value);
                findings.error("stack::layers", &member.span, message);
            }
        }
        layers.insert(name.value, members.into_iter().map(|member| member.value).collect());
    }
    layers
}
