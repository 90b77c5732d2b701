"use strict";
// Keeps what is written to the console and what is thrown, for browsers whose driver does not tell.
window.lines = [];
for (const type of ["error", "warn", "info", "log"]) {
  const write = console[type];
  console[type] = function (...values) {
    window.lines.push({ type, text: values.map(String).join(" ") });
    write.apply(console, values);
  };
}
addEventListener("error", (event) => window.lines.push({ type: "thrown", text: event.message }));
addEventListener("unhandledrejection", (event) =>
  window.lines.push({ type: "thrown", text: String(event.reason) }),
);
