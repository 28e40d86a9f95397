// Says what it was made with.
const fs = require("fs");
const colors = require("picocolors").createColors(false);
fs.mkdirSync("dist");
fs.writeFileSync("dist/index.html", colors.bold(`<p>made with Node ${process.version}</p>\n`));
