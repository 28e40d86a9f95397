# Node as its npm packages bring it, and npm, as one tree: bin/node, bin/npm, lib/node_modules/npm.
set -eu
mkdir -p dist/bin dist/lib/node_modules
cp node_modules/node-linux-*/bin/node dist/bin/node
cp -R node_modules/npm dist/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js dist/bin/npm
