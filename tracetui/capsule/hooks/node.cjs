// Read by the Node of a check as it starts: runners that name only files are asked for their tests, and beside the
// output it tells which Node it is and which files of packages were loaded.
"use strict";
const aside = process.env.TRACETUI_ASIDE;
const script = (process.argv[1] || "").replace(/\\/g, "/");
const names = process.argv.slice(2);
if (/\/(?:\.bin\/jest|jest(?:-cli)?\/bin\/jest\.js)$/.test(script)) {
  if (!names.some((word) => /^--(?:verbose|reporters|json|silent)/.test(word))) process.argv.push("--verbose");
} else if (/\/(?:\.bin\/vitest|vitest\/vitest\.mjs)$/.test(script)) {
  if (!names.some((word) => /^--reporter/.test(word))) process.argv.push("--reporter=verbose");
}
if (aside) {
  process.on("exit", () => {
    try {
      const loaded = Object.keys(require.cache || {}).filter((place) => place.includes("/node_modules/"));
      const packages = new Set();
      for (const place of loaded) {
        const rest = place.slice(place.lastIndexOf("/node_modules/") + 14).split("/");
        packages.add(rest[0].startsWith("@") ? rest.slice(0, 2).join("/") : rest[0]);
      }
      const told = { version: process.version, packages: [...packages].sort() };
      require("fs").appendFileSync(aside + "/node", JSON.stringify(told) + "\n");
    } catch (error) {
      // What cannot be told is not.
    }
  });
}
