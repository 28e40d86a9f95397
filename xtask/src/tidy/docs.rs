//! Documents: links that lead somewhere, the two commands first, a changelog that is kept.

use crate::run::{Result, read, root};

/// Breaches in Markdown files.
pub fn breaches(files: &[String]) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        let text = read(&root().join(file))?;
        for target in links(&text) {
            if !leads_somewhere(file, &target) {
                said.push(format!("{file}: the link `{target}` leads nowhere"));
            }
        }
    }
    let first = first_block(&read(&root().join("README.md"))?);
    if !(first.contains("./x up") && first.contains("./x test")) {
        said.push(String::from("README.md: its first block of commands must hold `./x up` and `./x test`"));
    }
    if !read(&root().join("CHANGELOG.md"))?.contains("\n## Unreleased") {
        said.push(String::from("CHANGELOG.md: no section `## Unreleased`"));
    }
    Ok(said)
}

/// Targets of `[text](target)` outside of code blocks.
fn links(text: &str) -> Vec<String> {
    let mut code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if code {
            continue;
        }
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            found.push(target.split_whitespace().next().unwrap_or_default().to_owned());
            rest = after;
        }
    }
    found
}

fn leads_somewhere(file: &str, target: &str) -> bool {
    if target.contains("://") || target.starts_with('#') || target.starts_with("mailto:") {
        return true;
    }
    let path = target.split('#').next().unwrap_or_default();
    let base = root().join(file);
    base.parent().is_some_and(|folder| folder.join(path).exists())
}

/// The first fenced block.
fn first_block(text: &str) -> String {
    text.split("```").nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "see [a](b.md#c) and [d](https://e)\n```\n[not](this)\n```\n";
        assert_eq!(links(text), ["b.md#c", "https://e"]);
        assert!(leads_somewhere("README.md", "Cargo.toml#x"));
        assert!(!leads_somewhere("README.md", "nowhere.md"));
    }
}
