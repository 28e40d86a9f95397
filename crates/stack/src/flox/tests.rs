//! What hooks and commands come to, in tables.

use serde_json::json;

use super::manifest::Manifest;
use super::variables::Variables;

/// A manifest with these variables, and what its image has of them and of the hook `script`.
fn activated(vars: &[(&str, &str)], script: &str) -> String {
    let vars: serde_json::Map<_, _> =
        vars.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let manifest: Manifest = serde_json::from_value(json!({ "vars": vars })).unwrap();
    let (mut variables, unresolved) = Variables::of(&manifest, Some("/opt/env"));
    let unresolved: Vec<String> = unresolved.into_iter().map(|(name, why)| format!("{name} {why}")).collect();
    if !unresolved.is_empty() {
        return unresolved.join("; ");
    }
    if let Err(impure) = variables.activate(script) {
        return format!("{}: {}", impure.does, impure.line);
    }
    let all = variables.exported().into_iter().filter(|(name, _)| name != "FLOX_ENV");
    all.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn variables_may_name_each_other() {
    let table: [(&[(&str, &str)], &str); 9] = [
        (&[("A", "1"), ("B", "${A}2")], "A=1 B=12"),
        (&[("A", "${B}/x"), ("B", "${C}"), ("C", "c")], "A=c/x B=c C=c"),
        (&[("A", "$B ${ ${1} ${x y} $")], "A=$B ${ ${1} ${x y} $"),
        (&[("LIB", "${FLOX_ENV}/lib")], "LIB=/opt/env/lib"),
        (&[("A", "${HOME}/x")], "A needs `$HOME`, which only the machine knows that activates it"),
        (
            &[("A", "${B}"), ("B", "${A}")],
            "A needs its own value: `A` → `B` → `A`; B needs its own value: `B` → `A` → `B`",
        ),
        (&[("A", "${A}")], "A needs its own value: `A` → `A`"),
        (
            &[("A", "${B}"), ("B", "${NO}")],
            "A needs `$NO`, which only the machine knows that activates it; B needs `$NO`, which only the machine knows that activates it",
        ),
        (&[("A", "")], "A="),
    ];
    for (vars, expected) in table {
        assert_eq!(activated(vars, ""), expected, "{vars:?}");
    }
}

#[test]
fn hooks_that_only_set_variables_are_carried_out() {
    let table = [
        ("", "V=v"),
        ("# nothing\n\n  \t\n", "V=v"),
        ("export A=1", "A=1 V=v"),
        ("A=1\nexport A", "A=1 V=v"),
        ("A=1; B=$A; export B", "B=1 V=v"),
        ("export A=1 B=\"$A$V\" # both", "A=1 B=1v V=v"),
        ("V=other", "V=other"),
        ("export A='$V \"x\"'", "A=$V \"x\" V=v"),
        ("export A=\"a \\\"b\\\" \\$V \\n\"", "A=a \"b\" $V \\n V=v"),
        ("export A=a\\ b", "A=a b V=v"),
        ("export A=\\\n1", "A=1 V=v"),
        ("export A=${V}x", "A=vx V=v"),
        ("export V=\"${V:-default}\"", "V=v"),
        ("export PORT=${PORT:-8080}", "PORT=8080 V=v"),
        ("export A=$FLOX_ENV/lib", "A=/opt/env/lib V=v"),
        ("export A=100% B=$ C=a=b", "A=100% B=$ C=a=b V=v"),
        ("echo \"Welcome, $USER\"\nexport A='zwei\nZeilen'", "A=zwei\nZeilen V=v"),
        ("export A=ä#b", "A=ä#b V=v"),
    ];
    for (script, expected) in table {
        assert_eq!(activated(&[("V", "v")], script), expected, "{script}");
    }
}

#[test]
fn hooks_that_do_more_are_refused_with_the_line() {
    let table = [
        ("export A=$(date)", "takes what a program prints: export A=$(date)"),
        ("A=1\n  export B=`date`\n", "takes what a program prints: export B=`date`"),
        ("export A=\"ä$(date)\"", "takes what a program prints: export A=\"ä$(date)\""),
        ("npm install", "runs `npm`: npm install"),
        ("A=1 npm install", "runs `npm`: A=1 npm install"),
        ("\"A\"=1", "runs `A=1`: \"A\"=1"),
        ("mkdir -p \"$FLOX_ENV_CACHE\"", "runs `mkdir`: mkdir -p \"$FLOX_ENV_CACHE\""),
        ("test -d x && A=1", "joins commands or redirects them: test -d x && A=1"),
        ("echo x > y", "joins commands or redirects them: echo x > y"),
        ("if true; then\nA=1\nfi", "runs `if`: if true; then"),
        ("[ -d x ]", "has patterns or conditions of a shell: [ -d x ]"),
        ("f() {\n}", "joins commands or redirects them: f() {"),
        ("export A=~/x", "names somebody's home folder: export A=~/x"),
        (
            "export PATH=\"$HOME/bin:$PATH\"",
            "needs `$HOME`, which only the machine knows that activates it: export PATH=\"$HOME/bin:$PATH\"",
        ),
        ("export HOME", "needs `$HOME`, which only the machine knows that activates it: export HOME"),
        ("export -f x", "exports something else than a variable: export -f x"),
        ("export A=${B:-x}", "needs `$B`, which only the machine knows that activates it: export A=${B:-x}"),
        ("export A=${V%x}", "asks the shell for something: export A=${V%x}"),
        ("export A=$1", "asks the shell for something: export A=$1"),
        ("export A='x", "has a quote that does not end: export A='x"),
        ("A=\"x", "has a quote that does not end: A=\"x"),
        ("A=x\\", "ends in the middle of a word: A=x\\"),
        ("eval \"$V\"", "runs `eval`: eval \"$V\""),
    ];
    for (script, expected) in table {
        assert_eq!(activated(&[("V", "v")], script), expected, "{script}");
    }
    // Each line doubles the value; nobody waits for the last.
    let doubling = format!("A=xx\n{}", "A=$A$A\n".repeat(60));
    assert_eq!(activated(&[], &doubling), "is longer than any program could take: A=$A$A");
    let names: Vec<(String, String)> =
        (0..60).map(|n| (format!("A{n}"), format!("${{A{0}}}${{A{0}}}", n + 1))).collect();
    let mut vars: Vec<(&str, &str)> =
        names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    vars.push(("A60", "x"));
    assert!(activated(&vars, "").contains("is longer than any program could take"));
}

#[test]
fn commands_of_plain_words_need_no_shell() {
    let manifest: Manifest =
        serde_json::from_value(json!({ "vars": { "PORT": "80", "TWO": "a b" } })).unwrap();
    let (variables, _) = Variables::of(&manifest, None);
    let table = [
        ("caddy run", "caddy|run"),
        ("  exec caddy run  \n", "caddy|run"),
        ("server --port $PORT \"$TWO\" 'x y' ''", "server|--port|80|a b|x y|"),
        ("server \\\n  --port=${PORT}", "server|--port=80"),
        ("server $TWO", "has `$TWO` without quotes, and its value has spaces or patterns"),
        ("server *.conf", "has patterns or conditions of a shell"),
        ("server &", "joins commands or redirects them"),
        ("cd x; server", "is not one command"),
        ("cd x", "is `cd` of a shell"),
        ("PORT=1 server", "sets variables for a command"),
        (
            "$FLOX_ENV/bin/server",
            "needs `$FLOX_ENV`, the folder with everything of the environment, and the image has none",
        ),
        ("", "is not one command"),
    ];
    for (line, expected) in table {
        let found = variables.arguments(line).map_or_else(|impure| impure.does, |words| words.join("|"));
        assert_eq!(found, expected, "{line}");
    }
}

proptest::proptest! {
    /// Whatever stands in a hook, it is carried out or refused.
    #[test]
    fn no_script_is_too_much(script in "([a-z=]|[ \\n\\t$\"'\\\\{}`;#:~-]|\\PC){0,60}") {
        let (mut variables, _) = Variables::of(&Manifest::default(), Some("/"));
        let _ = variables.arguments(&script);
        if let Err(impure) = variables.activate(&script) {
            assert!(!impure.does.is_empty());
        }
    }
}
