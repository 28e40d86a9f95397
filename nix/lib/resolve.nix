# What contents of a stack take from Nix: `{ ".#web" = [ "/nix/store/…-web-1.0" ]; }`. Called as a function it does so for all
# entries; `outputs` does for one derivation.
let
  inherit (builtins)
    attrNames
    concatMap
    elemAt
    filter
    functionArgs
    head
    intersectAttrs
    isAttrs
    isFunction
    isString
    listToAttrs
    map
    match
    split
    stringLength
    substring
    ;

  trimmed = text: head (match "[[:space:]]*(.*[^[:space:]])[[:space:]]*" text);
  startsWith = prefix: text: substring 0 (stringLength prefix) text == prefix;
  without = prefix: text: substring (stringLength prefix) (stringLength text) text;
  # The parts of a text between a separator, which is a regular expression.
  parts = separator: text: filter isString (split separator text);

  # A store path by its text, as an input: `builtins.storePath`, which evaluation of flakes does not have.
  ofText =
    text:
    let
      plain = builtins.unsafeDiscardStringContext text;
    in
    builtins.appendContext plain { ${plain}.path = true; };

  # Those outputs of a derivation that `nix build` would build without being told (Nix manual, "Installables").
  usual =
    value:
    let
      said = value.meta.outputsToInstall or [ ];
    in
    if said == [ ] then [ "out" ] else said;

  chosenOutputs =
    chosen: value:
    if isAttrs value && value.type or null == "derivation" then
      map (output: "${value.${output}}") (
        if chosen == null then
          usual value
        else if chosen == "*" then
          value.outputs
        else
          parts "," chosen
      )
    else if isString value && builtins.hasContext value == false then
      [ (ofText value) ]
    else
      [ "${value}" ];

  # `a.b.c` of a set; `what` is what misses it.
  attribute =
    what: set: path:
    builtins.foldl' (
      value: name: value.${name} or (throw "${what}: there is no attribute `${name}` of `${path}`")
    ) set (parts "\\." path);
in
{
  __functor =
    _:
    {
      pkgs,
      packages,
      stack,
      entries,
    }:
    let
      system = pkgs.stdenv.hostPlatform.system;
      ofFlake =
        text:
        let
          pieces = match "([^#^]*)(#([^^]*))?(\\^(.*))?" text;
          flake = elemAt pieces 0;
          written = elemAt pieces 2;
          path = if written == null || written == "" then "default" else written;
          own = "packages.${system}.";
        in
        chosenOutputs (elemAt pieces 4) (
          if packages ? ${text} then
            packages.${text}
          else if flake == "." || flake == "" then
            attribute "`${text}`" packages (if startsWith own path then without own path else path)
          else if flake == "nixpkgs" then
            attribute "`${text}`" pkgs path
          else
            throw "`${text}` is of another flake: say what it is with `packages.\"${text}\" = …` of mkStack"
        );
      ofFile =
        file: attr:
        let
          value = import (stack + "/${file}");
          called = if isFunction value then value (intersectAttrs (functionArgs value) { inherit pkgs; }) else value;
        in
        chosenOutputs null (if attr == null then called else attribute "`${file}`" called attr);
      # The folder that holds `.flox`, as the lock has it.
      ofFlox =
        written:
        let
          above = elemAt (match "(\\./)?(.*[^/])/*" (trimmed written)) 1;
        in
        {
          name = "flox:${above}";
          value = map ofText (
            import ./flox.nix {
              inherit system;
              folder = stack + "/${above}";
            }
          );
        };
      resolved =
        entry:
        if entry ? flox then ofFlox entry.flox else ofNix entry;
      ofNix =
        entry:
        let
          text = trimmed entry.nix;
          attr = entry.attr or null;
          isFile = match ".*#.*" text == null && (attr != null || match ".*\\.nix" text != null);
          # As the lock has it.
          file = if startsWith "./" text then without "./" text else text;
        in
        if startsWith "/nix/store/" text then
          {
            name = text;
            value = [ (ofText text) ];
          }
        else if isFile then
          {
            name = if attr == null then file else "${file} ${attr}";
            value = ofFile file attr;
          }
        else
          {
            name = text;
            value = ofFlake text;
          };
    in
    listToAttrs (map resolved (filter (entry: entry ? nix || entry ? flox) entries));

  outputs = chosenOutputs null;
}
