"use strict";
window.marks = { tag: performance.now() };
