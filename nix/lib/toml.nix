# A value as TOML (v1.0.0): strings, integers, booleans, lists, and sets of them. The text of JSON's strings is that of TOML's basic
# ones, but for a delete character.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    isAttrs
    isList
    map
    replaceStrings
    toJSON
    ;
  delete = builtins.fromJSON ''"\u007f"'';
  string = text: replaceStrings [ delete ] [ "\\u007f" ] (toJSON text);
  written =
    value:
    if isAttrs value && !(value ? outPath) then
      "{ ${concatStringsSep ", " (map (name: "${string name} = ${written value.${name}}") (attrNames value))} }"
    else if isList value then
      "[${concatStringsSep ", " (map written value)}]"
    else if builtins.isInt value || builtins.isBool value then
      toJSON value
    else
      string "${value}";
in
tables: concatStringsSep "" (map (name: "${string name} = ${written tables.${name}}\n") (attrNames tables))
